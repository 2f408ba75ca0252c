"""Reads that come together: one query for all that ask while the one before it runs."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Generic, TypeVar

from reins.threads import READS

T = TypeVar("T")


class Together(Generic[T]):
    """Values by key. However many ask at once, one thread reads, and two queries serve them all.

    `read` gives what it finds of some keys; it runs in a thread. Lives on the worker's loop.
    """

    def __init__(self, read: Callable[[Sequence[str]], Mapping[str, T]]) -> None:
        self._read = read
        self._waiting: dict[str, asyncio.Future[T | None]] = {}
        self._reading: asyncio.Task[None] | None = None

    async def get(self, key: str) -> T | None:
        """The value, read after this call; None if there is none. Raises: what `read` raises."""
        future = self._waiting.get(key)
        if future is None:
            future = self._waiting[key] = asyncio.get_running_loop().create_future()
            future.add_done_callback(_looked_at)
        if self._reading is None:
            self._reading = asyncio.get_running_loop().create_task(
                self._read_all(), name="read together"
            )
        return await asyncio.shield(future)  # others may wait for it too

    async def _read_all(self) -> None:
        try:
            while self._waiting:
                asked, self._waiting = self._waiting, {}
                await self._read_some(asked)
        finally:
            self._reading = None

    async def _read_some(self, asked: Mapping[str, "asyncio.Future[T | None]"]) -> None:
        try:
            found = await READS.call(self._read, [*asked])
        except Exception as error:  # noqa: BLE001 - raised where it is waited for
            for future in asked.values():
                future.set_exception(error)
        except asyncio.CancelledError:
            for future in asked.values():
                future.cancel()
            raise
        else:
            for key, future in asked.items():
                future.set_result(found.get(key))


def _looked_at(future: "asyncio.Future[T | None]") -> None:
    """Nobody may be left who waits for it, and asyncio would log its error as never seen."""
    if not future.cancelled():
        future.exception()
