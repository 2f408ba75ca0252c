"""Many sessions created by one request: one commit, a receipt each, or nothing at all."""

import pytest

import queue_imp as q
from store import agents_config
from store.errors import QueueFullError
from store.queue.writer import QueueWriter
from tests.support.waiting import until

ANN = {"actor": "ann", "agent_type": "odd"}


def entry(agent_id, **more):
    return {"agent_id": agent_id, **ANN, **more}


@pytest.fixture
def appends(monkeypatch):
    """How many actions each append of the queue's writer had."""
    counts, append = [], QueueWriter.append

    def counted(self, *rows):
        counts.append(len(rows))
        append(self, *rows)

    monkeypatch.setattr(QueueWriter, "append", counted)
    return counts


def test_a_list_is_one_append_with_a_receipt_each(api, appends):
    """Receipts come in the entries' order, and every session is created as its entry says."""
    names = [f"s{number}" for number in (3, 1, 2, *range(4, 60))]
    asked = [entry(name, config={"heartbeat_s": 60}, description=f"no {name}") for name in names]
    items = api.post("/api/sessions", asked)["items"]
    assert [each["session_id"] for each in items] == names
    assert appends == [len(names)]
    receipts = [q.wait_for_action(each["action_id"]) for each in items]
    assert {receipt["outcome"] for receipt in receipts} == {"applied"}
    assert [receipt["session_id"] for receipt in receipts] == names
    row = agents_config.get_agent_config("s2")
    assert (row["description"], row["created_by"]) == ("no s2", "ann")


def test_a_further_session_of_the_same_list(api):
    """It begins with the configuration of its agent's own session, which the list creates too."""
    own = entry("c", config={"subject": "owls", "heartbeat_s": 60})
    items = api.post("/api/sessions", [own, entry("c", session_id="c2")])["items"]
    for each in items:
        assert q.wait_for_action(each["action_id"])["outcome"] == "applied"
    assert api.get("/api/sessions/c2")["config"]["subject"] == "owls"
    other = [entry("d"), entry("d", session_id="d2", agent_type="joke")]
    assert "agent d is of type odd, not joke" in api.post("/api/sessions", other, 409)["detail"]


@pytest.mark.parametrize(
    ("wrong", "status", "where", "says"),
    [
        ({"agent_id": "a"}, 409, None, "entry 1: session a is named twice"),
        ({"agent_id": "here"}, 409, None, "entry 1: the creation of session here is in the queue"),
        ({"agent_id": "\u0430"}, 409, None, "entry 1: session a looks the same as '\\u0430'"),
        ({"agent_type": "jok"}, 422, "body.1.agent_type", "expected one of joke, odd"),
        ({"config": {"subjekt": "x"}}, 422, "body.1.config.subjekt", "not permitted"),
        ({"agent_id": 5}, 422, "body.1.agent_id", "valid string"),
        ({"urgency": 9}, 422, "body.1.urgency", "not permitted"),
        ({"metadata": {"x": "y" * 300_000}}, 422, "body.1", "262144 at the most"),
    ],
)
def test_an_entry_that_cannot_be_is_named(idle, wrong, status, where, says):
    """The answer names the entry by its place; nothing of the list is enqueued."""
    idle.post("/api/sessions", entry("here"))
    asked = [entry("a"), entry("b") | wrong, entry("c")]
    problem = idle.post("/api/sessions", asked, status)
    places = {flaw["where"]: flaw["what"] for flaw in problem.get("problems", ())}
    assert says in (problem["detail"] if where is None else places[where])
    assert [action["session_id"] for action in idle.actions()] == ["here"]


def test_what_is_no_list_of_sessions(idle):
    """An empty list, one that is too long, and a list where none is taken."""
    assert "at least 1 item" in idle.post("/api/sessions", [], 422)["detail"]
    many = [entry(f"m{number}") for number in range(1_001)]
    assert "at most 1000 items" in idle.post("/api/sessions", many, 422)["detail"]
    assert "an object or a list of them" in idle.post("/api/sessions", "x", 422)["detail"]
    idle.post("/api/sessions", entry("a"))
    assert "expected an object" in idle.post("/api/sessions/a/pause", [ANN], 422)["detail"]
    assert len(idle.actions()) == 1


def test_a_list_that_is_sent_again(idle):
    """With the same key it is the same actions; with another body it is refused."""
    key = {"headers": {"Idempotency-Key": "k"}}
    asked = [entry("a"), entry("b")]
    first = idle.post("/api/sessions", asked, **key)
    assert idle.post("/api/sessions", asked, **key) == first
    assert "another body" in idle.post("/api/sessions", [entry("a")], 422, **key)["detail"]
    assert len(idle.actions()) == 2


def test_a_full_queue_says_when_to_come_back(idle, monkeypatch):
    """429 with Retry-After in whole seconds, and the error's text; nothing is enqueued."""

    def full(_self, *_rows):
        raise QueueFullError("5 actions wait; send it again later.", retry_after_s=1.2)

    with monkeypatch.context() as patch:
        patch.setattr(QueueWriter, "append", full)
        for body in (entry("a"), [entry("a"), entry("b")]):
            answer = idle.ask("POST", "/api/sessions", json=body)
            assert (answer.status_code, answer.headers["Retry-After"]) == (429, "2")
            assert "5 actions wait" in answer.json["detail"]
    assert idle.actions() == []
    idle.post("/api/sessions", entry("a"))
    until(idle.actions, "the queue has room again")


@pytest.fixture
def small(monkeypatch):
    """A queue in which five actions may wait."""
    monkeypatch.setenv("REINS_QUEUE_MAX", "5")


def test_a_real_queue_that_is_full(small, idle):
    """What does not fit is refused as a whole with 429; what holds or ends a session passes."""
    idle.post("/api/sessions", [entry(f"s{number}") for number in range(4)])
    answer = idle.ask("POST", "/api/sessions", json=[entry("t1"), entry("t2")])
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) >= 1
    assert "REINS_QUEUE_MAX is 5" in answer.json["detail"]
    idle.post("/api/sessions", entry("s4"))
    assert idle.ask("POST", "/api/sessions", json=entry("t1")).status_code == 429
    for verb in ("resume", "interrupt"):
        body = {"actor": "ann"} | ({"guidance": "dogs"} if verb == "interrupt" else {})
        assert idle.ask("POST", f"/api/sessions/s1/{verb}", json=body).status_code == 429
    idle.post("/api/sessions/s1/pause", {"actor": "ann"})
    idle.post("/api/sessions/s2/destroy", {"actor": "ann"})
    with pytest.raises(QueueFullError, match="REINS_QUEUE_MAX is 5"):
        q.agents_create([{"agent_id": "t1"}], "ann")
    assert len(idle.actions()) == 7
