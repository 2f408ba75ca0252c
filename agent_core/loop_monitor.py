"""The loop monitor: measures how late the loop is, and names what held it."""

import asyncio
import sys
import threading
import time
import traceback
from collections import deque
from statistics import median

import structlog

from reins.loops import ThreadLoop

_logger = structlog.get_logger(__name__)

EVERY_S = 0.25
HELD_S = 0.5
LAGS_MS = 20.0
"""A loop that does not answer for this long is reported, with the line it stands at."""
_KEPT = 2_400  # samples: ten minutes
_IDLE_MS = 2.0
_NEWEST = 8
"""Samples, whose median is above that only of a loop that is hardly ever idle."""


class LoopMonitor(ThreadLoop):
    """A thread that asks the loop for a sign of life.

    Starts once, on the loop that it watches. `stop` ends the thread after its round; a second stop
    does nothing.
    """

    def __init__(self) -> None:
        super().__init__("loop monitor", first_delay_s=EVERY_S)
        self.lags_ms: deque[float] = deque(maxlen=_KEPT)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread_id = 0

    def start(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._thread_id = threading.get_ident()
        super().start()

    def stop(self, timeout_s: float | None = 0.0) -> None:
        """Called on the loop that a round may be waiting for: it does not wait for the thread."""
        super().stop(timeout_s)

    def percentile_ms(self, share: float) -> float:
        """The lag that `share` of the last ten minutes' samples stayed under; 0 without any."""
        lags = sorted(self.lags_ms)
        return lags[min(len(lags) - 1, int(len(lags) * share))] if lags else 0.0

    def lags(self) -> bool:
        """True while the loop has more to do than it gets done at once, or no time to give away."""
        newest = [*self.lags_ms][-_NEWEST:]
        return bool(newest) and (newest[-1] > LAGS_MS or median(newest) > _IDLE_MS)

    def run_once(self) -> float | None:
        """Wait for one sign of life; ends the monitor once the loop has ended."""
        loop, answered = self._loop, threading.Event()
        asked = time.perf_counter()
        try:
            if loop is not None:
                loop.call_soon_threadsafe(answered.set)
        except RuntimeError:
            self.stop()
            return None
        if not answered.wait(HELD_S):
            # Said at once: it may be held for good.
            _logger.warning("the loop is held", at=_where(self._thread_id))
            while not answered.wait(HELD_S):
                if self.stopping or loop is None or loop.is_closed():
                    self.stop()
                    return None
            held_s = round(time.perf_counter() - asked, 2)
            _logger.warning("the loop goes on", held_s=held_s)
        self.lags_ms.append((time.perf_counter() - asked) * 1_000)
        return EVERY_S


def _where(thread_id: int) -> str:
    frame = sys._current_frames().get(thread_id)  # noqa: SLF001 - the documented way to see it
    if frame is None:
        return "unknown"
    last = traceback.extract_stack(frame)[-3:]
    return " > ".join(f"{part.filename}:{part.lineno} {part.name}" for part in last)
