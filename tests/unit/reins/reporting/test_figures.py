"""A session's figures out of its rows: each counted as its docstring defines it."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from reins.reporting import forms
from reins.reporting.figures import percentile, report_of

BEGIN = datetime(2026, 11, 29, 12, tzinfo=UTC)
NOW = BEGIN + timedelta(hours=1)


def at(after_s):
    return BEGIN + timedelta(seconds=after_s)


def row(after_s, kind="tick", payload=None, *, status="running", waits=None, **more):
    snapshot = {"agent_type": "odd", "status": status}
    if waits:
        snapshot["waits"] = {"kind": waits}
    return {
        "session_id": "s", "agent_id": "a", "kind": kind, "created_at": at(after_s),
        "payload": None if payload is None else json.dumps(payload),
        "state": json.dumps(snapshot), "started_at": at(after_s), "latency_ms": 100.0,
        "tokens_in": 2, "tokens_out": 1, "cost_usd": 0.5, **more,
    }  # fmt: skip


def call(**more):
    return {
        "route": "fast", "error_kind": None, "attempt": 1, "tokens_in": 3, "tokens_out": 4,
        "cost_usd": 0.25, "latency_ms": 1_000.0, "queued_at": at(0), "sent_at": at(0),
        "node": None, **more,
    }  # fmt: skip


def node(path, outcome, name=None, **more):
    named = {} if name is None else {"name": name}
    return {"path": path, "outcome": outcome, **named, **more}


def lines(rows, calls=(), kind=None, now=NOW):
    found = report_of(rows, calls, now).lines
    return {(line.path or line.name): line for line in found if kind in (None, line.kind)}


def counts(line):
    return line.runs, line.succeeded, line.failed, line.cancelled, line.abandoned, line.retries


def test_no_row_is_no_report():
    """Calls alone are none."""
    assert report_of([], [call()], NOW) is None


def test_ticks_of_any_type():
    """Failed tries count, the tick after one is a retry, newer code that fails is no try."""
    rows = [
        row(0, "status", {"config": {}}),
        row(1, latency_ms=100.0),
        row(2, "error", latency_ms=500.0),
        row(3, "error", {"waits_for": "model"}, latency_ms=300.0),
        row(4, latency_ms=200.0),
        row(5, "error", started_at=None, latency_ms=None),
        row(6, "final", {}, status="completed"),
    ]
    report = report_of(rows, [], NOW)
    session, tick = report.lines
    assert counts(session) == counts(tick) == (4, 2, 2, 0, 0, 2)
    assert (tick.success_rate, tick.p50_s, tick.p95_s, tick.wall_s) == (0.5, 0.2, 0.5, 1.1)
    assert (session.wall_s, session.tokens, session.cost_usd) == (6.0, 7 * 3, 3.5)
    assert (report.rows, report.status, report.until) == (7, "completed", at(6))


def test_an_end_begins_anew():
    """The first tick of the next life is no retry of the last one's."""
    rows = [row(1, "error"), row(2, "final", status="failed"), row(3)]
    assert lines(rows, kind="tick")["tick"].retries == 0


def test_a_session_that_goes_on_is_counted_until_now():
    """It may wait at this moment; a clock that was set back takes nothing away."""
    found = lines([row(0), row(10, waits="approval")])
    assert (found["odd"].wall_s, found["approval"].wall_s) == (3_600.0, 3_590.0)
    assert lines([row(0), row(10)], now=BEGIN)["odd"].wall_s == 10.0


def test_nodes_of_a_plan_by_place_and_name():
    """Turns and attempts of one task are one line, in the order of the plan."""
    rows = [
        row(0, payload={"nodes": []}),
        row(1, payload={"nodes": [
            node("/10", "done", "late", took_ms=10.0),
            node("/2#1~1", "failed", "add", took_ms=100.0, tokens=5, cost_usd=0.1),
            node("/2#1~2", "done", "add", took_ms=200.0, tokens=7, cost_usd=0.2),
            node("/2#2~1", "replaced", "add", took_ms=400.0),
            node("/3", "alarm", took_ms=9e9),
        ]}),
    ]  # fmt: skip
    found = lines(rows, kind="node")
    assert list(found) == ["/2", "/10"]
    add = found["/2"]
    assert (add.name, counts(add)) == ("add", (3, 2, 1, 0, 0, 1))
    assert (add.wall_s, add.p50_s, add.p95_s) == (0.7, 0.2, 0.4)
    assert (add.success_rate, add.tokens, add.cost_usd) == (0.6667, 12, pytest.approx(0.3))
    assert not lines(rows, kind="tick")


def test_tasks_that_were_cancelled():
    """They are no failures, are named by the plan or another run, and cost what they asked."""
    plan = {"kind": "parallel", "items": ["a", {"kind": "task", "name": "b"},
                                          {"kind": "retry", "item": "c"}]}  # fmt: skip
    rows = [
        row(0, "status", {"config": {"plan": plan}}),
        row(1, payload={"nodes": [node("/0", "cancelled"), node("/1", "abandoned"),
                                  node("/2/0~3", "done"), node("/7", "cancelled")]}),
    ]  # fmt: skip
    found = lines(rows, [call(node="/0"), call(node="/0", error_kind="aborted")], "node")
    assert [line.name for line in found.values()] == ["a", "b", "c", ""]
    assert counts(found["/0"]) == (1, 0, 0, 1, 0, 0)
    assert (found["/0"].tokens, found["/0"].cost_usd) == (14, 0.5)
    assert (found["/0"].success_rate, found["/0"].p50_s, found["/0"].wall_s) == (None, None, 0.0)
    assert counts(found["/1"]) == (1, 0, 0, 0, 1, 0)
    assert counts(found["/2/0"]) == (1, 0, 0, 1, 0, 1), "it was done too late"


