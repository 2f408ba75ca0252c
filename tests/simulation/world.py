"""The world of one seed: processes and their threads, one clock, and one scheduler.

A thread of the simulation is a greenlet. It gives way only where it would block (a lock, an event,
a queue, a sleep, an operation on the disk); who goes on is drawn. Time passes when nobody can go
on, so a minute takes milliseconds, and the same seed gives the same run.
"""

import gc
import hashlib
import heapq
import itertools
import random
from asyncio import events
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import greenlet

EPOCH_S = 1_800_000_000
_STEP_S = 2e-6
_MAX_STEPS = 60_000  # typical are 2,000
_STALLED = 0.004
"""How often a thread that could go on is kept waiting, as a busy machine does it."""


class Killed(BaseException):
    """The process of this thread has ended; nothing that it does counts any more."""


class StuckError(AssertionError):
    """Nothing can go on, or it goes on for ever."""


@dataclass(eq=False)
class Process:
    """A process of the simulation; `skew_s` is how far its clock is off, `off_s` for a moment."""

    world: "World"
    name: str
    skew_s: float = 0.0
    off_s: float = 0.0
    alive: bool = True
    threads: list["Thread"] = field(default_factory=list)
    loop: Any = None
    last_us: int = 0

    def stamp_us(self) -> int:
        """Increasing microseconds, as `agent_core.actions.action` makes them."""
        now_us = int(self.world.time(self) * 1e6)
        ahead = self.last_us > now_us + 1_000_000
        self.last_us = now_us if ahead else max(self.last_us + 1, now_us)
        return self.last_us


class Thread:
    """One thread of a process."""

    def __init__(self, process: Process, name: str, work: Callable[[], object]) -> None:
        self.process, self.name, self.work = process, name, work
        self.number = next(process.world.numbers)
        self.done = self.waiting = self.woken = False
        self.ticket = 0
        self.joining: list[Thread] = []
        self.loop: Any = None
        self.locals: Any = None
        self.greenlet = greenlet.greenlet(self._run, parent=process.world.hub)

    def _run(self) -> None:
        world = self.process.world
        try:
            self.work()
        except Killed:
            pass
        except BaseException as error:  # noqa: BLE001 - told by the run
            if self.process.alive:
                world.errors.append(error)
        finally:
            self.done = True
            for thread in self.joining:
                world.wake(thread)


