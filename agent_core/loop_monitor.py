"""Measures how late the loop is, and names what held it."""

import asyncio
import sys
import threading
import time
import traceback
from collections import deque

import structlog

_log = structlog.get_logger(__name__)

EVERY_S = 0.25
HELD_S = 0.5
"""A loop that does not answer for this long is reported, with the line it stands at."""
_KEPT = 2_400  # samples: ten minutes


class Watchdog:
    """A thread that asks the loop for a sign of life.

    Starts once, on the loop that it watches. `stop` ends the thread; a second stop does nothing.
    """

    def __init__(self) -> None:
        self.lags_ms: deque[float] = deque(maxlen=_KEPT)
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        if self._thread is not None:
            raise RuntimeError("the watchdog was started twice; make a new one")
        self._thread = threading.Thread(
            target=self._run,
            args=(asyncio.get_running_loop(), threading.get_ident()),
            name="watchdog",
            daemon=True,
        )
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()

    def percentile_ms(self, share: float) -> float:
        """The lag that `share` of the last ten minutes' samples stayed under; 0 without any."""
        lags = sorted(self.lags_ms)
        return lags[min(len(lags) - 1, int(len(lags) * share))] if lags else 0.0

    def _run(self, loop: asyncio.AbstractEventLoop, thread_id: int) -> None:
        while not self._stopping.wait(EVERY_S):
            answered = threading.Event()
            asked = time.perf_counter()
            try:
                loop.call_soon_threadsafe(answered.set)
            except RuntimeError:
                return  # the loop has ended
            if not answered.wait(HELD_S):
                # Said at once: it may be held for good.
                _log.warning("the loop is held", at=_where(thread_id))
                while not answered.wait(HELD_S):
                    if loop.is_closed() or self._stopping.is_set():
                        return
                held_s = round(time.perf_counter() - asked, 2)
                _log.warning("the loop goes on", held_s=held_s)
            self.lags_ms.append((time.perf_counter() - asked) * 1_000)


def _where(thread_id: int) -> str:
    frame = sys._current_frames().get(thread_id)  # noqa: SLF001 - the documented way to see it
    if frame is None:
        return "unknown"
    last = traceback.extract_stack(frame)[-3:]
    return " > ".join(f"{part.filename}:{part.lineno} {part.name}" for part in last)
