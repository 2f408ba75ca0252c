"""Search of everything, over HTTP."""

import csv
import io
import json

import queue_imp as q
from tests.support.waiting import until


def test_what_is_said_is_found_at_once(api):
    """By the session that said it, before the index has come to it."""
    body = {"actor": "ann", "agent_id": "finn", "config": {"subject": "walruses"}}
    api.done("/api/sessions", body)
    until(lambda: api.get("/api/search?q=walruses+kind:tick")["groups"], "it is found")
    found = api.get("/api/search?q=walruses+source:step")
    [group] = found["groups"]
    assert (group["session_id"], group["agent_id"], group["agent_type"]) == ("finn", "finn", "joke")
    assert "walruses" in group["hits"][0]["text"]
    assert group["hits"][0]["by"] == ["words"]
    assert found["behind"] == 0


def test_messages_stand_by_their_conversation(api):
    """With who said them."""
    api.done("/api/conversations", {"actor": "ann", "conversation_id": "room"})
    q.wait_for_action(q.post_message("room", "carol", "The budget of March"))
    [group] = api.get("/api/search?q=budget+by:carol")["groups"]
    assert (group["session_id"], group["conversation_id"]) == (None, "room")
    assert (group["hits"][0]["number"], group["hits"][0]["actor"]) == (1, "carol")
    assert q.search("budget")["groups"][0]["hits"][0]["text"] == "The budget of March"


def test_a_session_is_found_by_what_it_was_made_for(api):
    """Its configuration is a text, too."""
    body = {"actor": "ann", "agent_id": "mira", "agent_type": "joke", "description": "about yaks"}
    api.done("/api/sessions", body)
    [group] = api.get("/api/search?q=yaks+source:session")["groups"]
    assert group["session_id"] == "mira"


def test_what_cannot_be_meant_is_refused(api):
    """With what would be right."""
    said = json.dumps(api.get("/api/search?q=source:mail", 422))
    assert "expected some of step, message, memory, session" in said
    assert api.get("/api/search?q=x&limit=201", 422)


def test_rows_beside_a_hit_come_with_it(api):
    """From before and after it, in a conversation as in a log."""
    api.done("/api/conversations", {"actor": "ann", "conversation_id": "room"})
    for text in ("first", "the budget", "third"):
        q.wait_for_action(q.post_message("room", "carol", text))
    [group] = api.get("/api/search?q=budget&around=1")["groups"]
    assert [(each["number"], each["text"]) for each in group["hits"][0]["nearby"]] == [
        (1, "first"), (3, "third"),
    ]  # fmt: skip
    [group] = q.search("budget")["groups"]
    assert group["hits"][0]["nearby"] == []
    api.done("/api/sessions", {"actor": "ann", "agent_id": "finn", "config": {"subject": "yaks"}})
    until(lambda: api.get("/api/sessions/finn/steps?after_seq=2")["items"], "some ticks")
    [group] = q.search("session:finn yaks kind:said", limit=1, around=2)["groups"]
    numbers = [each["number"] for each in group["hits"][0]["nearby"]]
    assert group["hits"][0]["number"] - 1 in numbers
    assert api.get("/api/search?q=x&around=6", 422)


def test_more_like_a_row(api):
    """By its words where there are no vectors; the row itself is none of them."""
    api.done("/api/conversations", {"actor": "ann", "conversation_id": "room"})
    for text in ("tea has become dear", "the weather", "dear tea, said Mara"):
        q.wait_for_action(q.post_message("room", "carol", text))
    [group] = api.get("/api/search?like=room:1&q=source:message")["groups"]
    assert [hit["number"] for hit in group["hits"]] == [3]
    for wrong, said in (
        ("room:9", "is not there"),
        ("room", "expected a session"),
        ("x:1", "is not there"),
    ):
        assert said in json.dumps(api.get(f"/api/search?like={wrong}", 422))
    assert "fields alone" in json.dumps(api.get("/api/search?like=room:1&q=tea", 422))


def test_hits_are_taken_away(api):
    """As JSON lines, and as a table that a spreadsheet takes no formula from."""
    api.done("/api/conversations", {"actor": "ann", "conversation_id": "room"})
    q.wait_for_action(q.post_message("room", "carol", "=1+budget"))
    path = "/api/search/export?q=budget+source:message"
    [line] = api.client.get(path).get_data(as_text=True).splitlines()
    assert json.loads(line)["text"] == "=1+budget"
    table = api.client.get(f"{path}&format=csv")
    assert table.mimetype == "text/csv"
    [_, row] = csv.reader(io.StringIO(table.get_data(as_text=True)))
    assert "'=1+budget" in row


def test_a_search_is_saved_like_a_view(api):
    """Beside the views of the list, under a name."""
    body = {"actor": "ann", "name": "prices", "kind": "search", "content": {"query": "q=price"}}
    api.done("/api/saved", body)
    [row] = api.get("/api/saved?kind=search")["items"]
    assert row["content"] == {"query": "q=price"}
