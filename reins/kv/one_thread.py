"""Steps that wait for a disk, off the event loop and one after the other."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from reins.kv.errors import KVError

T = TypeVar("T")


class OneThread:
    """A thread for the steps of one store, made for the first one.

    A step that has begun is not ended by the cancelling of who waits for it. After `close` no step
    is taken; a second `close` does nothing.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._pool = ThreadPoolExecutor(1, thread_name_prefix=f"kv-{name}")
        self._closed = False

    async def run(self, step: Callable[..., T], *given: Any) -> T:
        if self._closed:
            raise KVError(f"this {self._name} store was closed; open another")
        return await asyncio.get_running_loop().run_in_executor(self._pool, step, *given)

    async def close(self, last: Callable[[], object]) -> None:
        """Take the last step, and end the thread."""
        if self._closed:
            return
        self._closed = True
        try:
            await asyncio.get_running_loop().run_in_executor(self._pool, last)
        finally:
            self._pool.shutdown(wait=False)
