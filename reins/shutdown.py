"""The steps of a shutdown: each runs whatever became of the others, within a limit of its own.

A step that fails, or takes longer than its limit, is one line of the log; the next one runs. Steps
run in reverse, as they were begun: what was begun last ends first.
"""

import asyncio
import contextlib
import faulthandler
import os
import sys
import threading
from collections.abc import Awaitable, Callable

import structlog

_logger = structlog.get_logger(__name__)

STEP_S = 10.0
"""Seconds that a step may take, unless it says otherwise."""
_END_S = 10.0
"""Seconds in which a process that is done ends by itself."""


def end_process(*, at_once: bool) -> None:
    """End the process with exit code 0, also where a thread holds it, for which Python would wait.

    For an entry point whose work is done: what is acknowledged is on disk. `at_once`: something is
    known to be left behind. Else the process has some seconds to end by itself; after them the log
    says where each thread stands.
    """
    if at_once:
        sys.stderr.flush()
        os._exit(0)

    def end() -> None:
        _logger.error("the process did not end by itself", after_s=_END_S)
        sys.stderr.flush()
        faulthandler.dump_traceback(sys.stderr.fileno(), all_threads=True)
        os._exit(0)

    last = threading.Timer(_END_S, end)
    last.daemon = True
    with contextlib.suppress(RuntimeError):  # no thread is to be had: it waits, as it did before
        last.start()


class Shutdown:
    """The steps of a stop on one thread. A second `run` does nothing."""

    def __init__(self) -> None:
        self._steps = contextlib.ExitStack()
        self.left_behind: list[str] = []
        """Names of the steps that took too long; their threads still run."""

    def add(self, name: str, step: Callable[[], object], *, limit_s: float = STEP_S) -> None:
        """`step` ends what was just begun; it runs in a thread, which is left to itself if late."""
        self._steps.callback(self._run, name, step, limit_s)

    def run(self) -> None:
        self._steps.close()

    def _run(self, name: str, step: Callable[[], object], limit_s: float) -> None:
        def reported() -> None:
            try:
                step()
            except Exception as error:  # noqa: BLE001 - the boundary of a step: the next one runs
                _failed(name, error)

        thread = threading.Thread(target=reported, name=f"stop of {name}", daemon=True)
        try:
            thread.start()
        except RuntimeError:  # no thread is to be had: without a limit then
            reported()
            return
        thread.join(limit_s)
        if thread.is_alive():
            self.left_behind.append(name)
            _late(name, limit_s)


class AsyncShutdown:
    """The steps of a stop on an event loop. A second `run` does nothing."""

    def __init__(self) -> None:
        self._steps = contextlib.AsyncExitStack()
        self.left_behind: list[str] = []
        """Names of the steps that took too long; the loop would wait for them for ever."""

    def add(
        self, name: str, step: Callable[[], Awaitable[object]], *, limit_s: float = STEP_S
    ) -> None:
        """`step` ends what was just begun; it is cancelled, and not waited for, if it is late."""
        self._steps.push_async_callback(self._run, name, step, limit_s)

    async def run(self) -> None:
        await self._steps.aclose()

    async def _run(self, name: str, step: Callable[[], Awaitable[object]], limit_s: float) -> None:
        task = asyncio.get_running_loop().create_task(_reported(name, step))
        try:
            await asyncio.wait([task], timeout=limit_s)
        finally:
            if not task.done():
                task.cancel()
                self.left_behind.append(name)
                _late(name, limit_s)


async def _reported(name: str, step: Callable[[], Awaitable[object]]) -> None:
    try:
        await step()
    except Exception as error:  # noqa: BLE001 - the boundary of a step: the next one runs
        _failed(name, error)


def _failed(name: str, error: Exception) -> None:
    said = f"{type(error).__name__}: {error}"[:500]
    _logger.error("a step of the shutdown failed; the others run", step=name, error=said)


def _late(name: str, limit_s: float) -> None:
    _logger.error("a step of the shutdown took too long", step=name, limit_s=limit_s)
