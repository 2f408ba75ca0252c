"""The rest between two messages of a persona, which no clock that is set makes longer."""

import time
from collections.abc import Callable


class Cooldown:
    """Seconds that are left of a rest, by the time that passed since it was seen to begin.

    Only a message of another process is dated by the clock; in the future it counts as just now.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.time,
        passed: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self._passed = passed
        self._spoke_at: int | None = None
        self._since = 0.0

    def begin(self, spoke_at: int) -> None:
        """It speaks now; `spoke_at` is what the clock says, in microseconds since 1970."""
        self._spoke_at, self._since = spoke_at, self._passed()

    def left_s(self, spoke_at: int | None, cooldown_s: float) -> float:
        """Seconds left since the message of `spoke_at`; 0 or less where it may speak."""
        if spoke_at is None:
            return 0.0
        if spoke_at != self._spoke_at:
            self.begin(spoke_at)
            self._since -= max(0.0, self._clock() - spoke_at / 1_000_000)
        return cooldown_s - (self._passed() - self._since)
