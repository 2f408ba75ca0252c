"""When a session ticks next."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_core.session.schedule import Schedule

seconds = st.floats(0.001, 86_400)


@given(seconds, st.floats(0, 0.5))
def test_the_heartbeat_stays_within_its_jitter(heartbeat_s, jitter):
    """A wait is the heartbeat, more or less by the jitter's share at the most."""
    wait_s = Schedule(heartbeat_s=heartbeat_s, jitter=jitter).after_tick(None, None)
    slack = 1e-9
    assert heartbeat_s * (1 - jitter) - slack <= wait_s <= heartbeat_s * (1 + jitter) + slack


@pytest.mark.parametrize(
    ("own", "asked", "waits"), [(None, None, 3), (7, None, 7), (0, None, 0), (7, 0, 0), (7, -1, 0)]
)
def test_what_was_asked_for_goes_before_the_own_heartbeat_before_the_general(own, asked, waits):
    """The tick's wish, then the agent's setting, then everybody's."""
    assert Schedule(jitter=0).after_tick(own, asked) == waits


def test_waits_after_failures_double_up_to_a_limit():
    """1, 2, 4, … and never above the limit, for any number of failures."""
    schedule = Schedule(retry_wait_s=1, retry_wait_max_s=10, jitter=0)
    waits = [schedule.after_failure(n, None) for n in (1, 2, 3, 4, 5, 5_000)]
    assert waits == [1, 2, 4, 8, 10, 10]


def test_a_failure_that_asks_for_time_gets_it():
    """Retry-After is a lower bound, even above the limit."""
    schedule = Schedule(retry_wait_s=1, retry_wait_max_s=10, jitter=0)
    assert schedule.after_failure(1, 30) == 30
    assert schedule.after_failure(3, 2) == 4


def test_after_a_start_all_tick_soon_and_the_heartbeats_are_spread():
    """First ticks come within 0.3 s, or a heartbeat where that is shorter, and not in one moment;
    the second ones over a whole heartbeat. What a tick asks for counts all the same."""
    schedule = Schedule(heartbeat_s=10, jitter=0)
    firsts = [schedule.after_start(None) for _ in range(1_000)]
    assert 0 <= min(firsts) < 0.05
    assert 0.25 < max(firsts) <= 0.3
    assert max(schedule.after_start(0.1) for _ in range(100)) <= 0.1
    seconds = [schedule.after_tick(None, None, first=True) for _ in range(1_000)]
    assert 5 <= min(seconds) < 6
    assert 14 < max(seconds) <= 15
    assert schedule.after_tick(None, 2.0, first=True) == 2.0
