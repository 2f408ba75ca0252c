"""Telling failures apart: an agent's own, those of something shared, the end of a task."""

import asyncio

_CHAIN = 20  # causes of causes that are looked at


def is_own_end(error: BaseException) -> bool:
    """True if the running task itself is to end, not only what an agent's code did in it.

    An agent that awaits something cancelled, or calls exit(), ends no session and no worker.
    """
    if isinstance(error, asyncio.CancelledError):
        task = asyncio.current_task()
        return task is not None and task.cancelling() > 0
    return isinstance(error, KeyboardInterrupt | GeneratorExit)


def describe(error: BaseException) -> str:
    """The error on record: bounded, and text that any table can hold.

    One that says what is away is a sentence for a person; of any other the type tells most.
    """
    said = f"{error}" if getattr(error, "waits_for", None) else f"{type(error).__name__}: {error}"
    return said[:2_000].encode("utf-8", "replace").decode()


class SlowModelError(TimeoutError):
    """The tick took too long, most of it in one call of a model."""

    waits_for = "model"


def away_in(error: BaseException) -> BaseException | None:
    """The error that says what is away and shared with others (`waits_for`); None: its own fault.

    Agents may have wrapped it. Of a group each part must say so: any other is a fault of its own.
    """
    for _ in range(_CHAIN):
        if getattr(error, "waits_for", None):
            return error
        if isinstance(error, BaseExceptionGroup):
            found = [away_in(part) for part in error.exceptions]
            return found[0] if all(found) else None
        following = error.__cause__ or error.__context__
        if following is None:
            return None
        error = following
    return None
