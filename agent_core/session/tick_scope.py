"""The scope of an agent's own work: a tick, or the taking in of guidance, which may be aborted."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal, TypeAlias

Abort: TypeAlias = Literal["guidance", "news", "stop", "pause", "timeout", "slow model"]


class TickScope:
    """Times the work of one session and ends it from outside, at its next await.

    Waiting in line for a model counts as no work. **Units**: seconds of `time.perf_counter`.
    """

    __slots__ = (
        "_aborts", "_stands_since", "_task", "began", "guide_limit", "pieces", "ticking",
        "waited_s",
    )  # fmt: skip

    def __init__(self) -> None:
        self.ticking = False
        self.pieces = 0
        """Of work between ticks, that run now."""
        self.began = 0.0
        self.waited_s = 0.0
        self.guide_limit: asyncio.Timeout | None = None
        self._stands_since: float | None = None
        self._aborts: list[Abort] | None = None
        self._task: asyncio.Task[object] | None = None

    @property
    def busy(self) -> bool:
        """The agent's own code runs, so that a pause or an end has to wait for a safe point."""
        return self.ticking or self.guide_limit is not None or self.pieces > 0

    # -- a tick

    def begin(self, now: float, task: "asyncio.Task[object] | None") -> None:
        """A tick begins in `task`, which an abort cancels; None where nobody may abort it."""
        self.began = now
        self.waited_s = 0.0
        self._stands_since = None
        self._aborts = None
        self._task = task
        self.ticking = True

    def end(self) -> Abort | None:
        """End the tick; gives why it was aborted last. Other cancellations of the task remain."""
        self.ticking = False
        task, self._task = self._task, None
        if self._aborts is None or task is None:
            return None
        for _ in self._aborts:
            task.uncancel()
        return self._aborts[-1]

    def abort(self, why: Abort) -> None:
        """End the tick at its next await, and nothing around it; never called from the tick.

        As asyncio.timeout does it, without a timer for each tick. A tick that swallows its
        cancellation is cancelled once more for each further reason.
        """
        if self.ticking and self._task is not None and why not in (self._aborts or ()):
            self._aborts = [*(self._aborts or ()), why]
            self._task.cancel()

    @property
    def aborted(self) -> Abort | None:
        """The reason for which the tick in flight was aborted last.

        None where it was not, and where the task itself is to end.
        """
        if self._aborts is None or self._task is None:
            return None
        return self._aborts[-1] if self._task.cancelling() <= len(self._aborts) else None

    @contextmanager
    def own_limit(self) -> Iterator[None]:
        """Within, the tick does what has a time limit of its own: the tick's clock stands."""
        self._stands_since = since = time.perf_counter()
        try:
            yield
        finally:
            self._stands_since = None
            self.add_wait(since)

    def add_wait(self, since: float) -> None:
        """Time in line since `since` is over; what of it was before the tick does not count."""
        self.waited_s += max(0.0, time.perf_counter() - max(since, self.began))

    def is_over_time(self, now: float, limit_s: float, waits_since: float | None) -> bool:
        """True if the tick works longer than it may; `waits_since`: it waits in line since then."""
        if not self.ticking or self._stands_since is not None:
            return False
        waits_s = 0.0 if waits_since is None else now - max(waits_since, self.began)
        return now - self.began - self.waited_s - waits_s > limit_s

    # -- the taking in of guidance

    def abort_guidance(self) -> None:
        """End the taking in of guidance at its next await."""
        if self.guide_limit is not None and not self.guide_limit.expired():
            self.guide_limit.reschedule(asyncio.get_running_loop().time())

    def stop_guide_clock(self) -> float | None:
        """Let the time limit of guidance wait; gives what is left of it, None where none runs."""
        limit = self.guide_limit
        when = None if limit is None or limit.expired() else limit.when()
        now = asyncio.get_running_loop().time()
        if limit is None or when is None or when <= now:  # an end that was set stays
            return None
        limit.reschedule(None)
        return when - now

    def start_guide_clock(self, left_s: float) -> None:
        """Let it run again, unless the guidance was given up or is over."""
        limit = self.guide_limit
        if limit is not None and not limit.expired() and limit.when() is None:
            limit.reschedule(asyncio.get_running_loop().time() + left_s)
