"""A real worker whose clock is wrong for a moment, with restarts in between."""

import json
import shutil
import time

import pytest

import queue_imp as q
from store.agent_state import get_agent_state
from store.agent_steps import list_steps
from tests.support import data_folder
from tests.support.waiting import until
from tests.support.worker import Worker
from tests.support.wrong_clock import WrongClock

HOUR, DAY, YEARS = 3_600, 86_400, 4 * 365 * 86_400
JUMPS = [-2, HOUR, -DAY, YEARS]

pytestmark = pytest.mark.skipif(shutil.which("gcc") is None, reason="it needs gcc")


@pytest.fixture
def clock(tmp_path, monkeypatch):
    monkeypatch.setenv("REINS_DATA", str(tmp_path / "data"))
    return WrongClock(tmp_path)


@pytest.fixture
def worker(tmp_path, clock):
    def start(name):
        settings = {**clock.environment, "REINS_BUDGET_DAY_TOKENS": "1000000"}
        return Worker(
            tmp_path / "data", tmp_path / name, settings=settings, imports=True
        ).started()  # fmt: skip

    return start


def done(action_id):
    got = q.wait_for_action(action_id, 30)
    assert got["outcome"] == "applied", got
    return got


def ticks(session_id="a"):
    return [row for row in list_steps(session_id) if row["kind"] == "tick"]


def goes_on():
    """It ticks, takes what it is asked for, and its rows have the time that it is."""
    had = len(ticks())
    until(lambda: len(ticks()) > had + 1)
    assert abs(ticks()[-1]["created_at"].timestamp() - time.time()) < 10
    done(q.agent_pause_action("a", "ann"))
    done(q.agent_resume_action("a", "ann"))


def tokens_today():
    usage = json.loads(get_agent_state("a")["usage"])
    days = [usage["day"], *usage.get("days", [])]
    today = time.strftime("%Y-%m-%d", time.gmtime())
    return sum(day["tokens"] for day in days if day["date"] == today)


def test_a_worker_goes_on_after_each_wrong_moment(clock, worker, tmp_path):
    """And what it took on this day is on record as this day's."""
    with worker("first") as first:
        done(q.agent_create("a", "ann", "cats"))
        for jump in JUMPS:
            goes_on()
            before = tokens_today()
            clock.off_by(jump)
            had = len(ticks())
            until(lambda had=had: len(ticks()) > had + 1)
            clock.off_by(0)
            goes_on()
            assert tokens_today() > before
        assert first.stop() == 0
    data_folder.verified(tmp_path / "data")


@pytest.mark.parametrize("jump", [-DAY, YEARS])
def test_a_worker_that_was_started_in_a_wrong_moment(clock, worker, tmp_path, jump):
    """What it did then is followed by what it does when the clock is right, after a restart too;
    and a session that a budget of the day held then is held no longer than this day."""
    with worker("right") as first:
        done(q.agent_create("a", "ann", "cats"))
        until(lambda: len(ticks()) > 2)
        assert first.stop() == 0
    clock.off_by(jump)
    with worker("wrong") as second:
        had = len(ticks())
        until(lambda: len(ticks()) > had + 1)
        assert second.stop() == 0
    clock.off_by(0)
    with worker("right again") as third:
        goes_on()
        assert tokens_today() > 0
        assert third.stop() == 0
    data_folder.verified(tmp_path / "data")
