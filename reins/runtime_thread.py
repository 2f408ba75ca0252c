"""A runtime on a loop in a thread of its own, beside the web."""

import asyncio
import threading
from concurrent.futures import Future

from agents import Runtime
from reins import event_loop

_THREAD_END_S = 2.0
"""The thread is left to itself after this long: only a tick that swallowed its end holds it."""


class RuntimeThread:
    """Starts a runtime once, and not after a stop; a second stop does nothing."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._stop_asked: Future[None] = Future()
        self._stopped = threading.Event()

    def start(self) -> None:
        """Return when the runtime runs, or raise as its start does.

        Raises RuntimeError at a second start, and at one after a stop.
        """
        started: Future[None] = Future()
        with self._lock:
            if self._thread is not None or self._stop_asked.done():
                raise RuntimeError("the runtime was started twice or stopped; make a new one")
            self._thread = threading.Thread(
                target=lambda: event_loop.run(self._live(started)), name="agents", daemon=True
            )
            self._thread.start()
        started.result()

    def stop(self) -> None:
        """Stop, from any other thread, also during the start; returns when all is on disk."""
        with self._lock:
            if not self._stop_asked.done():
                self._stop_asked.set_result(None)
        if self._thread is not None:
            self._stopped.wait()
            self._thread.join(_THREAD_END_S)

    def __enter__(self) -> Runtime:
        self.start()
        return self.runtime

    def __exit__(self, *_: object) -> None:
        self.stop()

    async def _live(self, started: "Future[None]") -> None:
        try:
            await self.runtime.start()
            started.set_result(None)
            await asyncio.wrap_future(self._stop_asked)
            await self.runtime.stop()
        except BaseException as error:
            if started.done():
                raise
            started.set_exception(error)  # raised where start waits
        finally:
            self._stopped.set()
