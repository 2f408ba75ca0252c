"""Search of everything, over HTTP."""

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
