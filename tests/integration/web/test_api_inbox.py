"""The inbox over HTTP and Socket.IO, and from the shell: what waits, decisions, rules."""

import json

import pytest

import queue_imp as q
from agents import Runtime
from reins.cli.main import main
from reins.runtime_thread import RuntimeThread
from reins.settings import load_settings
from tests.integration.web.serving import Served
from tests.integration.web.support import Api
from tests.support.waiting import until

ANN = {"actor": "ann"}
MODULES = '["agents_impl", "tests.support.asking_agents"]'


@pytest.fixture
def settings(settings, monkeypatch):
    monkeypatch.setenv("REINS_AGENT_MODULES", MODULES)
    return load_settings()


def asked(api, agent_id="a", **config):
    """The item that a new session asks."""
    body = {"agent_id": agent_id, "agent_type": "asking", "config": config, **ANN}
    assert api.done("/api/sessions", body)["outcome"] == "applied"
    return until(lambda: listed(api, f"session_id={agent_id}")[:1], "an item")[0]


def listed(api, filters=""):
    return api.get(f"/api/inbox?{filters}")["items"]


def decided(api, item, decision, **more):
    body = {"decision": decision, **ANN, **more}
    return api.done(f"/api/inbox/{item['item_id']}/decide", body)


def test_a_call_is_shown_and_approved(api):
    """What a person needs to see is there; a decision is a 202 with a receipt."""
    item = asked(api, paths=["a/b"])
    assert item["args"] == {"text": "hello"}
    assert item["aspects"] == {"argv": None, "paths": ["a/b"], "hosts": [], "shell": False}
    assert (item["risk"], item["reasons"], item["thought"]) == (
        "medium", ["it writes"], "I need it",
    )  # fmt: skip
    assert api.get("/api/inbox")["open"] == 1
    session = api.get("/api/sessions/a")
    assert session["waits"]["kind"] == "approval"
    assert decided(api, item, "approve")["outcome"] == "applied"
    ran = until(lambda: listed(api, "state=ran"), "it ran")[0]
    assert ran["decided_by"] == "ann"
    assert api.get("/api/inbox")["open"] == 0
    assert api.get("/api/sessions/a")["waits"] is None


def test_filters_and_pages(api):
    """State, session, kind and tool; the oldest first, page by page."""
    for number in range(3):
        asked(api, f"a{number}")
    asked(api, "q", kind="question", tool="ask_person")
    assert [item["session_id"] for item in listed(api, "kind=question")] == ["q"]
    assert [item["session_id"] for item in listed(api, "tool=write_note")] == ["a0", "a1", "a2"]
    assert listed(api, "state=ran") == []
    first = api.get("/api/inbox?limit=3")
    then = api.get(f"/api/inbox?limit=3&cursor={first['next_cursor']}")
    assert [item["session_id"] for item in first["items"] + then["items"]] == [
        "a0", "a1", "a2", "q",
    ]  # fmt: skip
    assert then["next_cursor"] is None
    assert "not a cursor" in api.get("/api/inbox?cursor=x", 422)["detail"]


def test_what_is_refused_before_it_is_enqueued(api):
    """An unknown item, one that is decided, parts that belong to another decision."""
    path = "/api/inbox/nothing/decide"
    assert "there is no item" in api.post(path, {"decision": "approve", **ANN}, 404)["detail"]
    item = asked(api)
    path = f"/api/inbox/{item['item_id']}/decide"
    wrong = api.post(path, {"decision": "approve", "args": {}, **ANN}, 422)
    assert "decision edit" in wrong["detail"]
    assert "body.text" in api.post(path, {"decision": "answer", **ANN}, 422)["detail"]
    decided(api, item, "reject", reason="no")
    assert "is rejected by ann" in api.post(path, {"decision": "approve", **ANN}, 409)["detail"]
    assert api.get("/api/inbox/nothing", 404)["status"] == 404


def test_the_same_key_is_the_same_decision(api):
    """Sent again with its Idempotency-Key it is the same action, also once it is applied."""
    item = asked(api)
    path, body = f"/api/inbox/{item['item_id']}/decide", {"decision": "approve", **ANN}
    headers = {"Idempotency-Key": "k1"}
    first = api.post(path, body, headers=headers)
    q.wait_for_action(first["action_id"])
    assert api.post(path, body, headers=headers) == first


