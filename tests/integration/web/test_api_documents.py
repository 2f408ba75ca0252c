"""Documents over HTTP: texts, files and addresses in, passages out, what is refused."""

import hashlib
import io
import json
from urllib.parse import quote

import queue_imp as q
from agent_core.actions.documents import document_id_of
from reins.documents.blobs import MAX_BYTES
from tests.support.waiting import until

ANN = {"actor": "ann"}
TEA = "# Tea\n\nGreen tea is not fermented.\n\n## Prices\n\nThey have doubled.\n"


def sent(api, name, data, status=202, **more):
    path = f"/api/documents/files?actor=ann&source={quote(name, safe='')}"
    answer = api.ask("POST", path, data=data, **more)
    assert answer.status_code == status, answer.text
    return answer.json


def test_a_text_is_added_read_and_removed(api):
    """Version by version; each passage by its place."""
    own = document_id_of("notes/tea")
    body = {**ANN, "source": "notes/tea", "text": TEA}
    assert api.done("/api/documents", body)["applied_seq"] == 1
    assert api.done("/api/documents", {**body, "text": TEA * 3_000})["applied_seq"] == 2
    found = api.get(f"/api/documents/{own}")
    assert (found["document"]["title"], found["document"]["version"]) == ("Tea", 2)
    assert [row["version"] for row in found["rows"]] == [1, 2]
    text = api.get(f"/api/documents/{own}/text?version=1&from_char=7&to_char=16")
    assert (text["text"], text["chars"], text["to_char"]) == ("Green tea", len(TEA), 16)
    whole = api.get(f"/api/documents/{own}/text")
    assert whole["text"] == (TEA * 3_000)[:20_000]
    assert api.get(f"/api/documents/{own}/text?from_char=9000000")["text"] == ""
    answer = api.ask("DELETE", f"/api/documents/{own}?actor=ann")
    assert q.wait_for_action(answer.json["action_id"])["applied_seq"] == 2
    assert api.get("/api/documents")["items"] == []
    [row] = api.get("/api/documents?removed=true")["items"]
    assert (row["document_id"], row["state"]) == (own, "removed")
    assert api.get(f"/api/documents/{own}/text?version=1")["text"] == TEA
    assert api.ask("DELETE", f"/api/documents/{own}?actor=ann").status_code == 409


def test_the_folders_that_the_worker_follows_are_told(api, tmp_path, monkeypatch):
    """As the settings of now have them, and what is wrong with one."""
    assert api.get("/api/documents")["folders"] == []
    there, away = tmp_path / "there", tmp_path / "away"
    there.mkdir()
    (there / "tea.md").write_text(TEA)
    monkeypatch.setenv("REINS_DOCUMENT_FOLDERS", json.dumps([str(there), str(away)]))
    q.wait_for_action(q.environment_reload_action("ann"))
    until(lambda: api.get("/api/documents")["folders"][1]["trouble"], "it has looked")
    found = api.get("/api/documents")
    [row] = found["items"]
    assert (row["source"], row["actor"]) == (str(there / "tea.md"), "Reins")
    first, second = found["folders"]
    assert first == {"path": str(there), "trouble": None}
    assert (second["path"], "No such file" in second["trouble"]) == (str(away), True)


def test_a_file_is_sent_as_it_is(api):
    """Its bytes as the body; the same again is no new version."""
    data = "<h1>Tee</h1><p>Grüner Tee.<script>alert(1)</script>".encode()
    for _ in range(2):
        receipt = q.wait_for_action(sent(api, "a/ü b.html", data)["action_id"])
        assert receipt["applied_seq"] == 1, receipt
    [row] = api.get("/api/documents")["items"]
    assert (row["source"], row["media_type"], row["actor"]) == ("a/ü b.html", "text/html", "ann")
    assert row["sha256"] == hashlib.sha256(data).hexdigest()
    text = api.get(f"/api/documents/{row['document_id']}/text")["text"]
    assert "Grüner Tee." in text
    assert "alert" not in text
    broken = q.wait_for_action(sent(api, "b.pdf", b"%PDF-1.4 nothing")["action_id"])
    assert broken["outcome"] == "rejected"


def test_the_list_is_paged(api):
    """The newest first, each once."""
    for number in range(5):
        api.done("/api/documents", {**ANN, "source": f"n{number}", "text": "x"})
    seen, cursor = [], ""
    while cursor is not None:
        page = api.get(f"/api/documents?limit=2&cursor={cursor}")
        seen += [row["source"] for row in page["items"]]
        cursor = page["next_cursor"]
    assert seen == ["n4", "n3", "n2", "n1", "n0"]


def test_what_does_not_fit_is_refused(idle):
    """With what would be right; nothing is enqueued, nothing stays."""
    for body in (
        {"source": "x"},
        {"source": "x\ny", "text": "t"},
        {"source": "", "text": "t"},
        {"source": "/etc/passwd"},
        {"source": "file:///etc/passwd"},
        {"source": "x", "text": "t", "blob": "0" * 64},
        {"source": "x", "text": "t", "title": ""},
    ):
        idle.post("/api/documents", {**ANN, **body}, 422)
    idle.post("/api/documents", {**ANN, "source": "x", "text": "t" * 600_000}, 413)
    sent(idle, "x", b"t" * (MAX_BYTES + 1), 413)
    sent(idle, "x\ny", b"t", 422)
    assert "too large" in idle.ask("POST", "/api/documents", data=b"x" * (1 << 20)).text
    nobody = "doc_" + "0" * 12
    idle.get(f"/api/documents/{nobody}", 404)
    idle.get(f"/api/documents/{nobody}/text", 404)
    idle.get("/api/documents/..", 422)
    assert idle.ask("DELETE", f"/api/documents/{nobody}?actor=ann").status_code == 404
    assert idle.actions() == []
    assert not [*(idle.settings.data / "blobs").glob("*")]


def test_a_file_that_ends_early_is_none(idle):
    """Nothing is enqueued for a part of a file, and nothing of it stays."""
    short = {"CONTENT_LENGTH": "5000", "wsgi.input": io.BytesIO(b"a part")}
    path = "/api/documents/files?actor=ann&source=x"
    answer = idle.ask("POST", path, environ_overrides=short)
    assert answer.status_code == 400
    assert idle.actions() == []
    assert not [*(idle.settings.data / "blobs").glob("*")]


def test_citations_are_looked_up(api):
    """Each with what stands at its place, and what is wrong with it; and who cites a document."""
    own = document_id_of("tea")
    api.done("/api/documents", {**ANN, "source": "tea", "text": TEA})
    begin = TEA.index("Green")
    right, wrong = f"[{own}:1:{begin}-{begin + 27}]", f"[{own}:1:0-3]"
    said = f'It says: "Green tea is not fermented" {right}, not "Tea is black" {wrong}.'
    first, second = api.post("/api/citations", {"text": said}, 200)["items"]
    assert (first["why"], first["passage"]) == (None, TEA[begin : begin + 27])
    assert "nowhere in this version" in second["why"]
    assert api.get(f"/api/documents/{own}/citations")["items"] == []
    api.done("/api/conversations", {**ANN, "conversation_id": "talk"})
    api.done("/api/conversations/talk/messages", {"author": "ann", "text": said})
    items = api.get(f"/api/documents/{own}/citations")["items"]
    assert {(each["conversation_id"], each["actor"], each["number"]) for each in items} == {
        ("talk", "ann", 1)
    }
    assert sorted(each["why"] is None for each in items) == [False, True]
    api.get(f"/api/documents/doc_{'0' * 12}/citations", 404)
