"""When an action was made: in order, and right again as soon as the clock is."""

import time

import pytest

from agent_core.actions import action

JUMPS = [2, -2, 3_600, -3_600, 86_400, -86_400, 126_144_000, -126_144_000]


@pytest.fixture
def clock(monkeypatch):
    """Seconds that the clock is off, and stands."""
    now = {"off": 0.0, "ns": time.time_ns()}
    monkeypatch.setattr(
        action.time, "time_ns", lambda: now["ns"] + int(now["off"] * 1e9), raising=True
    )
    return now


def made(stamp):
    return stamp().timestamp()


@pytest.mark.parametrize("jump", JUMPS)
def test_a_wrong_moment_does_not_last(clock, jump):
    """What is made when the clock is right again has the time that it is."""
    stamp = action._Clock()
    right = made(stamp)
    clock["off"] = jump
    assert abs(made(stamp) - right - jump) < 0.01
    clock["off"] = 0.0
    assert abs(made(stamp) - right) < 0.01


def test_of_one_moment_each_has_a_time_of_its_own(clock):
    """Also where the clock is set back by less than a second."""
    stamp = action._Clock()
    times = [made(stamp) for _ in range(100)]
    clock["off"] = -0.5
    times += [made(stamp) for _ in range(100)]
    assert times == sorted(set(times))
