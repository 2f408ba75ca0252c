"""The contract of loops: start, rounds, wake, failure and stop, in a thread and in a task."""

import asyncio
import contextlib
import threading

import pytest

from reins import loops
from reins.loops import TaskLoop, ThreadLoop
from tests.support.waiting import until, until_async

ROUNDS = 100


class Counting(ThreadLoop):
    """Counts its rounds; fails in those that it is told to."""

    def __init__(self, *, delay_s=None, fails=(), first_delay_s=0.0):
        super().__init__("counting", first_delay_s=first_delay_s)
        self.delay_s, self.fails = delay_s, set(fails)
        self.rounds = self.finished = 0
        self.inside = lambda: None

    def run_once(self):
        self.rounds += 1
        self.inside()
        if self.rounds in self.fails:
            raise ValueError("as told")
        return self.delay_s

    def finish(self):
        self.finished += 1


class CountingTask(TaskLoop):
    """The same in a task."""

    def __init__(self, *, delay_s=None, fails=(), first_delay_s=0.0):
        super().__init__("counting", first_delay_s=first_delay_s)
        self.delay_s, self.fails = delay_s, set(fails)
        self.rounds = 0
        self.inside = None

    async def run_once(self):
        self.rounds += 1
        if self.inside is not None:
            await self.inside()
        if self.rounds in self.fails:
            raise ValueError("as told")
        return self.delay_s


def names():
    return [thread.name for thread in threading.enumerate()]


def test_a_thread_loop_runs_is_named_and_ends():
    loop = Counting()
    loop.start()
    until(lambda: loop.rounds == 1, "the first round")
    assert "counting" in names()
    loop.stop()
    assert (loop.rounds, loop.finished, loop.stopping) == (1, 1, True)
    assert "counting" not in names()


def test_a_thread_loop_is_started_once_and_stopped_as_often_as_one_likes():
    loop = Counting()
    loop.stop()
    loop.start()
    with pytest.raises(RuntimeError, match="counting was started twice; make a new one"):
        loop.start()
    loop.stop()
    loop.stop()
    with pytest.raises(RuntimeError, match="twice"):
        loop.start()
    assert loop.finished == 1


def test_a_wake_ends_the_wait_of_a_thread_loop_also_one_that_comes_during_a_round():
    loop = Counting()
    loop.inside = lambda: loop.rounds == 2 and loop.wake()
    loop.start()
    until(lambda: loop.rounds == 1, "the first round")
    loop.wake()
    until(lambda: loop.rounds == 3, "the round of the wake within the round")
    loop.stop()
    assert loop.rounds == 3


def test_a_thread_loop_goes_on_after_a_failure(monkeypatch):
    monkeypatch.setattr(loops, "RETRY_S", 0.001)
    loop = Counting(delay_s=0, fails={1, 2})
    loop.start()
    until(lambda: loop.rounds > 3, "rounds after the failures")
    loop.stop()


def test_a_wake_does_not_shorten_the_delay_after_a_failure_but_a_stop_does(monkeypatch):
    monkeypatch.setattr(loops, "RETRY_S", 60.0)
    loop = Counting(fails={1})
    loop.start()
    until(lambda: loop.rounds == 1, "the failure")
    loop.wake()
    loop.stop()
    assert loop.rounds == 1


def test_a_thread_loop_with_a_first_delay_waits_for_it_or_a_wake():
    loop = Counting(first_delay_s=60.0)
    loop.start()
    loop.wake()
    until(lambda: loop.rounds == 1, "the round of the wake")
    loop.stop()


def test_a_thread_loop_may_stop_itself():
    loop = Counting(delay_s=0)
    loop.inside = loop.stop
    loop.start()
    until(lambda: loop.finished == 1, "its end")
    assert loop.rounds == 1


def test_a_failure_that_is_not_borne_ends_the_thread_and_finishes(monkeypatch):
    loop = Counting(fails={1})

    def failed(error):
        raise error

    monkeypatch.setattr(loop, "failed", failed)
    loop.start()
    until(lambda: loop.finished == 1, "its end")
    loop.stop()
    assert loop.rounds == 1


def test_many_threads_start_wake_and_stop_one_loop():
    """One of the starts wins, no stop hangs, and nothing is left."""
    for _ in range(ROUNDS):
        loop, won, together = Counting(delay_s=0.001), [], threading.Barrier(6)

        def start(loop=loop, won=won, together=together):
            together.wait()
            with contextlib.suppress(RuntimeError):
                loop.start()
                won.append(loop)

        def stop(loop=loop, together=together):
            together.wait()
            loop.wake()
            loop.stop()

        threads = [threading.Thread(target=work) for work in (start, stop) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        loop.stop()
        assert len(won) == 1
        assert loop.finished == 1
    assert "counting" not in names()


async def test_a_task_loop_runs_is_named_and_ends():
    loop = CountingTask()
    loop.start()
    await until_async(lambda: loop.rounds == 1, "the first round")
    assert "counting" in {task.get_name() for task in asyncio.all_tasks()}
    await loop.stop()
    assert (loop.rounds, loop.stopping) == (1, True)
    assert "counting" not in {task.get_name() for task in asyncio.all_tasks()}


async def test_a_task_loop_is_started_once_and_stopped_as_often_as_one_likes():
    loop = CountingTask()
    await loop.stop()
    loop.start()
    with pytest.raises(RuntimeError, match="counting was started twice; make a new one"):
        loop.start()
    await asyncio.gather(loop.stop(), loop.stop())
    await loop.stop()
    with pytest.raises(RuntimeError, match="twice"):
        loop.start()


async def test_a_wake_ends_the_wait_of_a_task_loop():
    loop = CountingTask()
    loop.start()
    await until_async(lambda: loop.rounds == 1, "the first round")
    loop.wake()
    await until_async(lambda: loop.rounds == 2, "the round of the wake")
    await loop.stop()


async def test_a_task_loop_goes_on_after_a_failure(monkeypatch):
    monkeypatch.setattr(loops, "RETRY_S", 0.001)
    loop = CountingTask(delay_s=0, fails={1, 2})
    loop.start()
    await until_async(lambda: loop.rounds > 3, "rounds after the failures")
    await loop.stop()


async def test_a_stop_cancels_the_round_of_a_task_loop():
    loop, never = CountingTask(), asyncio.Event()
    loop.inside = never.wait
    loop.start()
    await until_async(lambda: loop.rounds == 1, "the round")
    await loop.stop()
    assert loop.rounds == 1


async def test_a_task_loop_may_stop_itself():
    loop = CountingTask(delay_s=0)
    loop.inside = loop.stop
    loop.start()
    task = next(task for task in asyncio.all_tasks() if task.get_name() == "counting")
    await asyncio.wait_for(task, 10)
    assert loop.rounds == 1


async def test_many_starts_and_stops_of_task_loops_leave_nothing():
    for turn in range(ROUNDS):
        loop = CountingTask(delay_s=0.0001 if turn % 2 else 0, fails={2})
        loop.start()
        for _ in range(turn % 4):
            await asyncio.sleep(0)
        await asyncio.gather(loop.stop(), loop.stop())
    assert "counting" not in {task.get_name() for task in asyncio.all_tasks()}
