"""Chunks of documents are found by the search: by words, by meaning, as they are now."""

import asyncio

import pytest

import queue_imp as q
from agent_core.actions.documents import document_id_of
from reins.documents import documents as rooms
from reins.documents.cited import cited_in
from reins.llm import ModelRouter
from reins.llm.from_settings import model_settings
from reins.search.answering import grouped
from reins.search.indexer import VectorsIndexer, WordsIndexer
from reins.search.resting import LOOK_S
from reins.search.searching import Searcher
from reins.search.segments import Part
from reins.settings import load_settings
from store import chunks
from store.store import Store
from tests.integration.store.support import message, step


@pytest.fixture
async def store(tmp_path):
    store = Store(tmp_path / "data", flush_s=0.05)
    await store.start()
    yield store
    await store.stop()


TEA = "# Tea\n\nGreen tea is not fermented.\n\n## Prices\n\nThey have doubled since March.\n"
CATS = "# Animals\n\nKittens sleep all day long, and hunt at night.\n"


async def add(fleet, source, text):
    assert (await fleet.do(q.add_document, source, "ann", text=text))["outcome"] == "applied"
    return document_id_of(source)


async def indexed(store):
    words = WordsIndexer(store.reader, lambda: False)
    while (await asyncio.to_thread(words.run_once)) != LOOK_S:
        pass


async def found(fleet, query, **how):
    hits = (await asyncio.to_thread(Searcher(fleet.store.reader).search, query, **how)).hits
    return [(hit.row["document_id"], hit.row["place"]) for hit in hits]


@pytest.mark.parametrize("is_indexed", [True, False])
async def test_passages_are_found_by_words(fleet, is_indexed):
    """At once, with the headings that they stand under, and where in the document they are."""
    tea, cats = await add(fleet, "tea", TEA), await add(fleet, "cats", CATS)
    if is_indexed:
        await indexed(fleet.store)
    begins = TEA.index("## Prices")
    prices = f"1:{begins}-{len(TEA)}"
    assert await found(fleet, "fermented kind:chunk") == [(tea, f"1:0-{begins}")]
    assert (await found(fleet, "doubled prices"))[0] == (tea, prices)
    assert (await found(fleet, '"since march" source:chunk'))[0] == (tea, prices)
    assert await found(fleet, f"document:{cats} doubled") == []
    assert await found(fleet, f"document:{cats}") == [(cats, f"1:0-{len(CATS)}")]
    hits = await asyncio.to_thread(Searcher(fleet.store.reader).search, "kittens")
    shown = grouped(hits, store=fleet.store.reader)
    [group] = shown["groups"]
    assert (group["document_id"], group["session_id"]) == (cats, None)
    version, _, place = group["hits"][0]["place"].partition(":")
    text = chunks.text_of(cats, int(version), *map(int, place.split("-")), store=fleet.store.reader)
    assert text == CATS


@pytest.mark.parametrize("is_indexed", [True, False])
async def test_only_what_a_document_says_now_is_found(fleet, is_indexed):
    """Neither older versions nor what was removed, and again what was added again."""
    tea = await add(fleet, "tea", TEA)
    if is_indexed:
        await indexed(fleet.store)
    await add(fleet, "tea", "# Tea\n\nIt is brewed.\n")
    if is_indexed:
        await indexed(fleet.store)
    assert await found(fleet, "fermented") == []
    assert await found(fleet, "brewed") == [(tea, "2:0-21")]
    await fleet.do(q.remove_document, tea, "ann")
    assert await found(fleet, "brewed") == []
    assert await found(fleet, f"document:{tea}") == []
    await add(fleet, "tea", TEA)
    assert (await found(fleet, "fermented"))[0][1].startswith("3:")


@pytest.mark.parametrize("is_indexed", [True, False])
async def test_old_versions_do_not_stand_before_the_newest(fleet, is_indexed, monkeypatch):
    """However many there are, and however well they fit."""
    monkeypatch.setattr("reins.search.searching._RANKED", 5)
    last = "a long text in which a needle stands"
    for version, text in enumerate([f"needle {n}" for n in range(1, 12)] + [last], 1):
        draft = rooms.Draft("tea", "ann", f"act_{version}", data=text.encode())
        tea = (await fleet.documents.add(draft)).document_id
        if is_indexed and version == 11:
            await indexed(fleet.store)
    if is_indexed:
        await indexed(fleet.store)
    assert await found(fleet, "needle", limit=2) == [(tea, "12:0-36")]
    assert await found(fleet, "kind:chunk", limit=2) == [(tea, "12:0-36")]


async def test_passages_are_found_by_meaning(fleet, monkeypatch):
    """By other words than theirs, within one document too."""
    model = ModelRouter(model_settings(load_settings()))
    await model.start()
    tea, cats = await add(fleet, "tea", TEA), await add(fleet, "cats", CATS)
    await indexed(fleet.store)
    vectors = VectorsIndexer(fleet.store.reader, model, lambda: False)
    while (await vectors.run_once()) != 1.0:
        pass
    loop = asyncio.get_running_loop()

    def vector(text, _route):
        return asyncio.run_coroutine_threadsafe(model.embed([text]), loop).result()[0]

    assert (await found(fleet, "cat pets", vector=vector))[0][0] == cats
    await add(fleet, "cats", "# Dogs\n\nThey bark.\n")
    await indexed(fleet.store)
    while (await vectors.run_once()) != 1.0:
        pass
    assert all(place[0] == "2" for own, place in await found(fleet, "cat pets", vector=vector)
               if own == cats)  # fmt: skip
    folder, where = fleet.store.folder.path / "search", f"document_id = '{cats}'"

    async def of_cats(table):
        return await table.query().where(where).to_list()

    rows = Part(folder, "vectors").each(of_cats)
    assert {row["place"][0] for row in rows} == {"2"}
    of_tea = await found(fleet, f"cost inflation document:{tea}", vector=vector)
    assert {document_id for document_id, _ in of_tea} == {tea}
    await model.stop()


@pytest.mark.parametrize("is_indexed", [True, False])
async def test_who_cites_a_document_is_found(store, is_indexed):
    """Each once for a session, with what stands there; not who has only read it."""
    draft = rooms.Draft("tea", "ann", "act_1", data=TEA.encode())
    tea = (await rooms.Documents(store, load_settings).add(draft)).document_id
    said = f'They say "Green tea" [{tea}:1:7-16].'
    await store.journal.append(
        step("s", 1, text=said), step("s", 2, text=said), step("s", 3, text=f"read {tea}"),
        message("room", 1, f'"Black tea" [{tea}:1:7-16] and [doc_000000000000:1:0-4]'),
    )  # fmt: skip
    if is_indexed:
        await indexed(store)
    one, other = await asyncio.to_thread(cited_in, tea, store.reader)
    by_session = {each.row["session_id"]: each for each in (one, other)}
    assert by_session["s"].checked.why is None
    assert by_session["s"].row["number"] == 2
    assert "nowhere" in by_session[None].checked.why
