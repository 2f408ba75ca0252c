"""The steps of a shutdown: none keeps another from running, by failing nor by being late."""

import asyncio
import threading

import pytest
import structlog

from reins.shutdown import AsyncShutdown, Shutdown

NAMES = ["first", "second", "third"]


def fails():
    raise AttributeError("'NoneType' object has no attribute 'join'")


async def fails_async():
    fails()


@pytest.mark.parametrize("bad", NAMES)
def test_a_step_that_fails_is_one_line_and_the_others_run(bad):
    """In reverse, whichever of them fails; nothing is raised."""
    done, ending = [], Shutdown()
    for name in NAMES:
        ending.add(name, fails if name == bad else lambda name=name: done.append(name))
    with structlog.testing.capture_logs() as said:
        ending.run()
        ending.run()
    assert done == [name for name in reversed(NAMES) if name != bad]
    [line] = said
    assert (line["log_level"], line["step"]) == ("error", bad)
    assert line["error"].startswith("AttributeError: 'NoneType'")
    assert ending.left_behind == []


def test_a_step_that_is_late_is_left_behind():
    """The others run, and whoever asked is told which one still does."""
    done, ending, go = [], Shutdown(), threading.Event()
    ending.add("after", lambda: done.append("after"))
    ending.add("late", go.wait, limit_s=0.01)
    with structlog.testing.capture_logs() as said:
        ending.run()
    go.set()
    assert done == ["after"]
    assert ending.left_behind == ["late"]
    assert [(line["step"], line["limit_s"]) for line in said] == [("late", 0.01)]


def test_without_threads_to_be_had_the_steps_run_all_the_same(monkeypatch):
    """A process at its limit of threads stops too."""
    done, ending = [], Shutdown()
    ending.add("one", lambda: done.append("one"))

    def refused(_thread):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refused)
    ending.run()
    assert done == ["one"]


@pytest.mark.parametrize("bad", NAMES)
async def test_a_step_on_a_loop_that_fails(bad):
    """The same on an event loop."""
    done, ending = [], AsyncShutdown()

    async def works(name):
        done.append(name)

    for name in NAMES:
        ending.add(name, fails_async if name == bad else lambda name=name: works(name))
    with structlog.testing.capture_logs() as said:
        await ending.run()
        await ending.run()
    assert done == [name for name in reversed(NAMES) if name != bad]
    assert [line["step"] for line in said] == [bad]


async def test_a_step_on_a_loop_that_swallows_its_end():
    """It is not waited for; the loop's owner is told, so that it does not wait either."""
    done, ending, go = [], AsyncShutdown(), asyncio.Event()

    async def swallows():
        while not go.is_set():
            try:
                await go.wait()
            except asyncio.CancelledError:
                done.append("cancelled")

    async def after():
        done.append("after")

    ending.add("after", after)
    ending.add("late", swallows, limit_s=0.01)
    await ending.run()
    assert "after" in done
    assert ending.left_behind == ["late"]
    go.set()


async def test_a_stop_that_is_cancelled_runs_its_steps():
    """Whoever cancels gets its cancellation, once all the steps were run."""
    done, ending, begun = [], AsyncShutdown(), asyncio.Event()

    async def waits():
        begun.set()
        await asyncio.Event().wait()

    async def after():
        done.append("after")

    ending.add("after", after)
    ending.add("waits", waits)
    stopping = asyncio.ensure_future(ending.run())
    await begun.wait()
    stopping.cancel()
    with pytest.raises(asyncio.CancelledError):
        await stopping
    assert done == ["after"]
