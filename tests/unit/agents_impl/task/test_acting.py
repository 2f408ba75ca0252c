"""A call within a tick: given up for guidance at once, never forgotten, with a clock of its own."""

import asyncio
import time

import pytest

from agent_core.session.tick_scope import TickScope
from agents_impl.task.acting import Manner, in_scope, limit_s
from reins.tools.policy import Policy
from reins.tools.toolbox import Acted


class Work:
    """A call that lasts until it is released; what became of it."""

    def __init__(self, *, swallows=False):
        self.released, self.ended_at, self.swallows = asyncio.Event(), None, swallows

    async def __call__(self):
        while True:
            try:
                await self.released.wait()
                return Acted(ok=True, text="done")
            except asyncio.CancelledError:
                self.ended_at = time.perf_counter()
                if not self.swallows:
                    raise


async def acting(scope, work, *, begun=True, **manner):
    """The call in a tick of its own task, as a session runs it; gives its outcome."""
    scope.begin(time.perf_counter(), asyncio.current_task())
    try:
        return await in_scope(work(), scope, Manner(**manner), lambda: begun)
    finally:
        scope.end()


async def begun(scope, work, **parts):
    task = asyncio.create_task(acting(scope, work, **parts))
    await asyncio.sleep(0.01)
    return task


async def test_guidance_kills_a_cancellable_call_within_50_ms():
    """Measured to the end of the call itself; nobody knows whether it was done."""
    took_ms = []
    for _ in range(20):
        scope, work = TickScope(), Work()
        task = await begun(scope, work)
        asked = time.perf_counter()
        scope.abort("guidance")
        acted = await task
        assert (acted.ok, acted.kind) == (False, "unknown")
        assert "Look first" in acted.text
        assert acted.took_s >= 0.005
        assert work.ended_at is not None
        took_ms.append((time.perf_counter() - asked) * 1_000)
    assert sorted(took_ms)[10] < 50


async def test_a_call_that_cannot_be_cancelled_goes_on():
    """Its outcome says so; a stop gives it up all the same."""
    scope, work = TickScope(), Work()
    task = await begun(scope, work, cancellable=False)
    scope.abort("guidance")
    await asyncio.sleep(0.05)
    assert not task.done()
    work.released.set()
    acted = await task
    assert acted.ok
    assert "cannot be cancelled" in acted.note
    scope, work = TickScope(), Work()
    task = await begun(scope, work, cancellable=False)
    scope.abort("guidance")
    await asyncio.sleep(0)
    scope.abort("stop")
    assert (await task).kind == "unknown"


@pytest.mark.parametrize(
    ("manner", "kind", "words"),
    [
        ({}, "unknown", "nobody knows whether it was done"),
        ({"idempotent": True}, "cancelled", "given up for a stop"),
        ({"killable": True}, "cancelled", "may have done a part"),
        ({"stoppable": False}, "unknown", "cannot be stopped, and goes on; nobody knows"),
        ({"begun": False}, "cancelled", "before it was begun"),
    ],
    ids=str,
)
async def test_the_outcome_of_one_that_is_given_up_says_no_more_than_is_known(manner, kind, words):
    """By its tool: may it be repeated, was it killed with all it started, does its thread go on."""
    scope = TickScope()
    task = await begun(scope, Work(), **manner)
    scope.abort("stop")
    acted = await task
    assert acted.kind == kind
    assert words in acted.text
    assert acted.attempts == (0 if "begun" in manner else 1)


@pytest.mark.parametrize("idempotent", [True, False])
async def test_one_that_took_too_long_may_have_been_done(idempotent):
    """Also where its own limit ended it; what may be repeated is out of time and no more."""

    async def late():
        return Acted(ok=False, text="error (timeout): late", kind="timeout", error="late", took_s=3)

    acted = await acting(TickScope(), late, idempotent=idempotent)
    assert acted.kind == ("timeout" if idempotent else "unknown")
    assert ("Look first" in acted.text) is not idempotent
    assert acted.took_s == 3


async def test_a_call_that_swallows_its_cancellation_is_left_behind_and_said_so(monkeypatch):
    """After a time limit; what it does from then on nobody awaits."""
    monkeypatch.setattr("agents_impl.task.acting._LEAVES_S", 0.05)
    scope, work = TickScope(), Work(swallows=True)
    task = await begun(scope, work)
    scope.abort("guidance")
    acted = await task
    assert acted.kind == "unknown"
    assert "may go on" in acted.error
    work.released.set()
    await asyncio.sleep(0)


async def test_a_call_that_ended_just_then_counts_as_done():
    """What has been done is never said to be cancelled."""
    scope, work = TickScope(), Work()
    task = await begun(scope, work)
    work.released.set()
    scope.abort("guidance")
    assert (await task).ok


async def test_the_end_of_the_task_itself_is_no_outcome():
    """As when the worker stops: it is raised on, and the call is ended."""
    scope, work = TickScope(), Work()
    task = await begun(scope, work)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert work.ended_at is not None


async def test_a_call_has_a_clock_of_its_own():
    """While it runs the tick's stands; its own limit, with its tries, ends it."""
    scope, work = TickScope(), Work()
    task = await begun(scope, work, most_s=0.1)
    assert not scope.is_over_time(time.perf_counter() + 1_000, 1.0, None)
    assert "longer than 0.1 s" in (await task).error
    scope.ticking = True
    assert scope.waited_s >= 0.05
    assert scope.is_over_time(scope.began + scope.waited_s + 2, 1.0, None)
    assert not scope.is_over_time(scope.began + scope.waited_s + 0.5, 1.0, None)


def test_the_limit_counts_the_tries_of_what_may_be_tried_again():
    """A call that is not idempotent has one."""
    assert limit_s(Policy(timeout_s=30, attempts=3)) == 35
    assert limit_s(Policy(timeout_s=30, attempts=3, idempotent=True)) == 135
