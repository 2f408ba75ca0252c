"""The queue and the conversations over HTTP."""

from datetime import UTC, datetime
from urllib.parse import quote

import pytest

import queue_imp as q
from store.queue import table as queue
from store.queue import writer as queue_writer
from store.reading import reader

ANN = {"actor": "ann"}


def by_hand(**columns):
    """An action that somebody wrote without our helpers."""
    row = dict.fromkeys(queue.TABLE.schema.names) | {"processed": False} | columns
    queue_writer.writer_at(reader().folder.path).append(row)


def test_actions_come_newest_first_in_pages_that_meet(idle):
    """In pages that meet without a gap or a double, also where times are the same."""
    now = datetime.now(UTC)
    for n in range(25):
        row = q.create_action("agent_pause", "ann", agent_id=f"a{n}")
        q.enqueue({**row, "created_at": now} if n % 2 else row)
    whole = [row["action_id"] for row in idle.get("/api/actions")["items"]]
    assert len(set(whole)) == 25
    seen, cursor = [], ""
    while cursor is not None:
        page = idle.get(f"/api/actions?limit=4&cursor={cursor}")
        seen += [row["action_id"] for row in page["items"]]
        cursor = page["next_cursor"]
    assert seen == whole
    times = [row["created_at"] for row in idle.actions()]
    assert times == sorted(times, reverse=True)


def test_actions_are_found_by_state_session_and_type(api):
    """Each filter alone and together."""
    api.done("/api/sessions", {"agent_id": "c", "agent_type": "odd", **ANN})
    q.wait_for_action(q.agent_pause_action("nobody", "ann"))
    api.done("/api/sessions/c/pause", ANN)

    def found(query):
        return [row["type"] for row in api.get(f"/api/actions?{query}")["items"]]

    assert found("state=rejected") == ["agent_pause"]
    assert found("state=applied") == ["agent_pause", "create_agent"]
    assert found("state=queued") == []
    assert found("session_id=nobody") == ["agent_pause"]
    assert found("type=create_agent&session_id=c") == ["create_agent"]
    assert found(f"session_id={quote(chr(39) + ' OR 1=1 --')}") == []
    [row] = api.get("/api/actions?state=rejected")["items"]
    assert "there is no session nobody" in row["error"]
    assert row["latency_ms"] > 0


@pytest.mark.parametrize(
    "columns",
    [
        {"action_id": "mine"},
        {"action_id": "mine", "type": "create_agent", "payload": "not json"},
        {"action_id": "mine", "type": "create_agent", "payload": "[]", "metadata": "{"},
        {"action_id": "mine", "type": "create_agent", "session_id": "c", "payload": "null"},
        {"action_id": "mine", "type": "conversation_create", "payload": "5"},
        {"action_id": "mine", "type": "agent_pause", "payload": "[" * 500 + "]" * 500},
    ],
)
def test_an_action_written_by_hand_is_shown_as_it_is(idle, columns):
    """Shown as it is, and in nobody's way."""
    by_hand(**{"type": "agent_pause", **columns})
    assert [row["action_id"] for row in idle.actions()] == ["mine"]
    assert idle.get("/api/actions/mine")["outcome"] == "queued"
    idle.post("/api/sessions/d/pause", ANN, 404)
    idle.post("/api/conversations", {"conversation_id": "d", **ANN})


def test_a_conversation_is_listed_with_the_number_of_its_messages(api):
    """Created once, spoken in, listed with the number of its messages."""
    new = {"conversation_id": "talk/1", "title": "Talk", **ANN}
    at = "/api/conversations/talk%2F1/messages"
    api.post(at, {"author": "ann", "text": "hello"}, 404)
    api.done("/api/conversations", new)
    api.post("/api/conversations", new, 409)
    api.done("/api/conversations", {"conversation_id": "silent", **ANN})
    for n in range(5):
        api.done(at, {"author": "ann", "text": f"<b>hello {n}</b>"})
    page = api.get(f"{at}?limit=3")
    assert [row["number"] for row in page["items"]] == [1, 2, 3]
    assert page["items"][0]["text"] == "<b>hello 0</b>"
    rest = api.get(f"{at}?after={page['next_cursor']}")
    assert ([row["number"] for row in rest["items"]], rest["next_cursor"]) == ([4, 5], None)
    first = api.get("/api/conversations?limit=1")
    [silent] = first["items"]
    assert (silent["conversation_id"], silent["messages"]) == ("silent", 0)
    [talk] = api.get(f"/api/conversations?cursor={first['next_cursor']}")["items"]
    assert (talk["messages"], talk["title"]) == (5, "Talk")
    assert talk["last_message_at"] == rest["items"][-1]["created_at"]
    api.get("/api/conversations/nobody/messages", 404)


def test_a_conversation_whose_creation_waits(idle):
    """It can be spoken in, and is not created twice."""
    idle.post("/api/conversations", {"conversation_id": "talk", **ANN})
    idle.post("/api/conversations", {"conversation_id": "talk", **ANN}, 409)
    idle.post("/api/conversations/talk/messages", {"author": "ann", "text": "hello"})
    for text in ("", " \n", None, 5):
        idle.post("/api/conversations/talk/messages", {"author": "ann", "text": text}, 422)
    assert len(idle.actions()) == 2
