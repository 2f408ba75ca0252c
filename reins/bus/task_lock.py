"""A lock that its holder may take again: a tick may publish several messages to one topic."""

import asyncio
from typing import Any


class TaskLock:
    """One task at a time, in the order of asking; that task as often as it likes."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._holder: asyncio.Task[Any] | None = None
        self._depth = 0

    @property
    def taken(self) -> bool:
        return self._depth > 0

    @property
    def is_outermost(self) -> bool:
        """True where the next `async with` that is left gives it back."""
        return self._depth == 1

    async def __aenter__(self) -> None:
        task = asyncio.current_task()
        if self._holder is not task or task is None:
            await self._lock.acquire()
            self._holder = task
        self._depth += 1

    async def __aexit__(self, *_: object) -> None:
        self._depth -= 1
        if not self._depth:
            self._holder = None
            self._lock.release()
