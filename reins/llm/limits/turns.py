"""Turns on the loop: of a burst of calls so many go on in one pass, and the rest in those after it.

Without them 256 answers that come at once are read in one pass, and whatever else the loop serves
waits for all of them.
"""

import asyncio
from collections import deque
from collections.abc import Callable

MOST = 8


class Pass:
    """One pass of the loop after the other, each with room for so many; `opened` hears of the next.

    Only a pass of which something was taken is followed by another. Lives on one loop.
    """

    __slots__ = ("_left", "_most", "_opened")

    def __init__(self, opened: Callable[[], None], most: int = MOST) -> None:
        self._opened = opened
        self._most = self._left = most

    @property
    def is_full(self) -> bool:
        return not self._left

    def take(self) -> None:
        """Take a place in this pass; only where it is not full."""
        if self._left == self._most:
            asyncio.get_running_loop().call_soon(self._next)
        self._left -= 1

    def _next(self) -> None:
        self._left = self._most
        self._opened()


class Turns:
    """Waits for a turn, first come, first served; the first of a pass do not wait."""

    __slots__ = ("_pass", "_waiting")

    def __init__(self) -> None:
        self._pass = Pass(self._wake)
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def take(self) -> None:
        """Go on at once, or in a pass that follows. A cancelled wait leaves nothing behind."""
        if not self._waiting and not self._pass.is_full:
            self._pass.take()
            return
        mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(mine)
        await mine

    def _wake(self) -> None:
        while self._waiting and not self._pass.is_full:
            first = self._waiting.popleft()
            if not first.done():
                self._pass.take()
                first.set_result(None)
