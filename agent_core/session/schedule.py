"""When a session ticks next."""

from dataclasses import dataclass

from reins import jitter

_START_S = 0.28
"""First ticks after a restart come within it."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """Waits of one session. **Units**: seconds."""

    heartbeat_s: float = 3.0
    jitter: float = 0.1
    tick_timeout_s: float = 300.0
    hanging_after_s: float = 20.0
    retry_wait_s: float = 1.0
    retry_wait_max_s: float = 60.0
    max_failures: int = 5
    stop_grace_s: float = 10.0

    def after_tick(
        self, own_heartbeat_s: float | None, asked_s: float | None, *, first: bool = False
    ) -> float:
        """The wait after a tick: what the tick asked for, else the heartbeat with jitter.

        `first`: the first tick since a restart. Those of all sessions come together; the next do
        not, spread over a heartbeat.
        """
        if asked_s is not None:
            return max(0.0, asked_s)
        heartbeat_s = self.heartbeat_s if own_heartbeat_s is None else own_heartbeat_s
        return heartbeat_s * jitter.between(0.5, 1.5) if first else self._spread(heartbeat_s)

    def after_failure(self, failures: int, asked_s: float | None) -> float:
        """The wait after the nth failure in a row: doubling, and never less than asked for."""
        doubled = self.retry_wait_s * 2 ** min(failures - 1, 32)
        return max(self._spread(min(doubled, self.retry_wait_max_s)), asked_s or 0.0)

    def while_away(self, tries: int, asked_s: float | None, stretch: float) -> float:
        """The wait for something that is away, after the nth try: doubling, and spread widely."""
        longest_s = self.retry_wait_max_s * stretch
        wait_s: float = min(self.retry_wait_s * 2 ** min(tries - 1, 32), longest_s)
        return max(wait_s * jitter.between(0.5, 1.0), asked_s or 0.0)

    def after_start(self, own_heartbeat_s: float | None) -> float:
        """The wait after a restart: all are at work again soon, and yet not all at once."""
        heartbeat_s = self.heartbeat_s if own_heartbeat_s is None else own_heartbeat_s
        return jitter.between(0, min(heartbeat_s, _START_S))

    def _spread(self, wait_s: float) -> float:
        if not self.jitter or not wait_s:
            return wait_s
        return wait_s * jitter.between(1 - self.jitter, 1 + self.jitter)
