"""Costs, failures and waits over HTTP and in the shell: the sums of the calls and of the log."""

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest

from store import model_calls
from store.agent_steps import list_steps
from tests.integration.web.speaking import write
from tests.integration.web.test_api_models import call, joke
from tests.support.waiting import until

NOW = datetime.now(UTC)
ANN = {"actor": "ann"}


def us(at):
    return int(at.timestamp() * 1e6)


def called(seq, ago, *, waited_s=0.001, **more):
    queued = us(NOW - ago)
    return call("s", seq, queued_at=queued, sent_at=queued + int(waited_s * 1e6), **more)


def settled(api, calls):
    return until(lambda: (u := api.get("/api/usage"))["total"]["calls"] == calls and u)


def test_the_usage_of_a_fleet_is_that_of_its_log(api):
    """What ticked, was recorded and is summed up are the same, whoever is asked."""
    for name in ("ann", "bob"):
        joke(api, name)
    until(lambda: all(api.get(f"/api/sessions/{name}")["ticks"] > 4 for name in ("ann", "bob")))
    for name in ("ann", "bob"):
        api.done(f"/api/sessions/{name}/pause", ANN)
    reader = api.runtime.store.reader
    made = reader.joined(model_calls.TABLE, {}, None)
    found = settled(api, len(made))
    rows = [row for name in ("ann", "bob") for row in list_steps(name, store=reader)]
    for field in ("tokens_in", "tokens_out"):
        assert found["total"][field] == sum(row[field] or 0 for row in rows)
        assert found["total"][field] == sum(row[field] for row in made)
    assert [group["name"] for group in found["groups"]] == ["default"]
    by_type = api.get("/api/usage?by=type")
    assert [(g["name"], g["calls"]) for g in by_type["groups"]] == [("joke", len(made))]
    by_session = {g["name"]: g["calls"] for g in api.get("/api/usage?by=session")["groups"]}
    assert by_session == {
        name: sum(row["session_id"] == name for row in made) for name in ("ann", "bob")
    }
    ids = {row["conversation_id"] for row in made}
    assert ids == {None}


def test_costs_failures_and_waits_are_told_by_hour(api):
    """Each step has its sums, a failure is no call that was given up, and the wait is told."""
    hour = timedelta(hours=1)
    since = (NOW - 3 * hour).replace(minute=0, second=0, microsecond=0)
    ago = NOW - since
    write(
        api.runtime,
        *(called(n, ago - timedelta(minutes=n), cost_usd=0.25, waited_s=3) for n in range(4)),
        called(5, ago - hour, cost_usd=0.5, error_kind="server", route="slow"),
        called(6, ago - hour, cost_usd=0.0, error_kind="aborted", agent_type="persona",
               conversation_id="salon"),
    )  # fmt: skip
    settled(api, 6)
    found = api.get(f"/api/usage?since={quote(since.isoformat())}")
    total = found["total"]
    assert (total["calls"], total["failed"], total["aborted"]) == (6, 1, 1)
    assert total["cost_usd"] == pytest.approx(1.5)
    assert total["wait_p95_ms"] == pytest.approx(3_000, rel=0.2)
    assert [(step["at"][:16], step["calls"]) for step in found["steps"]] == [
        (since.isoformat()[:16], 4), ((since + hour).isoformat()[:16], 2),
    ]  # fmt: skip
    assert [(g["name"], g["cost_usd"]) for g in found["groups"]] == [
        ("fast", pytest.approx(1.0)), ("slow", pytest.approx(0.5)),
    ]  # fmt: skip
    rooms = api.get(f"/api/usage?by=conversation&since={quote(since.isoformat())}")
    assert {g["name"]: g["calls"] for g in rooms["groups"]} == {None: 5, "salon": 1}


def test_a_day_begins_where_the_viewer_says(api):
    """Half an hour off the full hours: no call of the day before is in it, to the minute."""
    since = (NOW - timedelta(hours=5)).replace(minute=30, second=0, microsecond=0)
    write(api.runtime,
          called(1, NOW - since + timedelta(seconds=1), cost_usd=1.0),
          called(2, NOW - since - timedelta(seconds=1), cost_usd=2.0),
          called(3, NOW - since - timedelta(minutes=61), cost_usd=4.0))  # fmt: skip
    settled(api, 3)
    zone = since.isoformat().replace("+00:00", "Z")
    for by in ("route", "session"):
        found = api.get(f"/api/usage?by={by}&since={zone}")
        assert found["since"][:16] == since.isoformat()[:16]
        assert [step["cost_usd"] for step in found["steps"]] == [2.0, 4.0]


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("since=yesterday", "expected a time in ISO 8601"),
        ("since=2026-01-01T00:00:00", "expected a time in ISO 8601"),
        ("since=0001-01-01T00:00:00%2B14:00", "expected a time in ISO 8601"),
        ("since=2999-01-01T00:00:00Z", "give a later since"),
        ("since=2020-01-01T00:00:00Z&step=minute", "give a later since"),
        ("by=price", "'route', 'type', 'conversation' or 'session'"),
    ],
)
def test_what_cannot_be_asked_is_refused_in_words(idle, query, said):
    """With what was given and what would be right."""
    assert said in json.dumps(idle.get(f"/api/usage?{query}", status=422))


def test_the_shell_tells_the_same(api):
    """`reins usage` of the same folder, as lines and as JSON, beside a worker."""
    failed = called(2, timedelta(minutes=2), error_kind="server")
    write(api.runtime, called(1, timedelta(minutes=1), cost_usd=0.75), failed)
    settled(api, 2)
    folder = str(api.runtime.store.folder.path)

    def told(*more):
        command = [
            sys.executable,
            "-m",
            "reins",
            "usage",
            "--data",
            folder,
            "--since",
            "24h",
            *more,
        ]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    [row] = json.loads(told("--json"))
    assert (row["name"], row["calls"], row["failed"]) == ("fast", 2, 1)
    assert "$0.75" in told("--by", "type")
    assert "50.0%" in told("--by", "session")
