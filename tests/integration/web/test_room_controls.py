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


def test_a_branch_begins_with_what_was_said_and_goes_on_by_itself(salon):
    """Up to the message that is named, with the same personas as sessions of their own; the first
    conversation goes on, and what a persona said stays under the session that said it."""
    salon.done("/api/conversations/salon/messages", WORD)
    until(lambda: len(said()) == 3)
    ids = q.conversation_branch("salon", 2, "other", "ann", title="The other vote")
    assert [q.wait_for_action(each)["outcome"] for each in ids] == ["applied"] * 3
    first, copied = list_messages("salon"), list_messages("other", limit=2)
    for name in ("number", "author", "text", "session_id", "created_at"):
        assert [row[name] for row in copied] == [row[name] for row in first[:2]]
    assert not {row["message_id"] for row in copied} & {row["message_id"] for row in first}
    until(lambda: {row["session_id"] for row in list_messages("other", 2)} >= {"Mara-other"})
    ids = q.conversation_branch("salon", 1, "again", "ann", speaker="Finn")
    assert [q.wait_for_action(each)["outcome"] for each in ids] == ["applied"] * 4
    until(lambda: list_messages("again", 1))
    assert "Finn-again" in {row["session_id"] for row in list_messages("again", 1)}
    shown = salon.get("/api/conversations/other")
    assert shown["title"] == "The other vote"
    assert {row["name"] for row in shown["participants"]} == {"Mara", "Finn"}
    assert len(said()) == 3
    assert main(["store", "verify"]) == 0


def test_a_branch_over_http_and_what_it_refuses(salon, capsys):
    """One action for the conversation, one for each persona; unknown places are told."""
    salon.done("/api/conversations/salon/messages", WORD)
    where, body = "/api/conversations/salon/branch", {"branch_id": "b", "upto": 1, **ANN}
    accepted = salon.post(where, body, 202)["items"]
    assert [q.wait_for_action(each["action_id"])["outcome"] for each in accepted] == ["applied"] * 3
    assert [row["text"] for row in list_messages("b", limit=1)] == [WORD["text"]]
    salon.post(where, body, 409)
    salon.post("/api/conversations/none/branch", body, 404)
    salon.post(where, {**body, "branch_id": "c", "upto": 0}, 422)
    own = {"conversation_id": "own", "branch_of": "own", "upto": 1}
    asked = [own, {**own, "branch_of": "nowhere"}, {**own, "branch_of": None}]
    told = [q.wait_for_action(q.enqueue(q.create_action("conversation_create", "ann", **each)))
            for each in asked]  # fmt: skip
    assert [each["outcome"] for each in told] == ["rejected"] * 3
    far, *_ = salon.post(where, {**body, "branch_id": "far", "upto": 999}, 202)["items"]
    assert "has" in q.wait_for_action(far["action_id"])["error"]
    with pytest.raises(q.ActionError, match="takes no part"):
        q.conversation_branch("salon", 1, "d", "ann", speaker="nobody")
    salon.post(where, {**body, "branch_id": "e", "speaker": "nobody"}, 422)
    for conversation_id, upto, branch_id in (
        ("none", 1, "d"),
        ("salon", 0, "d"),
        ("salon", 1, "b"),
    ):
        with pytest.raises(q.ActionError):
            q.conversation_branch(conversation_id, upto, branch_id, "ann")
    command = ["room", "branch", "salon", "1", "shell", "--actor", "ann", "--wait", "10"]
    assert main(command) == 0
    assert capsys.readouterr().out.count("applied") == 3
