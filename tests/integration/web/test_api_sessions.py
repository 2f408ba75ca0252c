"""Sessions over HTTP: the list, one in detail, its log."""

from urllib.parse import quote

import pytest

from store.agent_state import upsert_agent_state
from store.agent_steps import list_steps
from tests.support.waiting import until

ODD_IDS = ["a/b c%?ü", "a/steps", "x/pause", "%2F", "über/../etc", "日本 語", "a+b&c=d#e;f", "0"]


def at(session_id, rest=""):
    return f"/api/sessions/{quote(session_id, safe='')}{rest}"


def create(api, agent_id, **more):
    body = {"agent_id": agent_id, "agent_type": "odd", "actor": "ann", **more}
    receipt = api.done("/api/sessions", body)
    assert receipt["outcome"] == "applied", receipt["error"]


def test_each_act_on_a_session_shows_at_once(api):
    """Created, seen, steered, paused, resumed, destroyed: each shows at once where it is asked."""
    answer = api.ask("POST", "/api/sessions", json={"agent_id": "jo", "actor": "ann"})
    assert answer.status_code == 202
    assert answer.headers["Location"] == f"/api/actions/{answer.json['action_id']}"
    until(lambda: api.get(answer.headers["Location"])["outcome"] == "applied")
    assert api.get("/api/sessions/jo")["created_by"] == "ann"
    until(lambda: api.get("/api/sessions/jo")["ticks"] > 1)
    receipt = api.done(at("jo", "/interrupt"), {"guidance": {"subject": "dogs"}, "actor": "bo"})
    assert api.get(at("jo", f"/steps/{receipt['applied_seq']}"))["text"] == "subject: cats → dogs"
    assert api.get("/api/sessions/jo")["context"]["subject"] == "dogs"
    assert api.get("/api/sessions/jo")["guided"] == 1
    api.done(at("jo", "/pause"), {"actor": "bo", "reason": "lunch"})
    assert api.get("/api/sessions/jo")["status"] == "paused"
    api.done(at("jo", "/resume"), {"actor": "bo"})
    assert api.get("/api/sessions/jo")["status"] == "running"
    api.done(at("jo", "/destroy"), {"actor": "bo", "reason": "enough"})
    detail = api.get("/api/sessions/jo")
    assert (detail["status"], detail["final"]["status"]) == ("stopped", "stopped")
    assert detail["final"]["state"]["subject"] == "dogs"
    assert detail["now"] is None
    assert detail["result"] == detail["final"]["output"]


def test_an_id_may_be_any_text(api):
    """Slashes, percent signs and names of other addresses in an id meet no other session."""
    for session_id in ODD_IDS:
        create(api, session_id)
    until(lambda: all(row["ticks"] for row in api.get("/api/sessions")["items"]))
    for session_id in ODD_IDS:
        assert api.get(at(session_id))["session_id"] == session_id
        assert api.get(at(session_id, "/steps?limit=1"))["items"][0]["session_id"] == session_id
        assert api.get(at(session_id, "/steps/1"))["seq"] == 1
        api.done(at(session_id, "/pause"), {"actor": "ann"})
        assert api.get(at(session_id))["status"] == "paused"
        query = f"type=agent_pause&session_id={quote(session_id, safe='')}"
        [action] = api.get(f"/api/actions?{query}")["items"]
        assert action["session_id"] == session_id


def test_the_list_is_paged_and_filtered(api):
    """By agent and session; each filter alone; counts of all."""
    for n in range(7):
        create(api, f"agent{n}", config={"tick": "later", "tick_s": 60})
    api.done("/api/sessions", {"agent_id": "jo", "actor": "ann"})
    api.done(at("agent3", "/pause"), {"actor": "ann"})
    seen, cursor = [], ""
    while cursor is not None:
        page = api.get(f"/api/sessions?limit=3&cursor={cursor}")
        assert len(page["items"]) <= 3
        assert page["counts"] == {"running": 7, "paused": 1}
        seen += [row["session_id"] for row in page["items"]]
        cursor = page["next_cursor"]
    assert seen == [*(f"agent{n}" for n in range(7)), "jo"]

    def ids(query):
        return [row["session_id"] for row in api.get(f"/api/sessions?{query}")["items"]]

    assert ids("status=paused") == ["agent3"]
    assert ids("status=paused,running") == seen
    assert ids("status=failed") == []
    assert ids("agent_type=joke") == ["jo"]
    assert ids("q=AGENT5") == ["agent5"]
    assert ids("q=nothing%20like%20it") == []


def test_the_pages_of_a_log_are_the_stores_rows(api):
    """Every row once, in order, the same rows as the store gives; brief ones without snapshots."""
    create(api, "c")
    until(lambda: api.get("/api/sessions/c")["seq"] >= 12)
    api.done(at("c", "/pause"), {"actor": "ann"})
    rows, after = [], "0"
    while after is not None:
        page = api.get(f"/api/sessions/c/steps?limit=5&after_seq={after}")
        rows += page["items"]
        after = page["next_cursor"]
    stored = list_steps("c")
    assert [row["seq"] for row in rows] == [row["seq"] for row in stored]
    assert [row["text"] for row in rows] == [row["text"] for row in stored]
    assert rows[-1]["state"]["status"] == "paused"
    brief = api.get("/api/sessions/c/steps?brief=true&limit=1000")
    assert brief["next_cursor"] is None
    assert all(row["state"] is None for row in brief["items"])
    assert api.get(f"/api/sessions/c/steps?after_seq={rows[-1]['seq']}")["items"] == []


def test_a_page_of_large_rows_ends_early(api, monkeypatch):
    """It says where to go on, and always brings a row."""
    create(api, "c")
    until(lambda: api.get("/api/sessions/c")["seq"] >= 6)
    monkeypatch.setattr("reins.web.api.sessions.steps._PAGE_BYTES", 1)
    page = api.get("/api/sessions/c/steps")
    assert [row["seq"] for row in page["items"]] == [1]
    assert page["next_cursor"] == "1"


def test_what_a_session_does_now(api):
    """Ticking with its beginning, waiting with the time of the next, nothing for a stranger."""
    create(api, "slow", config={"tick": "slow", "tick_s": 30})
    now = until(lambda: (n := api.get("/api/sessions/slow/now")["now"])["ticking"] and n)
    assert now["tick_began_at"] is not None
    assert now["next_tick_at"] is None
    create(api, "calm", config={"tick": "later", "tick_s": 60})
    now = until(lambda: (n := api.get("/api/sessions/calm/now")["now"])["next_tick_at"] and n)
    assert now["ticking"] is False
    api.get("/api/sessions/nobody/now", 404)


def test_a_state_written_by_hand_is_shown(idle):
    """Also where it has no snapshot and no log."""
    upsert_agent_state("hand", agent_type="joke", status="paused", context={"subject": "x"})
    detail = idle.get("/api/sessions/hand")
    assert (detail["status"], detail["context"]) == ("paused", {"subject": "x"})
    assert idle.get("/api/sessions/hand/steps")["items"] == []


@pytest.mark.parametrize("rest", ["", "/now", "/steps", "/steps/1", "/events"])
def test_an_unknown_session_is_404_with_what_to_do(idle, rest):
    """404, with what to do."""
    assert "nobody" in idle.get(f"/api/sessions/nobody{rest}", 404)["detail"]