def made(tool, **outcome):
    return {"call": {"tool": tool}, "outcome": {"ok": False, "attempts": 1, **outcome}}


def test_calls_of_tools():
    """By tool; what nobody let happen is cancelled, what nobody knows of is abandoned."""
    rows = [
        row(1, payload=made("read", ok=True, took_s=0.25, attempts=3)),
        row(2, payload=made("read", kind="timeout", took_s=2.0)),
        row(3, payload=made("read", kind="unknown")),
        *(row(4, payload=made("run", kind=kind, attempts=0)) for kind in ("denied", "withdrawn")),
        row(5, payload=made("run", kind="asks", took_s=1.0)),
        row(6, payload={"thought": "nothing more"}),
    ]
    found = lines(rows)
    assert counts(found["read"]) == (3, 1, 1, 0, 1, 2)
    assert (found["read"].wall_s, found["read"].success_rate) == (2.25, 0.5)
    assert (found["read"].tokens, found["read"].cost_usd) == (9, 1.5)
    assert counts(found["run"]) == (2, 0, 0, 2, 0, 0)
    assert (found["run"].p50_s, found["run"].wall_s) == (None, 1.0)
    assert found["tick"].runs == 1


def test_attempts_and_their_places():
    """By route; aborted ones are cancelled, and a wait for a place is a wait."""
    calls = [
        call(), call(attempt=2, error_kind="server", latency_ms=None),
        call(error_kind="aborted", sent_at=None), call(route="slow", sent_at=at(2.5)),
    ]  # fmt: skip
    found = lines([row(0)], calls)
    assert counts(found["fast"]) == (3, 1, 1, 1, 0, 1)
    assert (found["fast"].tokens, found["fast"].cost_usd) == (21, 0.75)
    assert found["place on slow"].wall_s == 2.5
    assert "place on fast" not in found


def test_waits_by_kind():
    """From row to row; rows within a wait do not part it; a budget's pause is the budget's."""
    rows = [
        row(0), row(10, "status", status="paused"), row(15, "guidance", status="paused"),
        row(20), row(30, waits="stuck"), row(35, status="paused", waits="budget"),
        row(36, "status", status="paused", waits="stuck"), row(40, "status", status="pausing"),
        row(50, "final", status="stopped"), row(90), row(91, "final", status="completed"),
    ]  # fmt: skip
    found = lines(rows, kind="wait")
    waited = {name: (line.runs, line.wall_s) for name, line in found.items()}
    assert waited == {"paused": (2, 14.0), "stuck": (1, 5.0), "budget": (1, 1.0)}
    assert all(line.success_rate is None for line in found.values())


@pytest.mark.parametrize(
    ("values", "share", "found"),
    [
        ([], 0.5, None), ([1.0], 0.95, 1.0), ([1.0, 2.0], 0.5, 1.0), ([1.0, 2.0, 3.0], 0.5, 2.0),
        ([float(n) for n in range(1, 21)], 0.95, 19.0),
        ([float(n) for n in range(1, 101)], 0.95, 95.0),
        ([float(n) for n in range(1, 22)], 0.95, 20.0),
    ],
)  # fmt: skip
def test_percentiles_are_by_nearest_rank(values, share, found):
    """Each is one of the values; 0.95 of 20 is the 19th, whatever the fractions of floats."""
    assert percentile(values, share) == found


def test_payloads_of_other_types_are_ticks():
    """A type of one's own may use the same words for something else."""
    payloads = [{"nodes": 3}, {"nodes": [1]}, {"nodes": [{"path": 1, "outcome": "done"}]},
                {"call": "ann"}, {"call": {"tool": "x"}, "outcome": "well"}, ["nodes"]]  # fmt: skip
    found = lines([row(n, payload=each) for n, each in enumerate(payloads)])
    assert found["tick"].runs == len(payloads)


def test_forms_say_the_same():
    """A cell is no formula, no name breaks a table, what is not known is empty."""
    rows = [row(1, payload=made("=1|2\n# x", ok=True, took_s=75.0)), row(4_000, waits="child")]
    report = report_of(rows, [], NOW)
    assert forms.as_data(report)["lines"][1]["name"] == "=1|2\n# x"
    head, session, tool, _, wait = forms.as_csv(report).replace("\n# x", "").splitlines()
    assert head.startswith("kind,path,name,runs,succeeded")
    assert session.startswith("session,,odd,2,2,0,0,0,0,1.0,3999.0,0.1,0.1,6,1.0")
    assert "\"'=1|2" in tool
    assert wait.startswith("wait,,child,1,0,0,0,0,0,,0.0,0.0,0.0,0,0.0")
    text = forms.as_markdown(report)
    assert "| tool =1\\|2 \\# x | 1 | 1 | 0 | 0 | 0 | 0 | 100.0% | 1 min 15 s |" in text
    assert "| session odd | 2 |" in text
    assert "1 h 6 min" in text
    assert "| wait child | 1 |  |  |  |  |  | - | 0 ms |" in text
