"""The gate of a tool: its breaker, its rate and its places, where all its calls on a loop meet."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

from aiolimiter import AsyncLimiter

from reins.breaker import Breaker
from reins.tools.outcome import Kind, ToolError
from reins.tools.policy import Policy


class RefusedError(Exception):
    """The call is not made."""

    def __init__(self, kind: Kind, message: str) -> None:
        super().__init__(message)
        self.kind: Kind = kind


@dataclass(slots=True)
class Gate:
    """Calls of one tool pass here; how they end is reported to the breaker."""

    breaker: Breaker[str] | None
    limiter: AsyncLimiter | None
    places: asyncio.Semaphore

    @classmethod
    def of(cls, policy: Policy) -> Self:
        failures, rate = policy.breaker_failures, policy.rate
        return cls(
            None if failures is None else Breaker(failures, policy.breaker_open_s),
            None if rate is None else AsyncLimiter(rate.calls, rate.per_s),
            asyncio.Semaphore(policy.at_once),
        )

    def enter(self, call: object) -> None:
        """Raises: RefusedError while the breaker is open."""
        if self.breaker is not None and not self.breaker.take(call):
            left_s = self.breaker.open_for_s() or 0.0
            raise RefusedError(
                "breaker", f"it failed too often in a row; try again in {max(1.0, left_s):.0f} s"
            )

    async def place(self, wait_s: float) -> Callable[[object], None]:
        """Wait for the rate, and for a place; returns what gives the place back.

        Raises: RefusedError where none is free in time.
        """
        try:
            async with asyncio.timeout(wait_s):
                if self.limiter is not None:
                    await self.limiter.acquire()
                await self.places.acquire()
        except TimeoutError:
            raise RefusedError(
                "busy", f"its rate and its places left no room for {wait_s:g} s; try again later"
            ) from None
        return lambda _: self.places.release()

    def left(self, call: object, error: BaseException | None) -> None:
        """Tell the breaker how the call ended. A tool that says no is there all the same."""
        if (breaker := self.breaker) is None:
            return
        if error is None:
            breaker.succeeded(call)
        elif isinstance(error, asyncio.CancelledError | RefusedError):
            breaker.abandoned(call)
        elif isinstance(error, ToolError) and not error.retry:
            breaker.is_there(call)
        else:
            breaker.failed(call, type(error).__name__)
