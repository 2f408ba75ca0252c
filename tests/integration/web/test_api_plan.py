"""The plan of a session over the API: its nodes, their runs over time, and what is live."""

from datetime import datetime
from itertools import pairwise

import pytest

from reins.plans import (
    Task,
    choose,
    loop_while,
    parallel,
    race,
    retry,
    sequence,
    timeout,
    to_data,
)
from reins.settings import load_settings
from reins.web.api.sessions import plan as of_plan
from tests.integration.web.support import Api
from tests.support.page_plans import take_, until_
from tests.support.waiting import until

OWN = '["tests.support.page_plans"]'


@pytest.fixture
def settings(settings, monkeypatch):
    monkeypatch.setenv("REINS_PLANS", OWN)
    return load_settings()


@pytest.fixture
def gate(tmp_path):
    return tmp_path / "gate"


def begin(api, plan=None, **config):
    given = config if plan is None else {"plan": to_data(plan), **config}
    body = {"agent_id": "ann", "actor": "ann", "agent_type": "plan", "config": given}
    receipt = api.done("/api/sessions", body)
    assert receipt["outcome"] == "applied", receipt


def plan_of(api, name="ann"):
    return api.get(f"/api/sessions/{name}/plan")


def until_plan(api, wanted, name="ann"):
    found = until(lambda: (now := plan_of(api, name)) and wanted(now) and now, "the plan is so")
    spans = [(each["started_at"], each["ended_at"]) for each in found["runs"]]
    assert all(began is None or began <= ended for began, ended in spans)
    return found


def until_status(api, status, name="ann"):
    until(lambda: api.get(f"/api/sessions/{name}")["status"] == status, f"it is {status}")


def guide(api, type_, path, name="ann"):
    body = {"actor": "ann", "guidance": {"type": type_, "path": path}}
    return api.done(f"/api/sessions/{name}/interrupt", body)["outcome"]


def standings(plan):
    return {each["path"]: each["standing"] for each in plan["nodes"]}


def runs_of(plan):
    return [(each["path"], each["outcome"]) for each in plan["runs"]]


def kinds_of_rows(api, plan):
    rows = {each["seq"]: each for each in api.get("/api/sessions/ann/steps")["items"]}
    return [rows[each["seq"]]["kind"] for each in plan["runs"]]


def test_branches_and_what_is_to_come(api, gate):
    """In the order of the plan: what is over with its time, tokens and words, what runs since when,
    and what has not begun.
    """
    begin(api, sequence(parallel(take_("quick"), until_(gate)), take_("last")))
    plan = until_plan(api, lambda now: len(now["runs"]) == 1 and now["live"])
    shown = ("path", "kind", "name", "level")
    assert [tuple(each[name] for name in shown) for each in plan["nodes"]] == [
        ("/", "sequence", "sequence", 0),
        ("/0", "parallel", "parallel ALL", 1),
        ("/0/0", "task", "take", 2),
        ("/0/1", "task", "until_there", 2),
        ("/1", "task", "take", 1),
    ]  # fmt: skip
    assert [*standings(plan).values()] == ["live", "live", "done", "live", "not begun"]
    [run], [live] = plan["runs"], plan["live"]
    assert (run["said"], run["tokens"], run["cost_usd"]) == ("quick is there", 20, 0.001)
    assert (live["path"], live["name"], live["running"]) == ("/0/1", "until_there", True)
    assert live["began_at"] < run["ended_at"] < plan["now"]
    assert live["since"] <= live["began_at"]
    assert plan["mermaid"].startswith("flowchart TD")
    gate.touch()
    until_status(api, "completed")
    plan = plan_of(api)
    assert {*standings(plan).values()} == {"done", "ended"}
    assert standings(plan)["/"] == "done"
    assert (plan["live"], plan["rows_left_out"], plan["error"]) == ([], 0, None)
    assert kinds_of_rows(api, plan) == ["tick"] * 3


