"""A person among personas, from their creation to their leaving, as the page sees them."""

import json

import pytest

from store.messages import list_messages
from tests.support.waiting import until

ANN = {"actor": "ann"}


@pytest.fixture
def salon(live):
    """A conversation with two personas that rest little."""
    at = "/api/conversations/salon"
    live.post("/api/conversations", {"conversation_id": "salon", "title": "Salon", **ANN})
    until(lambda: live.ask("GET", at)[0] == 200)
    for name, tone in (("Ada", "dry"), ("Bo", "warm")):
        config = {
            "name": name, "conversation_id": "salon", "tone": tone, "cooldown_s": 0.05,
            "max_agent_turns": 6,
        }  # fmt: skip
        body = {"agent_id": name.lower(), "agent_type": "persona", "config": config, **ANN}
        live.post("/api/sessions", body)
    until(lambda: len(live.get(at)["participants"]) == 2)
    return at


def test_every_reply_comes_to_the_room_once(live, salon):
    """Every reply comes to the room once, with its tone; at last nobody composes; why one is silent
    is in its state; the list, the pages, the room and the export agree.
    """
    with live.client() as client:
        answer = client.call("subscribe_conversation", {"conversation_id": "salon", "after": 0})
        assert {each["name"] for each in answer["participants"]} == {"Ada", "Bo"}
        live.post(f"{salon}/messages", {"author": "ann", "text": "What is a good day?"})
        rows, composers, states = {}, [], {}

        def over():
            """Six replies, and the one who did not speak last says why it is silent."""
            name, event = client.receive(timeout=30)
            match name:
                case "messages":
                    rows.update({row["number"]: row for row in event["rows"]})
                case "composing":
                    composers.append(event["session_id"])
                case "participants":
                    states.update({each["session_id"]: each["state"] for each in event["changed"]})
            silences = [(state["silence"] or {}).get("reason") for state in states.values()]
            return len(rows) == 7 and "ceiling" in silences and composers[-1:] == [None]

        until(over)
        # Who composed may have been too quick to be seen; tests of the rooms look at that.
        assert {"ada", "bo", None} >= set(composers)
    assert sorted(rows) == list(range(1, 8))
    assert (rows[1]["author"], rows[1]["session_id"]) == ("ann", None)
    tones = {row["session_id"]: row["metadata"]["tone"] for row in rows.values() if row["agent_id"]}
    assert tones == {"ada": "dry", "bo": "warm"}
    assert live.get(f"{salon}/messages?limit=1000")["items"] == [rows[n] for n in sorted(rows)]
    detail = live.get(salon)
    assert (detail["messages"], detail["composing"]) == (7, None)
    assert sum(each["state"]["turns"] for each in detail["participants"]) == 6
    for each in detail["participants"]:
        assert each["config"]["name"] == each["name"]
        assert each["seq"] == live.get(f"/api/sessions/{each['session_id']}")["seq"]
    [listed] = [row for row in live.get("/api/conversations?limit=1000")["items"]
                if row["conversation_id"] == "salon"]  # fmt: skip
    assert (listed["participants"], listed["last_message"]["number"]) == (2, 7)
    _, _, text = live.ask("GET", f"{salon}/export")
    assert text.decode().count("(persona, ") == 2 + 6
    _, _, exported = live.ask("GET", f"{salon}/export?format=json")
    assert [row["number"] for row in exported["messages"]] == list(range(1, 8))
    assert json.dumps(exported["participants"]) == json.dumps(detail["participants"])
    steer_and_leave(live, salon)


def steer_and_leave(live, salon):
    """A new tone shows in the participant; one that is destroyed has left, and says no more."""
    with live.client() as client:
        client.call("subscribe_conversation", {"conversation_id": "salon", "after": 7})
        live.post(
            "/api/sessions/ada/interrupt", {"guidance": {"type": "set_tone", "tone": "noir"}, **ANN}
        )
        live.post("/api/sessions/bo/destroy", ANN)
        known = {}

        def both():
            name, event = client.receive(timeout=30)
            if name == "participants":
                known.update({each["session_id"]: each for each in event["changed"]})
            tone = known.get("ada", {}).get("state", {}).get("tone")
            return tone == "noir" and known.get("bo", {}).get("left_at") is not None

        until(both)
        assert known["bo"]["status"] == "stopped"
    said = len(list_messages("salon"))
    live.post(f"{salon}/messages", {"author": "ann", "text": "Ada, and now?"})
    until(lambda: len(list_messages("salon")) == said + 2)
    newest = live.get(f"{salon}/messages?last=1")["items"][0]
    assert (newest["session_id"], newest["metadata"]["tone"]) == ("ada", "noir")
