"""A circuit breaker: faults in a row open it, then a single call tries what has failed."""

import asyncio
import contextlib
import time
from collections.abc import Callable
from typing import Generic, Literal, TypeVar

from reins.without import without

# Where it is installed pybreaker imports it, for a store that no breaker here has: a fifth of the
# time of a start.
with without("redis"):
    from pybreaker import (
        STATE_CLOSED,
        STATE_HALF_OPEN,
        STATE_OPEN,
        CircuitBreaker,
        CircuitBreakerError,
    )

State = Literal["closed", "half_open", "open"]
K = TypeVar("K", bound=str)
"""The kinds of fault that are counted."""

_STATES: dict[str, State] = {
    STATE_CLOSED: "closed",
    STATE_HALF_OPEN: "half_open",
    STATE_OPEN: "open",
}


class _FaultError(Exception):
    """A fault: pybreaker counts what is raised."""


class Breaker(Generic[K]):
    """Closed, open, half open, by pybreaker's rules, for calls that take their time.

    The outcome of a call is reported afterwards, since a cancelled call is neither a fault nor a
    success, and pybreaker would take it for one of them. Half open, it lets a single call go.
    """

    def __init__(
        self, failures: int, open_s: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._clock = clock
        self._opened_at = 0.0
        self._breaker = CircuitBreaker(
            fail_max=failures, reset_timeout=open_s, throw_new_error_on_trip=True
        )
        self.last: K | None = None
        """The kind of the newest fault."""
        self._trial: object | None = None
        self._waiting: list[asyncio.Future[None]] = []

    def limit(self, failures: int, open_s: float) -> None:
        """Set new limits; the state stays."""
        self._breaker.fail_max = failures
        self._breaker.reset_timeout = open_s

    @property
    def state(self) -> State:
        return _STATES[self._breaker.current_state]

    def open_for_s(self) -> float | None:
        """Seconds until a call may go, 0 while another one is trying; None where one may go now."""
        state = self._breaker.current_state
        if state == STATE_CLOSED:
            return None
        if self._trial is not None:
            return 0.0
        if state == STATE_HALF_OPEN:
            return None
        left = self._left_s()
        return left if left > 0 else None

    def take(self, call: object) -> bool:
        """True if this call may go now; the caller must then report how it ended."""
        if self._breaker.current_state == STATE_CLOSED:
            return True
        if self.open_for_s() is not None:
            return False
        self._trial = call
        self._breaker.half_open()
        return True

    def succeeded(self, call: object) -> None:
        if self._breaker.current_state == STATE_CLOSED:
            if self._breaker.fail_counter:
                self._breaker.call(_succeed)
        elif self._trial is call:
            self._trial = None
            self._breaker.call(_succeed)
            self._wake()

    def failed(self, call: object, kind: K) -> bool:
        """Count a fault; True if it has opened the breaker."""
        if self._breaker.current_state != STATE_CLOSED and self._trial is not call:
            return False  # sent before it opened: it stays open no longer for this
        self.last = kind
        with contextlib.suppress(_FaultError, CircuitBreakerError):
            self._breaker.call(_fail)
        if self._breaker.current_state == STATE_CLOSED:
            return False
        self._opened_at = self._clock()
        self._trial = None
        self._wake()
        return True

    def is_there(self, call: object) -> None:
        """It answers, if only to say "later": no fault, and enough for a trial."""
        if self._trial is call:
            self.succeeded(call)

    def abandoned(self, call: object) -> None:
        """The call was given up and says nothing: another may try in its place."""
        if self._trial is call:
            self._trial = None
            self._wake()

    def close(self) -> None:
        """Close the breaker after a check has succeeded."""
        if self._breaker.current_state != STATE_CLOSED:
            self._trial = None
            self._breaker.close()
            self._wake()

    async def change(self, timeout_s: float) -> None:
        """Return when something has changed, or after so long."""
        changed = asyncio.get_running_loop().create_future()
        self._waiting.append(changed)
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(timeout_s):
                    await changed
        finally:
            if changed in self._waiting:
                self._waiting.remove(changed)

    def _left_s(self) -> float:
        if self._breaker._state_storage.opened_at is None:  # noqa: SLF001 - it has no public name
            return 0.0
        # pybreaker's own time is that of a clock that may be set.
        return float(self._breaker.reset_timeout) - (self._clock() - self._opened_at)

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, []
        for each in waiting:
            if not each.done():
                each.set_result(None)


def _succeed() -> None:
    pass


def _fail() -> None:
    raise _FaultError