def test_losers_and_what_a_person_has_ended(api, gate):
    """A cancelled loser began with the row that let it; skip, retry and cancel say so; a thread
    that runs on is abandoned.
    """
    both = parallel(until_(gate), until_(gate), on_error="ignore")
    begin(api, sequence(race(until_(gate), take_("won", 0.05), Task("block")), both))
    plan = until_plan(api, lambda now: len(now["live"]) == 2 and now["runs"])
    won, lost, blocked = plan["runs"]
    assert blocked["outcome"] == "abandoned"
    assert (won["outcome"], lost["outcome"], lost["name"]) == ("done", "cancelled", "until_there")
    assert lost["seq"] == won["seq"]
    assert lost["started_at"] < won["ended_at"] <= lost["ended_at"]
    assert [(each["node"], each["words"]) for each in plan["decisions"]] == [("/0", "branch 1 won")]
    before = plan["live"][0]["began_at"]
    assert guide(api, "retry", "/1/0") == "applied"
    plan = until_plan(api, lambda now: now["live"][0]["began_at"] not in (before, None))
    assert guide(api, "skip", "/1/0") == "applied"
    assert guide(api, "cancel", "/1/1") == "applied"
    until_status(api, "completed")
    plan = plan_of(api)
    assert runs_of(plan)[3:] == [("/1/0", "retried"), ("/1/0", "skipped"), ("/1/1", "cancelled")]
    assert kinds_of_rows(api, plan)[3:] == ["guidance"] * 3
    assert [*standings(plan).values()] == [
        "done", "ended", "cancelled", "done", "abandoned", "ended", "skipped", "cancelled",
    ]  # fmt: skip
    first, again = plan["runs"][3:5]
    assert first["ended_at"] <= again["started_at"]


def test_what_a_skip_cancels_beside_it_is_told(api, gate):
    """A loser of which no row says a word."""
    begin(api, race(until_(gate), until_(gate)))
    until_plan(api, lambda now: len(now["live"]) == 2)
    assert guide(api, "skip", "/0") == "applied"
    until_status(api, "completed")
    assert runs_of(plan_of(api)) == [("/0", "skipped"), ("/1", "cancelled")]


def test_waits_attempts_and_turns(api, gate):
    """The turns of a loop are runs of one node; a wait has its seconds left, and stands still while
    the session is paused.
    """
    turns = loop_while("short", Task("count"))
    begin(api, sequence(turns, retry(Task("fail"), attempts=2, delay_s=60.0)), state={"most": 3})
    plan = until_plan(api, lambda now: now["timers"])
    assert runs_of(plan) == [
        ("/0/0#1", "done"), ("/0/0#2", "done"), ("/0/0#3", "done"), ("/1/0~1", "failed"),
    ]  # fmt: skip
    assert {each["node"] for each in plan["runs"]} == {"/0/0", "/1/0"}
    assert plan["runs"][-1]["error"] == "ConnectionError: nobody answers"
    [timer] = plan["timers"]
    assert (timer["node"], timer["running"]) == ("/1", True)
    assert 50 < timer["left_s"] < 60
    assert timer["since"] >= plan["runs"][-1]["ended_at"]
    assert timer["seq"] == plan["runs"][-1]["seq"]
    assert standings(plan) == {
        "/": "waiting", "/0": "ended", "/0/0": "done", "/1": "waiting", "/1/0": "failed",
    }  # fmt: skip
    words = [(each["node"], each["words"]) for each in plan["decisions"]]
    assert words[0] == ("/0", "3 turns")
    until(lambda: plan_of(api)["timers"][0]["left_s"] < timer["left_s"], "its clock runs")
    assert api.done("/api/sessions/ann/pause", {"actor": "ann"})["outcome"] == "applied"
    paused = plan_of(api)["timers"]
    assert not paused[0]["running"]
    assert paused[0]["since"] == timer["since"]
    assert plan_of(api)["timers"] == paused


