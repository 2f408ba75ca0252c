"""Documents: stored with their texts, version by version, and ended."""

import json

import pytest
from aiohttp import web

import queue_imp as q
from agent_core.actions.documents import document_id_of
from agent_core.actions.ids import ActionError
from reins import redaction
from reins.documents import documents as rooms
from reins.settings import load_settings
from store import chunks, documents
from tests.support.web_sites import site

TEXT = "# Tea\n\nGreen tea is not fermented.\n\n## Prices\n\nThey have doubled.\n"


async def add(fleet, source, **parts):
    return await fleet.do(q.add_document, source, "ann", **parts)


def chunk_rows(fleet, document_id, version):
    return chunks.list_chunks(document_id, version, store=fleet.store.reader)


async def test_a_file_is_stored_with_its_text(fleet, tmp_path):
    """Its chunks, put together, are its text; each stands under its heading."""
    path = tmp_path / "tea.md"
    path.write_text(TEXT)
    assert (await add(fleet, path))["applied_seq"] == 1
    [row] = q.list_documents()
    assert row["document_id"] == document_id_of(str(path))
    assert (row["title"], row["media_type"], row["actor"]) == ("Tea", "text/markdown", "ann")
    assert (row["size_bytes"], row["chars"], row["chunks"]) == (len(TEXT), len(TEXT), 2)
    own = row["document_id"]
    assert q.document_text(own) == TEXT
    assert q.document_text(own, from_char=7, to_char=16) == "Green tea"
    assert [each["heading"] for each in chunk_rows(fleet, own, 1)] == ["Tea", "Tea > Prices"]
    blob = fleet.store.folder.path / "blobs" / row["sha256"]
    assert blob.read_bytes() == TEXT.encode()


async def test_another_content_is_another_version(fleet):
    """The same bytes are none; older versions stay as they were."""
    for text, version in (("one", 1), ("one", 1), ("two", 2), ("two", 2), ("one", 3)):
        assert (await add(fleet, "notes/a", text=text))["applied_seq"] == version
    own = document_id_of("notes/a")
    assert [q.document_text(own, version) for version in (1, 2, 3)] == ["one", "two", "one"]
    assert len(documents.document_rows(own, store=fleet.store.reader)) == 3


async def test_what_is_removed_is_ended_not_deleted(fleet):
    """Its versions are read still; added again, it has a further one."""
    await add(fleet, "a", text="one")
    own = document_id_of("a")
    assert (await fleet.do(q.remove_document, own, "ann"))["applied_seq"] == 1
    assert q.list_documents() == []
    assert [row["state"] for row in q.list_documents(removed=True)] == ["removed"]
    assert q.document_text(own, 1) == "one"
    again = await fleet.do(q.remove_document, own, "ann")
    assert again["outcome"] == "rejected"
    assert "was removed before" in again["error"]
    assert (await add(fleet, "a", text="one"))["applied_seq"] == 2
    assert "is not there" in (await fleet.do(q.remove_document, "doc_" + "0" * 12, "ann"))["error"]


async def test_an_action_that_was_applied_stores_nothing_again(fleet):
    """A worker that was killed before it marked it finds its rows, also once it is removed."""
    draft = rooms.Draft("a", "ann", "act_1", data=b"one")
    own = document_id_of("a")
    assert (await fleet.documents.add(draft)).version == 1
    await fleet.documents.remove(own, actor="ann", action_id="act_2")
    await fleet.stop()
    await fleet.start()
    assert (await fleet.documents.add(draft)).version == 1
    assert await fleet.documents.remove(own, actor="ann", action_id="act_2") == 1
    assert len(documents.document_rows(own, store=fleet.store.reader)) == 2
    assert len(chunk_rows(fleet, own, 1)) == 1


async def test_a_long_text_comes_by_a_file(fleet):
    """No payload holds it; it is cut into chunks all the same."""
    text = "A sentence of a long text. " * 20_000
    assert (await add(fleet, "long", text=text))["outcome"] == "applied"
    own = document_id_of("long")
    assert q.document_text(own) == text
    assert len(chunk_rows(fleet, own, 1)) > 400
    assert q.document_text(own, from_char=300_000, to_char=300_100) == text[300_000:300_100]


async def test_a_blob_that_is_not_there_is_told(fleet):
    """Nothing is stored for a file that nobody has handed over, or that is damaged."""
    digest = "0" * 64
    gone = await fleet.do(q.enqueue, q.create_action("document_add", "a", source="x", blob=digest))
    assert "is not in" in gone["error"]
    (fleet.store.folder.path / "blobs").mkdir()
    (fleet.store.folder.path / "blobs" / digest).write_bytes(b"others")
    bad = await fleet.do(q.enqueue, q.create_action("document_add", "a", source="x", blob=digest))
    assert "is damaged" in bad["error"]
    (fleet.store.folder.path / "blobs" / digest).unlink()
    assert q.list_documents(removed=True) == []


async def test_keys_are_taken_out_before_places_are_given(fleet, monkeypatch):
    """So that what follows one stands where it says; a file with one is not taken."""
    key = "sk-proj-A1b2C3d4E5f6G7h8"
    monkeypatch.setattr(redaction, "_redactor", redaction.Redactor([key]))
    text = "x " * 590 + key + " and what follows it"
    await add(fleet, "keys", text=text)
    own = document_id_of("keys")
    stored = q.document_text(own)
    assert stored == text.replace(key, redaction.HIDDEN)
    at = stored.index("follows")
    assert q.document_text(own, from_char=at, to_char=at + 7) == "follows"
    with pytest.raises(ActionError, match="holds a key"):
        q.add_document("file", "ann", data=b"x" * ((1 << 20) - 5) + key.encode())
    long = "word " * 30_000 + key
    await add(fleet, "long", text=long)
    assert key not in q.document_text(document_id_of("long"))
    assert not [*fleet.store.folder.path.glob("blobs/*.part")]


async def test_what_is_at_an_address_is_fetched_by_the_worker(fleet, monkeypatch):
    """As its type says; again it is a version only if it has changed, and an error is none."""
    pages = ["<h1>Tea</h1><p>It is <i>green</i>.", "<h1>Tea</h1><p>It is black.", None]
    answers = iter([pages[0], pages[0], pages[1], pages[2]])

    async def answer(_request):
        text = next(answers)
        if text is None:
            raise web.HTTPServiceUnavailable
        return web.Response(text=text, content_type="text/html")

    async with site(answer) as there:
        monkeypatch.setenv("REINS_HTTP_INNER_HOSTS", json.dumps([there.place]))
        fleet.settings = load_settings(data=fleet.store.folder.path)
        address = there.url("/tea?a=1")
        for version in (1, 1, 2):
            assert (await add(fleet, address))["applied_seq"] == version
        assert "503" in (await add(fleet, address))["error"]
    own = document_id_of(address)
    assert "It is green." in q.document_text(own, 1).replace("*", "").replace("_", "")
    assert "It is black." in q.document_text(own)
    assert q.list_documents()[0]["media_type"] == "text/html"


async def test_a_text_of_the_most_characters_is_stored(fleet):
    """All of its chunks in one commit."""
    text = ("It is a sentence of some length. " * 125_000)[:4_000_000]
    assert (await add(fleet, "long", text=text))["outcome"] == "applied"
    own = document_id_of("long")
    assert q.document_text(own, from_char=3_999_000) == text[3_999_000:]
    assert len(chunk_rows(fleet, own, 1)) > 3_300
