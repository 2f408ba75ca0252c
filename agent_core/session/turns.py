"""Turns: one at a time, in the order in which they were asked for."""

import asyncio
from collections import deque
from types import TracebackType


class Turns:
    """As asyncio.Lock, and free at once to whoever finds it so: a tick takes it without a wait."""

    __slots__ = ("_taken", "_waiting")

    def __init__(self) -> None:
        self._taken = False
        self._waiting: deque[asyncio.Future[None]] | None = None  # most sessions never have any

    def locked(self) -> bool:
        return self._taken

    def is_taken_now(self) -> bool:
        """Take the turn if nobody has it; False where `take` has to be awaited."""
        if self._taken:
            return False
        self._taken = True
        return True

    async def take(self) -> None:
        """Wait for the turn, and take it."""
        if self.is_taken_now():
            return
        if self._waiting is None:
            self._waiting = deque()
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.give()  # it was given all the same
            raise

    def give(self) -> None:
        """Give the turn to whoever has waited longest."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self._taken = False

    async def __aenter__(self) -> None:
        await self.take()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        self.give()
