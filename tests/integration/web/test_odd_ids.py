"""Sessions and conversations whose ids are from before the rule: every door still reaches them."""

import http.client
import json
from urllib.parse import quote

import pytest

import queue_imp as q
from agent_core.actions import ids
from reins.cli.main import main
from reins.web.http.strict import Segment
from tests.integration.web.test_health import ANN
from tests.support.waiting import until

ODD = [".", "..", "%2E", ".%2e", " a", "a ", "a\u202eb", "a\u200bb", "\u00a0", "a\u2028b", "a/.."]


@pytest.fixture
def old(api, monkeypatch):
    """The API beside a worker whose folder has a session and a conversation of each odd id."""
    with monkeypatch.context() as before:
        before.setattr(ids, "NEW_ID", ids._KNOWN)
        sent = [q.agent_create(each, "ann", agent_type="odd") for each in ODD]
        sent += [q.conversation_create(each, "ann") for each in ODD]
        for action_id in sent:
            assert q.wait_for_action(action_id)["outcome"] == "applied"
    return api


def segment(value):
    return Segment(None).to_url(value)


def raw(port, method, path, body=None):
    """As a client sends it that changes nothing of a path."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    headers = {"Content-Type": "application/json"}
    connection.request(method, path, None if body is None else json.dumps(body), headers)
    answer = connection.getresponse()
    found = answer.status, json.load(answer)
    connection.close()
    return found


def status_of(api, session_id):
    return next(r["status"] for r in api.get("/api/sessions")["items"]
                if r["session_id"] == session_id)  # fmt: skip


def test_they_are_read_steered_and_destroyed(old, port, capsys):
    """By helper, shell and HTTP; none is taken for another."""
    for each in ODD:
        at = f"/api/sessions/{segment(each)}"
        status, found = raw(port, "GET", at)
        assert (status, found["session_id"]) == (200, each)
        assert raw(port, "GET", f"{at}/steps")[0] == 200
        receipt = q.wait_for_action(q.agent_pause_action(each, "ann"))
        assert receipt["outcome"] == "applied"
        assert status_of(old, each) == "paused"
        sent = raw(port, "POST", f"{at}/resume", ANN)[1]
        assert q.wait_for_action(sent["action_id"])["outcome"] == "applied"
        assert main(["destroy", "--wait", "30", "--", each]) == 0
        capsys.readouterr()
        until(lambda each=each: status_of(old, each) == "stopped")
        assert main(["status", "--json", "--", each]) == 0
        assert json.loads(capsys.readouterr().out)[0]["session_id"] == each


def test_their_conversations_are_read_and_spoken_in(old, port):
    """The same for conversations."""
    for each in ODD:
        at = f"/api/conversations/{segment(each)}"
        assert raw(port, "GET", at)[1]["conversation_id"] == each
        sent = raw(port, "POST", f"{at}/messages", {"author": "ann", "text": "hello"})[1]
        assert q.wait_for_action(sent["action_id"])["outcome"] == "applied"
        assert raw(port, "GET", f"{at}/messages")[1]["items"][0]["text"] == "hello"


def test_dots_are_also_taken_encoded_once(old, port):
    """From a client that leaves them as they are sent."""
    for sent in ("%2E%2E", "..", "%252E%252E"):
        assert raw(port, "GET", f"/api/sessions/{sent}")[1]["session_id"] == ".."


@pytest.mark.parametrize("value", ODD[:-1], ids=ascii)
def test_no_new_ones_are_made(idle, value):
    """By HTTP and by the shell, with what is allowed."""
    for path, body in (
        ("/api/sessions", {"agent_id": value, "agent_type": "odd", **ANN}),
        ("/api/sessions", {"agent_id": "a", "session_id": value, "agent_type": "odd", **ANN}),
        ("/api/sessions", {"agent_id": "a", "agent_type": "odd", "actor": value}),
        ("/api/conversations", {"conversation_id": value, **ANN}),
    ):
        [flaw] = idle.post(path, body, 422)["problems"]
        assert "expected 1 to 256 visible characters" in flaw["what"]
    assert idle.actions() == []


@pytest.mark.parametrize("value", ODD[:-1], ids=ascii)
def test_nor_by_the_shell(settings, capsys, value):
    """Exit code 1 and a line that says what is allowed."""
    for verb in ("create", "conversation"):
        assert main([verb, "--", value]) == 1
        assert "expected 1 to 256 visible characters" in capsys.readouterr().err


def test_each_id_has_an_address_of_its_own():
    """The segment of an id is decoded to it again, and a browser leaves it as it is."""
    encoding = Segment(None)
    for each in [*ODD, "%252E", "%252e.", "a.b", "...", "%2F", "é"]:
        sent = encoding.to_url(each)
        assert encoding.to_python(sent) == each
        assert sent.lower() not in (".", "..", "%2e", ".%2e", "%2e.", "%2e%2e")
    assert encoding.to_url("a b/c") == quote("a b/c", safe="")
