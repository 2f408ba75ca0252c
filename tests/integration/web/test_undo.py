"""Guidance says what was understood, and can be taken back: by HTTP, helpers and the shell."""

import pytest

import queue_imp as q
from reins.cli.main import main
from store.agent_steps import list_steps

ANN = {"actor": "ann"}
QUIET = {"subject": "cats", "heartbeat_s": 3_600}


@pytest.fixture
def joker(api):
    created = {"agent_id": "j", "agent_type": "joke", "config": QUIET, **ANN}
    assert api.done("/api/sessions", created)["outcome"] == "applied"
    return api


def guided(api, guidance):
    return api.done("/api/sessions/j/interrupt", {"guidance": guidance, **ANN})


def subject(api):
    return api.get("/api/sessions/j")["context"]["subject"]


def test_words_and_pasted_json_are_fields_and_can_be_taken_back(joker):
    """The receipt says what changed; undo is an interrupt of its own, by whoever asks."""
    first = guided(joker, "enough of cats, about the moon")
    assert joker.get(f"/api/actions/{first['action_id']}")["understood"] == (
        "subject: cats → the moon"
    )
    second = guided(joker, '{"subject": "tea"}')
    assert second["understood"] == "subject: the moon → tea"
    undone = joker.done(f"/api/actions/{second['action_id']}/undo", {"actor": "bob"})
    assert (undone["actor"], undone["understood"]) == ("bob", "undo: subject: tea → the moon")
    assert subject(joker) == "the moon"
    [row] = list_steps("j", undone["applied_seq"] - 1, 1)
    assert f'"undoes":"{second["action_id"]}"' in row["payload"]
    again = joker.done(f"/api/actions/{undone['action_id']}/undo", ANN)
    assert again["understood"] == "undo: subject: the moon → tea"


def test_an_undo_behind_newer_guidance_is_rejected(joker):
    """Whatever somebody else has said since stands."""
    first = guided(joker, "about dogs")
    guided(joker, "about owls")
    undone = q.wait_for_action(q.guidance_undo(first["action_id"], "ann"))
    assert undone["outcome"] == "rejected"
    assert "newer guidance" in undone["error"]
    assert subject(joker) == "owls"


def test_what_says_no_subject_is_asked_back(joker):
    """With a question, before it is queued; nothing is guessed, and nothing changes."""
    body = {"guidance": "stop talking about my uncle", **ANN}
    problem = joker.post("/api/sessions/j/interrupt", body, 422)
    assert problem["detail"].startswith("What should the jokes be about?")
    sent = q.wait_for_action(q.agent_interrupt("j", "ann", "stop talking about my uncle"))
    assert (sent["outcome"], sent["understood"]) == ("rejected", None)
    assert sent["error"].startswith("What should the jokes be about?")
    assert subject(joker) == "cats"


def test_the_shell_says_what_was_understood_and_takes_it_back(joker, capsys):
    """`interrupt` with pasted JSON, and `undo`."""
    assert main(["interrupt", "j", '{"subject": "rain"}', "--wait", "--actor", "ann"]) == 0
    said = capsys.readouterr().out
    assert "subject: cats → rain" in said
    assert main(["undo", said.split()[0], "--wait"]) == 0
    assert "undo: subject: rain → cats" in capsys.readouterr().out
    assert subject(joker) == "cats"


def test_only_guidance_that_was_applied_is_taken_back(joker):
    """Anything else is refused with what it is."""
    paused = joker.done("/api/sessions/j/pause", ANN)
    problem = joker.post(f"/api/actions/{paused['action_id']}/undo", ANN, 409)
    assert "is an agent_pause that is applied" in problem["detail"]
    joker.post("/api/actions/none/undo", ANN, 404)
    with pytest.raises(KeyError):
        q.guidance_undo("none", "ann")


def test_a_type_says_its_own_words(api):
    """The page's composer shows them."""
    types = {each["agent_type"]: each for each in api.get("/api/agent-types")["items"]}
    assert "about" in types["joke"]["placeholder"]
    assert types["persona"]["examples"]
