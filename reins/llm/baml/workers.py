"""The futures that BAML's worker threads still hold, and an exit that waits for them.

A worker takes the GIL once more when a call has ended or was cancelled. An interpreter that
finalises in that moment aborts (measured: up to two exits in five).
"""

import asyncio
import atexit
import time
import weakref
from typing import Any

EXIT_GRACE_S = 0.05
EXIT_LIMIT_S = 1.0

_held: "weakref.WeakSet[asyncio.Future[Any]]" = weakref.WeakSet()


def watched(call: Any) -> "asyncio.Future[Any]":
    """A call of BAML's as a future, which an exit waits for while a worker holds it."""
    future: asyncio.Future[Any] = asyncio.ensure_future(call)
    _held.add(future)
    return future


def wait_at_exit() -> None:
    """Let the workers end before the interpreter does. The newest call has its place in the order
    of exits: what was registered before it runs after it.
    """
    atexit.unregister(_wait)
    atexit.register(_wait)


def _wait() -> None:
    limit = time.monotonic() + EXIT_LIMIT_S
    while _held and time.monotonic() < limit:
        time.sleep(EXIT_GRACE_S / 10)
    time.sleep(EXIT_GRACE_S)