def test_a_choice_a_plan_in_the_place_of_a_task_and_an_alarm(api, gate):
    """What was not chosen is told from what has not begun; a wait that came to its end is told."""
    chosen = choose(take_("a"), Task("think"), selector="second")
    begin(api, sequence(chosen, timeout(until_(gate), 0.1)))
    until_status(api, "failed")
    plan = plan_of(api)
    assert standings(plan) == {
        "/": "failed", "/0": "ended", "/0/0": "not chosen", "/0/1": "replaced",
        "/0/1/plan": "ended", "/0/1/plan/0": "done", "/0/1/plan/1": "done",
        "/1": "ended", "/1/0": "cancelled",
    }  # fmt: skip
    assert [each["outcome"] for each in plan["runs"] if each["node"] == "/1"] == ["alarm"]
    assert "not over after 0.1 s" in plan["error"]
    assert api.done("/api/sessions/ann/resume", {"actor": "ann"})["outcome"] == "applied"
    plan = until_plan(api, lambda now: runs_of(now).count(("/1/0", "cancelled")) == 2)
    ends = [each for each in plan["runs"] if each["path"] == "/1/0"]
    assert ends[0]["ended_at"] < ends[1]["started_at"]


def test_a_plan_of_the_users_modules(api, settings):
    """Its nodes are known where its modules are: in the worker's process, or once it has begun."""
    begin(api, name="own")
    until_status(api, "completed")
    assert [each["name"] for each in plan_of(api)["nodes"]] == ["take"]
    with Api(settings, None) as beside:
        assert [each["name"] for each in plan_of(beside)["nodes"]] == ["take"]


def test_from_another_process(api, settings, gate):
    """When a task began is not known there; that it should run is."""
    begin(api, until_(gate))
    begun = until_plan(api, lambda now: any(each["running"] for each in now["live"]))
    [here] = begun["live"]
    with Api(settings, None) as beside:
        [there] = plan_of(beside)["live"]
    assert here["began_at"] is not None
    assert there == here | {"began_at": None}


def test_a_destroyed_plan_and_another_life(api, gate):
    """What ran is cancelled; a session that is created anew begins with nothing."""
    begin(api, until_(gate))
    until_plan(api, lambda now: now["live"])
    assert api.done("/api/sessions/ann/destroy", {"actor": "ann"})["outcome"] == "applied"
    plan = plan_of(api)
    assert (runs_of(plan), plan["live"]) == ([("/", "cancelled")], [])
    begin(api, sequence(until_(gate)))
    plan = until_plan(api, lambda now: now["live"])
    assert (plan["runs"], plan["rows_left_out"]) == ([], 0)


def test_a_long_loop_is_cut(api, monkeypatch):
    """The newest runs, and how many rows before them are left out; what they hid is not known."""
    monkeypatch.setattr(of_plan, "RUNS", 20)
    monkeypatch.setattr(of_plan, "_PAGE", 16)
    turns = loop_while("short", Task("count"))
    begin(api, sequence(take_("first"), turns), state={"most": 50})
    until_status(api, "completed")
    plan = plan_of(api)
    assert len(plan["runs"]) == 20
    assert plan["runs"][-1]["path"] == "/1/0#50"
    assert plan["rows_left_out"] == plan["runs"][0]["seq"] - 1
    seqs = [each["seq"] for each in plan["runs"]]
    assert all(one <= other for one, other in pairwise(seqs))
    assert standings(plan)["/0"] == "unknown"
    for each in plan["runs"]:
        assert datetime.fromisoformat(each["ended_at"])


def test_who_has_no_plan(api):
    """Refused, in words."""
    receipt = api.done("/api/sessions", {"agent_id": "joan", "actor": "ann"})
    assert receipt["outcome"] == "applied"
    problem = api.get("/api/sessions/joan/plan", 404)
    assert problem["detail"] == "session 'joan' is of type joke; only one of type plan has a plan"
    api.get("/api/sessions/nobody/plan", 404)
