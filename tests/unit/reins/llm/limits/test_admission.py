"""The line before a route: fair, within limits, and nothing is left of a wait that was given up."""

import asyncio
import random
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reins.llm.limits.admission import Admission, BackingOffError
from reins.llm.limits.token_bucket import Bucket

LONG = 1_000.0


async def settled() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def queue_up(admission: Admission, *sessions: str, order: list[str]) -> list[asyncio.Task[None]]:
    async def enter(session: str) -> None:
        await admission.enter(session, 1, LONG)
        order.append(session)

    return [asyncio.ensure_future(enter(session)) for session in sessions]


async def test_with_nothing_to_wait_for_nobody_waits() -> None:
    """A free place is taken without a turn of the loop."""
    admission = Admission(2, 100, 100_000)
    entering = admission.enter("a", 10, LONG)
    with pytest.raises(StopIteration):
        entering.send(None)
    assert (admission.taken, admission.waiting) == (1, 0)


async def test_sessions_take_turns() -> None:
    """A session with many calls in line holds up another one's by one place only."""
    admission, order = Admission(1, None, None), []
    await admission.enter("x", 1, LONG)
    tasks = queue_up(admission, "a", "a", "a", "a", "b", "b", "c", order=order)
    await settled()
    assert admission.waiting == 7
    for _ in tasks:
        admission.leave(1, 1)
        await settled()
    assert order == ["a", "b", "c", "a", "b", "a", "a"]
    assert (admission.taken, admission.waiting) == (1, 0)


async def test_a_late_call_does_not_overtake() -> None:
    """While others are in line, a newcomer queues even where there is a place."""
    admission, order = Admission(1, None, None), []
    await admission.enter("x", 1, LONG)
    tasks = queue_up(admission, "a", order=order)
    await settled()
    admission.leave(1, 1)
    tasks += queue_up(admission, "b", order=order)
    await settled()
    assert order == ["a"]
    admission.leave(1, 1)
    await asyncio.gather(*tasks)
    assert order == ["a", "b"]


async def test_a_cancelled_wait_leaves_no_place_taken() -> None:
    """Cancelled in line, or in the very moment of being admitted: the place is free again."""
    admission = Admission(1, None, None)
    await admission.enter("x", 1, LONG)
    first, second = queue_up(admission, "a", "a", order=[])
    await settled()
    first.cancel()
    await settled()
    assert (admission.taken, admission.waiting) == (1, 1)
    admission.leave(1, 1)  # admits the second, which is cancelled before it runs
    second.cancel()
    await settled()
    assert second.cancelled()
    assert (admission.taken, admission.waiting) == (0, 0)
    await asyncio.wait_for(admission.enter("b", 1, LONG), 1)


async def test_requests_are_spread() -> None:
    """Of 1,200 requests a minute 60 go at once, and the rest at nearly 20 a second."""
    admission, began = Admission(1_000, 1_200, None), time.monotonic()
    for _ in range(64):
        await admission.enter("a", 1, LONG)
    assert 0.15 < time.monotonic() - began < 1.0


async def test_tokens_count_and_what_was_not_used_comes_back() -> None:
    """A call waits for tokens; one that took fewer than was thought lets the next in at once."""
    admission = Admission(10, None, 60_000)
    await admission.enter("a", 3_000, LONG)
    assert admission._wait_s(3_000) > 2
    tasks = [asyncio.ensure_future(admission.enter("a", 3_000, LONG))]
    await settled()
    assert admission.waiting == 1
    admission.leave(3_000, 0)
    await asyncio.wait_for(asyncio.gather(*tasks), 1)


async def test_a_rest_holds_everybody_up_for_so_long() -> None:
    """Nobody enters a route that backs off, and everybody does afterwards."""
    admission, began = Admission(10, None, None), time.monotonic()
    admission.back_off(0.1)
    assert admission.backoff_s is not None
    await asyncio.gather(*(admission.enter(s, 1, LONG) for s in "abc"))
    assert time.monotonic() - began >= 0.1
    assert admission.backoff_s is None


async def test_who_cannot_wait_for_the_end_of_a_rest_is_told() -> None:
    """Whoever comes, and whoever is in line, hears at once when the backoff is too long for it."""
    admission = Admission(1, None, None)
    await admission.enter("x", 1, LONG)
    impatient = asyncio.ensure_future(admission.enter("a", 1, 5.0))
    patient = asyncio.ensure_future(admission.enter("a", 1, LONG))
    await settled()
    admission.back_off(60)
    with pytest.raises(BackingOffError) as caught:
        await impatient
    assert caught.value.backoff_s == 60
    admission.leave(1, 1)
    with pytest.raises(BackingOffError):
        await admission.enter("b", 1, 5.0)
    admission.end_backoff()
    await asyncio.wait_for(patient, 1)
    assert (admission.taken, admission.waiting) == (1, 0)


async def test_new_limits_hold_for_those_in_line() -> None:
    """A limit that is raised lets the line in."""
    admission = Admission(1, None, None)
    await admission.enter("x", 1, LONG)
    tasks = queue_up(admission, *"abc", order=[])
    await settled()
    admission.limit(4, None, None)
    await asyncio.wait_for(asyncio.gather(*tasks), 1)
    assert admission.taken == 4


@given(
    per_minute=st.integers(1, 2_000),
    amounts=st.lists(st.floats(0.5, 50), min_size=1, max_size=200),
)
def test_no_minute_sees_more_than_its_worth(per_minute: int, amounts: list[float]) -> None:
    """In any minute no more goes than was allowed, but for what a single call takes on top."""
    bucket, now, sent = Bucket(per_minute, 0.0), 0.0, []
    for amount in amounts:
        now += bucket.wait_s(amount, now)
        assert bucket.wait_s(amount, now) == 0.0, "a wait that was waited for is over"
        bucket.take(amount)
        sent.append((now, amount))
    for start, _ in sent:
        minute = [amount for at, amount in sent if start <= at < start + 59.9]
        assert sum(minute) <= per_minute + max(minute) + 1e-3


def test_single_requests_are_exact() -> None:
    """Sixty a minute are sixty in any minute, not sixty-one."""
    for per_minute in (1, 7, 60, 500):
        bucket, now, sent = Bucket(per_minute, 0.0), 0.0, []
        for _ in range(3 * per_minute):
            now += bucket.wait_s(1, now)
            bucket.take(1)
            sent.append(now)
        for start in sent:
            assert sum(start <= at < start + 59.9 for at in sent) <= per_minute


async def test_whatever_happens_the_places_add_up() -> None:
    """Three hundred calls that come, go and give up at random, under all limits and with backoffs
    between: never more than the limit are in, and in the end nobody is."""
    admission, rng, inside, most = Admission(5, 60_000, 6_000_000), random.Random(7), 0, 0

    async def call(session: str) -> None:
        nonlocal inside, most
        await admission.enter(session, 100, LONG)
        inside += 1
        most = max(most, inside)
        try:
            await asyncio.sleep(rng.random() * 0.003)
        finally:
            inside -= 1
            admission.leave(100, rng.randrange(200))

    tasks = []
    for number in range(300):
        tasks.append(asyncio.ensure_future(call(f"s{number % 7}")))
        if number % 5 == 0:
            rng.choice(tasks).cancel()
        if number % 60 == 0:
            admission.back_off(0.005)
        if number % 10 == 0:
            await asyncio.sleep(0.001)
    await asyncio.wait_for(asyncio.wait(tasks), 20)
    assert (admission.taken, admission.waiting, inside) == (0, 0, 0)
    assert most == 5
    assert not admission._queues
