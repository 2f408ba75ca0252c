"""Calls from code that has no loop: they run on one loop of the process, in a thread of its own.

One loop for all of them, so that rates and breakers hold from call to call; a thread that lasts,
since a sandbox ends with the thread that started it.
"""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from functools import cache
from typing import Any, TypeVar

T = TypeVar("T")


@cache
def _loop() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="tools", daemon=True).start()
    return loop


def wait_for(name: str, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """The result of the work. Interrupted, the work is cancelled.

    `name` is that of the function which waits. Raises: RuntimeError in the thread of a running
    loop, which would stand still.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        pass
    else:
        verb = name.rsplit(".", 1)[-1]
        raise RuntimeError(
            f"{name}() would hold up the loop that runs in this thread; use `await "
            f"{name.removesuffix(verb)}a{verb}(…)`, or call it in another thread"
        )
    future = asyncio.run_coroutine_threadsafe(work(), _loop())
    try:
        return future.result()
    except BaseException:
        future.cancel()
        raise
