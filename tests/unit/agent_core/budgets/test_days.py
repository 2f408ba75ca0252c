"""A day's budget is given out once, whatever the clock does; and no wrong moment decides for days.

The clock and the time that passed are the test's own.
"""

import os
import time
from datetime import UTC, datetime

import orjson
import pytest

from agent_core.budgets.days import steady, taken_on
from agent_core.budgets.ledger import Ledger

NOON = datetime(2026, 11, 28, 12, 0, tzinfo=UTC).timestamp()
LATE = datetime(2026, 11, 28, 23, 59, 59, 500_000, tzinfo=UTC).timestamp()
HOUR, DAY, YEARS = 3_600.0, 86_400.0, 4 * 365.25 * 86_400.0
JUMPS = [2.0, -2.0, HOUR, -HOUR, DAY, -DAY, YEARS, -YEARS]
LIMIT = 100


class Spending:
    """A session, as the ledger knows it, with a limit of the day."""

    agent_id = "a"
    ended = False
    in_flight = None

    def __init__(self, usage=None):
        self.usage = usage or {
            "tokens_in": 0, "tokens_out": 0, "cost_usd": 0.0, "ticks": 0, "wall_s": 0.0,
        }  # fmt: skip
        self.limits = {"day": {"tokens": LIMIT}}
        self.held = None
        self.worked_s = 0.0

    def release(self) -> None: ...


class World:
    """A clock, the time that passes, a ledger and a session; both survive a restart on disk."""

    def __init__(self, now):
        self.wall, self.passed = now, 0.0
        self.session = Spending()
        self.start()

    def start(self):
        """As after a restart: from what the session's snapshot says."""
        kept = orjson.dumps(self.session.usage)
        self.session = Spending(orjson.loads(kept))
        self.ledger = Ledger(day_tokens=LIMIT, clock=lambda: self.wall)
        self.ledger._daily._calendar._passed = lambda: self.passed
        self.ledger._daily._calendar._at = self.passed
        row = {"iteration": 1, "usage": kept, "agent_id": "a", "snapshot": "{}"}
        self.ledger.recall(row | {"status": "running"})
        self.ledger.spenders = lambda: [self.session]

    def go_on(self, seconds):
        """Time passes, and is looked at now and then."""
        while seconds > 0:
            step = min(seconds, 1_800.0)
            self.wall, self.passed, seconds = self.wall + step, self.passed + step, seconds - step
            self.ledger.spent(self.session)

    def jump(self, seconds, *, restart=False):
        self.wall += seconds
        if restart:
            self.start()
        self.ledger.spent(self.session)

    def spend(self, tokens):
        self.ledger.spend(self.session, tokens, 0, 0.0)

    def today(self):
        """Tokens that count today: of the session and of the worker, which has no other."""
        self.ledger.spent(self.session)
        own = taken_on(self.session.usage, self.ledger.today)["tokens"]
        worker = self.ledger.spent_on(self.ledger.today)["tokens"]
        assert own == worker
        return own


@pytest.mark.parametrize("restart", [False, True], ids=["runs", "restarted"])
@pytest.mark.parametrize("start", [NOON, LATE], ids=["noon", "midnight"])
@pytest.mark.parametrize("jump", JUMPS)
def test_a_wrong_moment_gives_out_no_budget_twice(jump, start, restart):
    """What was taken before it and in it counts when the clock is right again."""
    world = World(start)
    world.spend(40)
    world.jump(jump, restart=restart)
    world.spend(20)
    world.jump(-jump, restart=restart)
    counted = world.today()
    came_back = jump < 0 and world.ledger.today != date_of(start + jump)
    assert counted == 40 if came_back else counted in (40, 60)
    if jump > 0 and not restart:
        assert counted == 60 or jump == 2.0
    world.spend(40)
    assert world.today() >= 80


def date_of(at):
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d}"


@pytest.mark.parametrize("restart", [False, True], ids=["runs", "restarted"])
@pytest.mark.parametrize("jump", JUMPS)
def test_the_next_day_begins_anew(jump, restart):
    """At midnight nothing counts, whatever was taken while the clock was wrong; and a session that
    was held then goes on."""
    world = World(NOON)
    world.spend(40)
    world.jump(jump, restart=restart)
    world.spend(LIMIT)
    assert world.ledger.spent(world.session) is not None
    world.session.held = world.ledger.spent(world.session)
    world.jump(-jump)
    world.go_on(DAY)
    assert world.today() == 0
    assert world.ledger.still_held(world.session) is None


@pytest.mark.parametrize("jump", [DAY, YEARS, -YEARS])
def test_a_clock_that_was_wrong_at_the_start_is_forgotten(jump):
    """A machine without a clock of its own: wrong until the network tells it."""
    world = World(NOON + jump)
    world.spend(LIMIT)
    world.jump(-jump)
    world.go_on(2 * DAY)
    assert world.today() == 0
    world.spend(10)
    assert world.today() == 10


def test_a_day_that_comes_back_has_what_was_taken_on_it():
    """The clock goes back a day and comes back: what was taken on the later day is still there."""
    world = World(NOON)
    world.go_on(DAY)
    world.spend(70)
    world.jump(-DAY)
    assert world.today() == 70, "given out once, also while the clock is wrong"
    world.jump(DAY)
    assert world.today() == 70


def test_what_lies_far_ahead_is_not_carried_for_years():
    """One wrong moment, and a restart every day: each day begins with nothing."""
    world = World(NOON)
    world.jump(YEARS)
    world.spend(LIMIT)
    world.jump(-YEARS, restart=True)
    for _ in range(4):
        world.go_on(DAY)
        world.start()
        assert world.today() == 0


def test_sessions_that_ended_in_a_wrong_moment_hold_up_nobody():
    """Their last row says a day to come: none of it counts before, at any start."""
    world = World(NOON)
    usage = {"ticks": 1, "day": {"date": "2030-11-28", "ticks": 1, "tokens": LIMIT,
                                 "cost_usd": 0.0, "wall_s": 0.0}}  # fmt: skip
    row = {"iteration": 1, "usage": orjson.dumps(usage), "agent_id": "b", "snapshot": "{}"}
    world.ledger.recall(row | {"status": "completed"})
    assert world.today() == 0


@pytest.mark.parametrize("zone", ["America/New_York", "Europe/Berlin", "Australia/Lord_Howe"])
@pytest.mark.parametrize("at", [(2026, 3, 29, 0, 59), (2026, 10, 25, 0, 59), (2026, 11, 1, 5, 59)])
def test_summer_time_moves_no_day(zone, at, monkeypatch):
    """Days are those of UTC: an hour that is there twice, or not at all, is like any other."""
    monkeypatch.setitem(os.environ, "TZ", zone)
    time.tzset()
    try:
        world = World(datetime(*at, tzinfo=UTC).timestamp())
        world.spend(30)
        world.go_on(2 * HOUR)
        assert world.today() == 30
        assert world.ledger.today == f"{datetime(*at, tzinfo=UTC):%Y-%m-%d}"
    finally:
        monkeypatch.undo()
        time.tzset()


def test_time_that_passes_is_not_the_clocks():
    """It only grows."""
    assert steady() <= steady()


def test_a_snapshot_keeps_few_days():
    """Of a session that runs for weeks, no more than two beside the one under way."""
    world = World(NOON)
    for _ in range(9):
        world.spend(10)
        world.go_on(DAY)
    world.spend(10)
    assert len(world.session.usage["days"]) == 2
