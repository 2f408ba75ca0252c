"""The breaker: faults in a row open it, one trial closes it, and a cancelled call is neither."""

import asyncio
import time
from datetime import timedelta

import pytest

from reins.breaker import Breaker

A, B = object(), object()


def opened(open_s: float = 0.05, failures: int = 3) -> Breaker[str]:
    breaker = Breaker(failures, open_s)
    for _ in range(failures):
        assert breaker.state == "closed"
        assert breaker.take(A)
        breaker.failed(A, "server")
    assert breaker.state == "open"
    return breaker


def rested(**given: float) -> Breaker[str]:
    breaker = opened(open_s=0.01, **given)
    time.sleep(0.015)
    return breaker


def test_faults_in_a_row_open_it() -> None:
    """Three faults open it, and nobody may call while it is open; a success in between forgives."""
    breaker = Breaker(3, 10.0)
    for _ in range(5):
        assert not breaker.failed(A, "server")
        assert not breaker.failed(A, "server")
        breaker.succeeded(A)
    assert breaker.state == "closed"
    breaker = opened(10.0)
    assert not breaker.take(A)
    assert 9 < breaker.open_for_s() <= 10


def test_one_call_tries() -> None:
    """After that time a single call may go; its success closes the breaker."""
    breaker = rested()
    assert breaker.open_for_s() is None
    assert breaker.take(A)
    assert breaker.state == "half_open"
    assert not breaker.take(B)
    assert breaker.open_for_s() == 0.0
    breaker.succeeded(A)
    assert breaker.state == "closed"
    assert breaker.take(B)


def test_a_trial_that_fails_opens_the_breaker_again() -> None:
    """Its failure opens the breaker again, for the whole time."""
    breaker = rested()
    breaker.limit(3, 10.0)
    breaker._breaker._state_storage.opened_at = None
    assert breaker.take(A)
    assert breaker.failed(A, "server")
    assert breaker.state == "open"
    assert breaker.open_for_s() > 9


def test_a_cancelled_trial_is_neither() -> None:
    """The next call may try in its place, and the state stays."""
    breaker = rested()
    assert breaker.take(A)
    breaker.abandoned(A)
    assert breaker.state == "half_open"
    assert breaker.take(B)
    breaker.succeeded(B)
    assert breaker.state == "closed"


def test_a_cancelled_call_does_not_forgive() -> None:
    """Two faults, a cancelled call and a third fault are three in a row."""
    breaker = Breaker(3, 10.0)
    breaker.failed(A, "server")
    breaker.failed(A, "server")
    breaker.abandoned(A)
    assert breaker.failed(A, "server")


def test_what_was_sent_before_it_opened_changes_nothing() -> None:
    """Late faults do not keep it open for longer, late successes do not end it."""
    breaker = opened(10.0)
    before = breaker._breaker._state_storage.opened_at
    breaker.failed(B, "server")
    breaker.succeeded(B)
    assert breaker.state == "open"
    assert breaker._breaker._state_storage.opened_at == before


def test_a_check_closes_it() -> None:
    """Where a person has seen that the route works, calls go at once."""
    breaker = opened(10.0)
    breaker.close()
    assert breaker.take(A)
    assert breaker.state == "closed"


async def test_those_who_wait_hear_of_the_trial() -> None:
    """The end of a trial wakes whoever waits for it, well before its own timeout."""
    breaker = rested()
    assert breaker.take(A)
    waiting = [asyncio.ensure_future(breaker.change(10.0)) for _ in range(3)]
    await asyncio.sleep(0)
    breaker.succeeded(A)
    await asyncio.wait_for(asyncio.gather(*waiting), 1)
    await asyncio.wait_for(breaker.change(0.01), 1)
    assert breaker._waiting == []


@pytest.mark.parametrize("jump", [2, -2, 3_600, -3_600, 86_400, -86_400, 126_144_000, -126_144_000])
def test_a_clock_that_is_set_keeps_it_neither_open_nor_closed(jump, monkeypatch) -> None:
    """It is open for as long as it says, by the time that passes."""
    passed = [100.0]
    breaker = Breaker(1, 10.0, clock=lambda: passed[0])
    breaker.failed(A, "server")
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + jump)
    assert breaker._breaker._state_storage.opened_at is not None
    breaker._breaker._state_storage.opened_at += timedelta(seconds=jump)
    passed[0] += 4
    assert breaker.open_for_s() == pytest.approx(6.0)
    assert not breaker.take(B)
    passed[0] += 6
    assert breaker.open_for_s() is None
    assert breaker.take(B)
