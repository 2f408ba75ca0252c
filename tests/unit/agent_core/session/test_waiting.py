"""What a session waits for, since when and until when, whatever the clock does."""

import time

import pytest

from agent_core.session import waiting
from agent_core.session.failures import away_in
from agent_core.session.outages import Outages, spread
from agent_core.session.schedule import Schedule
from agent_core.session.waiting import Waiting
from tests.support.away_agents import AwayError

HOUR, DAY, YEARS = 3_600, 86_400, 4 * 365 * 86_400
JUMPS = [2, -2, HOUR, -HOUR, DAY, -DAY, YEARS, -YEARS]


@pytest.fixture
def clock(monkeypatch):
    """Seconds that the clock is off; what passes is not."""
    off = {"s": 0.0}
    monkeypatch.setattr(waiting, "now_us", lambda: int((time.time() + off["s"]) * 1e6))
    return off


@pytest.mark.parametrize("jump", JUMPS)
def test_since_is_right_as_soon_as_the_clock_is(clock, jump):
    """It began in a wrong moment, or one came in between: it says when it truly began."""
    began_us = time.time_ns() // 1000
    clock["s"] = jump
    waits = Waiting.after(None, "model", "503", 5.0)
    assert abs(waits.stored()["since"] - began_us - jump * 1e6) < 2e6
    clock["s"] = 0.0
    waits = Waiting.after(waits, "model", "503", 5.0)
    assert abs(waits.stored()["since"] - began_us) < 2e6
    assert 3e6 < waits.stored()["until"] - time.time_ns() // 1000 < 6e6
    assert waits.tries == 2


@pytest.mark.parametrize("jump", JUMPS)
def test_it_is_restored(clock, jump):
    """Since when it was; what another process saw in the future begins now."""
    stored = Waiting.after(None, "model", "503", 5.0).stored()
    clock["s"] = jump
    restored = Waiting.restored(stored).stored()
    now_us = int((time.time() + jump) * 1e6)
    expected = stored["since"] if jump > 0 else now_us
    assert abs(restored["since"] - expected) < 2e6
    assert restored["since"] <= now_us + 1e6


def test_another_thing_begins_another_wait():
    """What it waits for now has its own beginning, and its own tries."""
    first = Waiting.after(None, "model", "503", 5.0)
    second = Waiting.after(first, "approval", "asked", 5.0)
    assert (second.tries, second.began >= first.began) == (1, True)


def test_a_reason_is_bounded():
    """A snapshot stays small."""
    assert len(Waiting.after(None, "model", "x" * 9_000, 1.0).reason) == 500


# -- whose fault it is


def caught(error, cause=None, context=None):
    error.__cause__, error.__context__ = cause, context
    return error


@pytest.mark.parametrize(
    "error",
    [
        AwayError(),
        caught(RuntimeError(), cause=AwayError()),
        caught(RuntimeError(), context=AwayError()),
        caught(RuntimeError(), cause=caught(KeyError(), cause=AwayError())),
        ExceptionGroup("", [AwayError(), caught(KeyError(), cause=AwayError())]),
        BaseExceptionGroup("", [ExceptionGroup("", [AwayError()])]),
    ],
)
def test_what_is_away_is_found(error):
    """However it was wrapped."""
    assert isinstance(away_in(error), AwayError)


@pytest.mark.parametrize(
    "error",
    [
        ValueError(),
        caught(ValueError(), cause=KeyError()),
        ExceptionGroup("", [AwayError(), ValueError()]),
        ExceptionGroup("", [ValueError(), AwayError()]),
        TimeoutError("the tick took longer"),
    ],
)
def test_a_fault_of_its_own_is_none(error):
    """Also beside something that is away."""
    assert away_in(error) is None


def test_a_circle_of_causes_ends():
    """Agents make any."""
    one, other = ValueError(), KeyError()
    one.__cause__, other.__cause__ = other, one
    assert away_in(one) is None


# -- who waits


class Sleeper:
    def __init__(self):
        self.woken = []

    def wake_within(self, spread_s):
        self.woken.append(spread_s)


def test_an_answer_wakes_those_that_wait_for_the_route():
    """And those that name none; each once."""
    outages, (a, b, c) = Outages(), (Sleeper(), Sleeper(), Sleeper())
    outages.join(a, ("main", "other"))
    outages.join(b, ("third",))
    outages.join(c, ())
    outages.answered("other")
    outages.answered("other")
    assert [len(each.woken) for each in (a, b, c)] == [1, 0, 1]
    outages.wake_all()
    assert [len(each.woken) for each in (a, b, c)] == [1, 1, 1]
    assert not len(outages)


def test_many_are_woken_over_a_longer_time_and_ask_less_often():
    """A hundred a second; and a thousand that wait ask no ten times as often as a hundred."""
    outages, many = Outages(), [Sleeper() for _ in range(1_000)]
    assert outages.stretch == 1.0
    for each in many[:100]:
        outages.join(each, ("main",))
    assert outages.stretch == 10.0
    for each in many[100:]:
        outages.join(each, ("main",))
    assert outages.stretch == 10.0
    outages.answered("main")
    assert {each.woken[0] for each in many} == {10.0}


@pytest.mark.parametrize(
    ("heartbeat_s", "longest"), [(0.0, 5.0), (3.0, 5.0), (30.0, 30.0), (86_400.0, 60.0)]
)
def test_who_is_woken_goes_on_within_a_heartbeat(heartbeat_s, longest):
    """Not later than it would have tried anyway, at a time that is drawn."""
    drawn = [spread(heartbeat_s, 5.0, 60.0) for _ in range(300)]
    assert 0 <= min(drawn) < 0.1 * longest
    assert 0.9 * longest < max(drawn) <= longest


def test_pauses_double_and_are_spread():
    """Between half and the whole of what has doubled, up to the longest; more if asked for."""
    schedule = Schedule(retry_wait_s=1.0, retry_wait_max_s=60.0)
    for tries, longest in ((1, 1.0), (2, 2.0), (3, 4.0), (7, 60.0), (5_000, 60.0)):
        drawn = [schedule.while_away(tries, None, 1.0) for _ in range(100)]
        assert longest / 2 <= min(drawn) <= max(drawn) <= longest
    assert schedule.while_away(99, None, 10.0) > 60.0
    assert schedule.while_away(1, 90.0, 1.0) == 90.0
