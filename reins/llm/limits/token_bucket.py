"""A token bucket: a limit per minute that refills continuously.

aiolimiter is not used: its `acquire` takes no more than the bucket holds, which a single long
prompt may exceed, it takes nothing back when a call took less than was thought, and it is awaited
by each caller for itself, where `Admission` must choose which is next.
"""

SMOOTH = 20
"""A burst is a twentieth of a minute's worth at the most."""

ROUNDING = 1e-6
"""Sums of floats are off by less; a lack below this does not count."""


class Bucket:
    """Lets through at most `per_minute` in any minute, and what one call takes on top of it.

    A call that needs more than a burst goes when the bucket is full, and leaves a debt.
    `per_minute` None lets everything through. Times are the caller's, in seconds.
    """

    __slots__ = ("_at", "_burst", "_level", "_per_s", "per_minute")

    def __init__(self, per_minute: int | None, now: float) -> None:
        self.per_minute = per_minute
        self._at = now
        if per_minute is not None:
            self._burst = max(1.0, per_minute // SMOOTH)
            # A full bucket and a minute's filling together make the minute's worth.
            self._per_s = (per_minute - self._burst + 1) / 60
            self._level = self._burst

    def wait_s(self, amount: float, now: float) -> float:
        """Seconds until so much may go; 0 for at once."""
        if self.per_minute is None:
            return 0.0
        self._level = min(self._burst, self._level + (now - self._at) * self._per_s)
        self._at = now
        lacking = min(amount, self._burst) - self._level
        # Rounding must not leave a wait too short to be waited for.
        return lacking / self._per_s if lacking > ROUNDING else 0.0

    def take(self, amount: float) -> None:
        """Take so much, or with a negative amount give it back."""
        if self.per_minute is not None:
            self._level = min(self._burst, self._level - amount)
