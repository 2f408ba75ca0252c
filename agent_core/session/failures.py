"""Telling an agent's failure from the end of the task that runs it."""

import asyncio


def is_own_end(error: BaseException) -> bool:
    """True if the running task itself is to end, not only what an agent's code did in it.

    An agent that awaits something cancelled, or calls exit(), ends no session and no worker.
    """
    if isinstance(error, asyncio.CancelledError):
        task = asyncio.current_task()
        return task is not None and task.cancelling() > 0
    return isinstance(error, KeyboardInterrupt | GeneratorExit)


def describe(error: BaseException) -> str:
    """The error on record: bounded, and text that any table can hold."""
    return f"{type(error).__name__}: {error}"[:2_000].encode("utf-8", "replace").decode()