class World:
    """Everything that a seed decides is drawn from `random`, in an order that it decides too."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.random = random.Random(seed)
        self.now = 0.0
        self.steps = 0
        self.numbers = itertools.count(1)
        self.errors: list[BaseException] = []
        self.current: Thread | None = None
        self.trace: list[str] = []
        self.disk: Any = None
        self.busy: Callable[[str], None] = lambda _what: None
        """Called at each operation on the disk: what may go wrong goes wrong there."""
        self._digest = hashlib.sha256()
        self._ready: list[Thread] = []
        self._timers: list[tuple[float, int, Any, int]] = []
        self._asked: list[Callable[[], None]] = []
        self.hub = greenlet.getcurrent()

    # -- what is told of a run

    def note(self, *what: object) -> None:
        line = f"{self.now:.6f} {' '.join(map(str, what))}"
        self._digest.update(line.encode())
        self.trace.append(line)

    @property
    def digest(self) -> str:
        return self._digest.hexdigest()

    # -- time

    def time(self, process: Process | None = None) -> float:
        """Seconds since 1970 by the clock of the process that asks."""
        process = process or (self.current and self.current.process)
        return EPOCH_S + self.now + (process.skew_s + process.off_s if process else 0.0)

    def after(self, delay_s: float, call: Callable[[], None]) -> None:
        """Call, outside of all threads, when so much time has passed."""
        heapq.heappush(self._timers, (self.now + delay_s, next(self.numbers), call, 0))

    # -- threads

    def process(self, name: str, skew_s: float = 0.0) -> Process:
        return Process(self, name, skew_s)

    def spawn(self, process: Process, name: str, work: Callable[[], object]) -> Thread:
        thread = Thread(process, name, work)
        process.threads.append(thread)
        self._ready.append(thread)
        return thread

    def block(self, until: float | None = None) -> bool:
        """Give way until woken, True, or until that time."""
        thread = self.here()
        thread.ticket += 1
        thread.waiting, thread.woken = True, False
        if until is not None:
            heapq.heappush(self._timers, (until, next(self.numbers), thread, thread.ticket))
        self.hub.switch()
        self.here()
        return thread.woken

    def give_way(self) -> None:
        self._ready.append(self.here())
        self.hub.switch()
        self.here()

    def sleep(self, seconds: float) -> None:
        until = self.now + seconds
        self.give_way()
        while self.now < until:
            self.block(until)

    def operation(self, what: str) -> None:
        """Something on the disk: it takes a while, and may be the moment of a crash."""
        self.here()
        self.sleep(self.takes_s())
        self.busy(what)

    def takes_s(self) -> float:
        if self.random.random() < 0.01:
            return self.random.uniform(0.05, 1.5)
        return 10 ** self.random.uniform(-4, -2)

    def here(self) -> Thread:
        thread = self.current
        assert thread is not None, "only a thread of the simulation may block"
        if not thread.process.alive:
            raise Killed
        return thread

    def wake(self, thread: Thread) -> None:
        if thread.waiting and not thread.done:
            thread.waiting, thread.woken = False, True
            self._ready.append(thread)

    def join(self, thread: Thread, timeout_s: float | None = None) -> None:
        until = None if timeout_s is None else self.now + timeout_s
        while not thread.done and (until is None or self.now < until):
            thread.joining.append(self.here())
            self.block(until)

    # -- ends

    def ask(self, what: Callable[[], None]) -> None:
        """Do it outside of all threads, before any of them goes on."""
        self._asked.append(what)
        self.give_way()

    def kill(self, process: Process) -> None:
        """End a process at once, wherever its threads are."""
        process.alive = False
        for thread in process.threads:
            thread.waiting = False
            for _ in range(50):  # some swallow what they do not expect
                if thread.done or not thread.greenlet:  # not begun either
                    break
                self._go_on(thread, Killed)
            thread.done = True
        self._ready = [thread for thread in self._ready if thread.process.alive]
        if process.loop is not None:
            process.loop.abandon()
        process.threads.clear()

    # -- the scheduler

    def run(self, until: Callable[[], bool]) -> None:
        """Let the threads go on until `until`. Raises: StuckError, or what a thread raised."""
        collects = gc.isenabled()
        gc.disable()  # its moments are not drawn, and weak references would see them
        try:
            for self.steps in range(_MAX_STEPS):
                while self._asked:
                    self._asked.pop(0)()
                if self.errors:
                    raise self.errors[0]
                if until():
                    return
                self._step()
        finally:
            if collects:
                gc.enable()
        raise StuckError(f"still not done after {_MAX_STEPS} steps, at {self.now:.1f} s")

    def _step(self) -> None:
        while self._timers and (self._timers[0][0] <= self.now or not self._ready):
            when, _, due, ticket = heapq.heappop(self._timers)
            if isinstance(due, Thread):
                if not due.waiting or due.ticket != ticket or due.done:
                    continue
                due.waiting = False
                self._ready.append(due)
                self.now = max(self.now, when)
            else:
                self.now = max(self.now, when)
                due()
                return
        if not self._ready:
            raise StuckError(f"nothing can go on at {self.now:.1f} s")
        self.now += _STEP_S
        thread = self._ready.pop(self.random.randrange(len(self._ready)))
        if self.random.random() < _STALLED:
            thread.waiting = True
            thread.ticket += 1
            until = self.now + self.random.expovariate(20)
            heapq.heappush(self._timers, (until, next(self.numbers), thread, thread.ticket))
            return
        self._go_on(thread)

    def _go_on(self, thread: Thread, error: type[BaseException] | None = None) -> None:
        self.current = thread
        events._set_running_loop(thread.loop)
        try:
            if error is None:
                thread.greenlet.switch()
            else:
                thread.greenlet.throw(error)
        finally:
            thread.loop = events._get_running_loop()
            events._set_running_loop(None)
            self.current = None
