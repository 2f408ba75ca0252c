"""Ids that are, or look, the same: by helper, shell, HTTP and socket, beside a real worker."""

import unicodedata
from urllib.parse import quote

import pytest

import queue_imp as q
from reins.cli.main import main
from store import agent_state, agent_steps, conversations, messages

COMPOSED, DECOMPOSED = "jos\u00e9", "jose\u0301"
QUIET = {"config": {"heartbeat_s": 3_600}}


@pytest.fixture(scope="module")
def given(live):
    """A session and a conversation whose ids came decomposed, as names of files on macOS do."""
    for action in (
        q.agent_create(DECOMPOSED, "ann", **QUIET),
        q.conversation_create(DECOMPOSED, "ann"),
        q.post_message(DECOMPOSED, "ann", "hello"),
    ):
        assert q.wait_for_action(action)["outcome"] == "applied"
    return live


@pytest.mark.parametrize("asked", [COMPOSED, DECOMPOSED], ids=["composed", "decomposed"])
def test_an_id_is_one_in_every_form(given, asked, capsys):
    """It is kept in normal form C, and found in any."""
    for action in (q.agent_pause_action(asked, "ann"), q.agent_resume_action(asked, "ann")):
        assert q.wait_for_action(action)["outcome"] == "applied"
    assert agent_state.get_agent_state(asked)["session_id"] == COMPOSED
    assert {row["session_id"] for row in agent_steps.list_steps(asked)} == {COMPOSED}
    assert conversations.get_conversation(asked)["conversation_id"] == COMPOSED
    assert messages.list_messages(asked)[0]["text"] == "hello"
    assert messages.last_messages(asked, 1)[0]["text"] == "hello"
    at = quote(asked)
    assert given.get(f"/api/sessions/{at}")["session_id"] == COMPOSED
    assert given.get(f"/api/sessions/{at}/steps")["items"]
    sent = given.post(f"/api/sessions/{at}/interrupt", {"actor": "ann", "guidance": "owls"})
    assert q.wait_for_action(sent["action_id"])["outcome"] == "applied"
    assert given.get(f"/api/conversations/{at}/messages")["items"][0]["text"] == "hello"
    with given.client() as client:
        answer = client.call("subscribe", {"agent_id": asked, "session_id": asked})
        assert answer["room"] == f"run::{COMPOSED}::{COMPOSED}"
        answer = client.call("subscribe_conversation", {"conversation_id": asked})
        assert answer["room"] == f"conversation::{COMPOSED}"
    assert main(["status", asked, "--json"]) == 0
    assert main(["transcript", asked]) == 0
    assert "hello" in capsys.readouterr().out


@pytest.mark.parametrize(
    "other",
    [
        COMPOSED, DECOMPOSED, "\uff4aos\u00e9", "j\u043es\u00e9", "\u0458\u043e\u0455\u00e9",
    ],
    ids=ascii,
)  # fmt: skip
def test_a_second_one_that_looks_the_same_is_refused(given, other):
    """Another form, another script, full width: by the worker, and by the API at once."""
    refused = q.wait_for_action(q.agent_create(other, "ann"))
    assert refused["outcome"] == "rejected"
    assert "choose another id" in refused["error"]
    refused = q.wait_for_action(q.conversation_create(other, "ann"))
    assert refused["outcome"] == "rejected"
    assert "choose another id" in refused["error"]
    body = {"agent_id": other, "actor": "ann"}
    answer = given.ask("POST", "/api/sessions", body)
    assert answer[0] == 409
    if unicodedata.normalize("NFC", other) != COMPOSED:
        receipt = q.wait_for_action(q.agent_pause_action(other, "ann"))
        assert "looks the same" in receipt["error"]


def test_ids_of_ascii_are_told_apart_as_ever(given):
    """Made ids differ in one letter, and case counts."""
    for each in ("id-l1", "id-I1", "id-ll", "ID-l1", "id-O0", "id-00"):
        assert q.wait_for_action(q.agent_create(each, "ann", **QUIET))["outcome"] == "applied"


def test_a_persona_finds_its_conversation_in_any_form(given):
    """What it says is in the conversation that there is."""
    config = {"name": "Zo\u00eb", "conversation_id": DECOMPOSED, "cooldown_s": 0}
    made = q.agent_create("zoe", "ann", agent_type="persona", config=config)
    assert q.wait_for_action(made)["outcome"] == "applied"
    shown = given.get(f"/api/conversations/{quote(COMPOSED)}")
    assert [each["name"] for each in shown["participants"]] == ["Zo\u00eb"]
