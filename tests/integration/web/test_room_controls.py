"""A conversation is steered as a whole: pause, resume, pace, ceiling, rename, end."""

import pytest

import queue_imp as q
from reins.cli.main import main
from store.agent_state import get_agent_state
from store.conversations import get_conversation
from store.messages import list_messages
from tests.support.waiting import until

ANN = {"actor": "ann"}
WORD = {"author": "ann", "text": "Should cats vote?"}


@pytest.fixture
def salon(api):
    api.done("/api/conversations", {"conversation_id": "salon", **ANN})
    for name in ("Mara", "Finn"):
        config = {"name": name, "conversation_id": "salon", "cooldown_s": 0, "max_agent_turns": 3}
        body = {"agent_id": name, "agent_type": "persona", "config": config, **ANN}
        assert api.done("/api/sessions", body)["outcome"] == "applied"
    return api


def said():
    return [row for row in list_messages("salon") if row["session_id"]]


def detail(api):
    return api.get("/api/conversations/salon")


def rest(name):
    state = get_agent_state(name)
    return '"reason":"ceiling"' in state["context"]


def test_they_rest_and_are_let_go_on(salon):
    """The ceiling counts messages without a person; a resume counts them anew, with a receipt."""
    salon.done("/api/conversations/salon/messages", WORD)
    until(lambda: rest("Mara") or rest("Finn"))
    assert (len(said()), detail(salon)["without_person"]) == (3, 3)
    assert salon.done("/api/conversations/salon/resume", ANN)["outcome"] == "applied"
    until(lambda: len(said()) == 6)
    until(lambda: detail(salon)["without_person"] == 3)
    settings = {"ceiling": 5, "title": "The vote", "pace": "brisk", **ANN}
    assert salon.done("/api/conversations/salon/settings", settings)["outcome"] == "applied"
    until(lambda: len(said()) == 8)
    shown = detail(salon)
    assert (shown["ceiling"], shown["title"], shown["pace"]) == (5, "The vote", "brisk")


def test_a_paused_room_is_silent_until_it_is_resumed(salon):
    """Whatever is written meanwhile is answered after that."""
    salon.done("/api/conversations/salon/pause", {"reason": "lunch", **ANN})
    assert detail(salon)["paused_by"] == "ann"
    salon.done("/api/conversations/salon/messages", WORD)
    until(lambda: '"reason":"paused"' in get_agent_state("Mara")["context"])
    assert said() == []
    assert main(["room", "resume", "salon", "--wait", "--actor", "bob"]) == 0
    until(lambda: len(said()) == 3)
    assert detail(salon)["paused_by"] is None


def test_an_ended_conversation_keeps_its_transcript_and_takes_nothing(salon):
    """Its personas complete; a message, a change and a persona are refused."""
    salon.done("/api/conversations/salon/messages", WORD)
    until(lambda: len(said()) == 3)
    assert q.wait_for_action(q.conversation_end("salon", "ann"))["outcome"] == "applied"
    until(lambda: get_agent_state("Mara")["status"] == "completed")
    until(lambda: get_agent_state("Finn")["status"] == "completed")
    shown = detail(salon)
    assert (shown["ended_by"], shown["messages"]) == ("ann", 4)
    problem = salon.post("/api/conversations/salon/messages", WORD, 409)
    assert "was ended by ann" in problem["detail"]
    for sent in (q.post_message("salon", "ann", "More?"), q.conversation_pause("salon", "ann")):
        receipt = q.wait_for_action(sent)
        assert receipt["outcome"] == "rejected"
        assert "was ended by ann" in receipt["error"]


def test_a_message_of_the_demonstration_says_so_in_a_field(salon):
    """Not in its text: on the wire, in the REPL, in the shell and in the document."""
    salon.done("/api/conversations/salon/messages", WORD)
    until(lambda: len(said()) == 3)
    shown = salon.get("/api/conversations/salon/messages")["items"]
    assert [each["demonstration"] for each in shown] == [False, True, True, True]
    assert all(row["demonstration"] and "demo" not in row["text"] for row in said())
    document = salon.ask("GET", "/api/conversations/salon/export").get_data(as_text=True)
    assert document.count("offline demonstration") == 3


def test_what_cannot_be_is_refused(salon):
    """Unknown rooms, impossible paces, and nothing at all."""
    salon.post("/api/conversations/none/pause", ANN, 404)
    salon.post("/api/conversations/salon/settings", {"pace": "hurried", **ANN}, 422)
    salon.post("/api/conversations/salon/settings", {"ceiling": 0, **ANN}, 422)
    salon.post("/api/conversations/salon/settings", ANN, 422)
    with pytest.raises(q.ActionError):
        q.conversation_set("salon", "ann")
    assert get_conversation("salon")["title"] is None
