"""One run of a tool within its time: the wait ends then, whatever the tool makes of it."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from reins.tools.outcome import ToolError

_GRACE_S = 5.0
"""Seconds in which what is cancelled may clean up; then nobody waits for it any more. More than a
sandbox may take that has to be ended by force, on a machine that is busy.
"""


class TimeLimitError(Exception):
    """The tool's time is over. `goes_on`: it has not ended all the same."""

    def __init__(self, *, goes_on: bool = False) -> None:
        super().__init__()
        self.goes_on = goes_on


async def limited(
    work: Callable[[], Awaitable[Any]],
    time_s: float,
    *,
    stoppable: bool,
    ended: Callable[[object], object],
) -> Any:
    """The result of the work. `ended` is called once it runs no more, which may be later.

    What is not `stoppable` goes on after the limit: a thread. Raises: TimeLimitError, ToolError,
    and what the work raises.
    """
    task = asyncio.ensure_future(_contained(work))
    task.add_done_callback(ended)
    try:
        await asyncio.wait((task,), timeout=time_s)
        if task.done():
            return _result(task)
        await _given_up(task, stoppable=stoppable)
    except asyncio.CancelledError:
        await _given_up(task, stoppable=stoppable)
        raise
    raise TimeLimitError(goes_on=not task.done())


async def _contained(work: Callable[[], Awaitable[Any]]) -> Any:
    """A tool that would end the process fails instead: a task passes SystemExit on to the loop."""
    try:
        return await work()
    except (Exception, asyncio.CancelledError):
        raise
    except BaseException as error:
        raise RuntimeError(f"{type(error).__name__} {error}".strip()) from error


def _result(task: "asyncio.Task[Any]") -> Any:
    if task.cancelled():
        raise ToolError("it was cancelled from within")
    return task.result()


async def _given_up(task: "asyncio.Task[Any]", *, stoppable: bool) -> None:
    if stoppable:
        task.cancel()
        await asyncio.wait((task,), timeout=_GRACE_S)
    task.add_done_callback(_forget)


def _forget(task: "asyncio.Task[Any]") -> None:
    """Nobody asks for its end any more; asyncio would log it as never retrieved."""
    if not task.cancelled():
        task.exception()