def test_a_decision_about_what_was_seen(api):
    """With the hash of another call it is rejected by the worker, and nothing has changed."""
    item = asked(api)
    got = decided(api, item, "approve", call_hash="another")
    assert "another call" in got["error"]
    assert decided(api, item, "approve", call_hash=item["call_hash"])["outcome"] == "applied"


def test_many_at_once(api):
    """An action each, in one commit; those that cannot be are named."""
    items = [asked(api, f"a{number}") for number in range(3)]
    decided(api, items[0], "reject")
    ids = [item["item_id"] for item in items]
    body = {"decision": "approve", "item_ids": [*ids, "nothing"], **ANN}
    answer = api.post("/api/bulk/inbox", body, headers={"Idempotency-Key": "k"})["items"]
    assert "is rejected by ann" in answer[0]["problem"]
    assert "there is no item" in answer[3]["problem"]
    assert q.wait_for_action(answer[1]["action_id"])["outcome"] == "applied"
    assert q.wait_for_action(answer[2]["action_id"])["outcome"] == "applied"
    again = api.post("/api/bulk/inbox", body, headers={"Idempotency-Key": "k"})["items"]
    assert [each["action_id"] for each in again] == [each["action_id"] for each in answer]


def test_high_risk_is_approved_alone(api, capsys):
    """By the bulk request it is named, from the shell it is told; both do the rest."""
    high = asked(api, "a", risk="high")
    others = [asked(api, "b"), asked(api, "c")]
    body = {"decision": "approve", "item_ids": [high["item_id"], others[0]["item_id"]], **ANN}
    first, second = api.post("/api/bulk/inbox", body)["items"]
    assert first["action_id"] is None
    assert "it is decided alone" in first["problem"]
    assert q.wait_for_action(second["action_id"])["outcome"] == "applied"
    assert main(["decide", "--all", "approve", "--wait"]) != 0
    said = capsys.readouterr()
    assert f"item {high['item_id']} is of high risk" in said.out
    assert "1 of 2 items were left out" in said.err
    assert [item["item_id"] for item in listed(api)] == [high["item_id"]]
    assert decided(api, high, "approve")["outcome"] == "applied"


def test_rules_are_listed_and_revoked(api):
    """A remembered decision is a rule; revoked, it is shown as such and holds no longer."""
    item = asked(api, argv=["ls"], args={"argv": ["ls"]})
    got = decided(api, item, "approve", remember={"scope": "agent", "argv": ["ls"], "more": True})
    assert got["outcome"] == "applied", got
    [rule] = api.get("/api/approval-rules")["items"]
    assert (rule["scope"], rule["scope_id"], rule["effect"]) == ("agent", "a", "allow")
    assert (rule["fixed"]["argv"], rule["fixed"]["more"]) == (["ls"], True)
    path = f"/api/approval-rules/{rule['rule_id']}?actor=ann"
    answer = api.ask("DELETE", path)
    assert answer.status_code == 202
    assert q.wait_for_action(answer.json["action_id"])["outcome"] == "applied"
    assert api.get("/api/approval-rules")["items"] == []
    [gone] = api.get("/api/approval-rules?revoked=true")["items"]
    assert gone["revoked_by"] == "ann"
    assert api.ask("DELETE", path).status_code == 409
    assert api.ask("DELETE", "/api/approval-rules/none?actor=ann").status_code == 404


def test_an_item_comes_with_the_last_decisions_like_it(api):
    """Of the same kind and tool, with their reasons."""
    decided(api, asked(api, "a"), "reject", reason="too early")
    item = asked(api, "b")
    [like] = api.get(f"/api/inbox/{item['item_id']}")["decided_like"]
    assert (like["session_id"], like["reason"]) == ("a", "too early")


def test_figures(api):
    """Items that wait, how old the oldest is, and what was decided."""
    decided(api, asked(api, "a"), "approve")
    asked(api, "b")
    text = api.client.get("/metrics", base_url="http://127.0.0.1:8700").get_data(as_text=True)
    assert 'reins_inbox_open{kind="approval"} 1.0' in text
    assert 'reins_inbox_decisions_total{decision="approve",kind="approval"} 1.0' in text
    assert 'reins_sessions_waiting{kind="approval"} 1.0' in text
    assert "reins_inbox_oldest_seconds " in text


def test_nobody_decides_without_the_token(settings):
    """401 for the list and for a decision, and nothing is enqueued."""
    with Served(settings, token="secret-token") as locked:
        assert locked.ask("GET", "/api/inbox")[0] == 401
        body = {"decision": "approve", **ANN}
        assert locked.ask("POST", "/api/inbox/i/decide", body)[0] == 401
        assert locked.ask("DELETE", "/api/approval-rules/r?actor=ann")[0] == 401


def changed(client):
    """The next event of the inbox; a `head` says that one may look."""
    while (event := client.receive(timeout=20))[0] == "head":
        pass
    assert event[0] == "inbox"
    return event[1]


def test_the_room_of_the_inbox(settings):
    """Whoever looks gets each change, with how many wait."""
    runtime = Runtime(settings)
    thread = RuntimeThread(runtime)
    thread.start()
    with Served(settings, runtime) as served, served.client() as client:
        assert client.call("subscribe_inbox", {}) == {"ok": True, "room": "inbox", "open": 0}
        q.agent_create("a", "ann", agent_type="asking")
        told = changed(client)
        assert told["open"] == 1
        assert told["changed"][0]["state"] == "asked"
        q.inbox_decide(told["changed"][0]["item_id"], "ann", "approve")
        states = []
        while "ran" not in states:
            told = changed(client)
            states += [item["state"] for item in told["changed"]]
        assert told["open"] == 0
    thread.stop()


def test_the_inbox_from_the_shell(api, capsys):
    """Listed, decided one by one or many at once, remembered and revoked; refusals in a line."""
    item = asked(api, argv=["ls"], args={"argv": ["ls"]})
    assert main(["inbox"]) == 0
    out = capsys.readouterr().out
    assert item["item_id"] in out
    assert '{"argv":["ls"]}' in out
    assert "medium risk: it writes" in out
    assert main(["inbox", "--json", "--tool", "write_note"]) == 0
    assert json.loads(capsys.readouterr().out)["item_id"] == item["item_id"]
    decide = ["decide", item["item_id"], "approve", "--always", "agent", "--wait", "--actor", "bob"]
    assert main(decide) == 0
    assert "applied at #" in capsys.readouterr().out
    assert main(["decide", item["item_id"], "reject", "too", "late", "--wait"]) == 1
    too_late = capsys.readouterr().err
    assert "was approved by bob at " in too_late
    assert "nothing is left to decide" in too_late
    assert main(["rules"]) == 0
    rule_id = capsys.readouterr().out.split()[0]
    assert main(["rules", "--revoke", rule_id, "--wait"]) == 0
    assert " applied" in capsys.readouterr().out
    for agent_id in ("b", "c"):
        asked(api, agent_id)
    asked(api, "other", tool="other")
    assert main(["decide", "--all", "reject", "not", "now", "--tool", "write_note", "--wait"]) == 0
    assert capsys.readouterr().out.count(" applied") == 2
    [left] = listed(api)
    assert left["tool"] == "other"
    assert {item["reason"] for item in listed(api, "state=rejected")} == {"not now"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["decide"], "name an item and a decision"),
        (["decide", "i", "maybe"], "expected one of approve, edit, reject, answer"),
        (["decide", "--all", "answer"], "--all takes approve or reject"),
        (["decide", "i", "approve", "--path", "x"], "go with --always"),
        (["decide", "i", "approve", "--tool", "x"], "go with --all"),
        (["decide", "i", "approve", "only", "once"], "approve takes no such words: 'only once'"),
    ],
)
def test_wrong_usage_of_the_shell(settings, capsys, arguments, said):
    """One line, and exit code 2."""
    assert main(arguments) == 2
    assert said in capsys.readouterr().err


def test_the_shell_says_what_is_not_there(settings, capsys):
    """An item that nobody asked, and an inbox that is empty."""
    assert main(["decide", "i", "approve"]) == 1
    assert "there is no item i" in capsys.readouterr().err
    assert main(["inbox"]) == 0
    assert "nothing waits for you" in capsys.readouterr().out
    assert main(["rules"]) == 0
    assert "no rules" in capsys.readouterr().out


def test_the_api_beside_a_worker_elsewhere_lists_the_same(api, settings):
    """The list is read from the tables and the journal, wherever the worker is."""
    item = asked(api)
    with Api(settings, None) as other:
        assert listed(other) == [item]
