"""Sessions that wait for a route of models which is away: one that answers wakes them."""

from collections.abc import Collection, Iterable
from typing import Protocol

from reins import jitter

_PER_S = 100.0
"""So many sessions a second are woken at the most, unless they would have tried sooner."""
_FEW = 10
_LONGER = 10.0
"""How much longer the pauses of many are at the most than those of few: an answer to one of them
wakes all, so that a route which is away is not asked more often because more wait for it."""


class Sleeper(Protocol):
    """A session that waits."""

    def wake_within(self, spread_s: float) -> None: ...


class Outages:
    """Sessions by the routes that they wait for. Lives on the worker's loop."""

    def __init__(self) -> None:
        self._waiting: dict[Sleeper, frozenset[str]] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def stretch(self) -> float:
        """By how much the longest pause is stretched while so many wait."""
        return min(max(1.0, len(self._waiting) / _FEW), _LONGER)

    def join(self, session: Sleeper, routes: Collection[str]) -> None:
        """A session waits for one of these routes to answer; none named: for any."""
        self._waiting[session] = frozenset(routes)

    def leave(self, session: Sleeper) -> None:
        self._waiting.pop(session, None)

    def answered(self, route: str) -> None:
        """A route has given an answer: those that wait for it try again, spread out."""
        if self._waiting:
            self._wake([s for s, routes in self._waiting.items() if not routes or route in routes])

    def wake_all(self) -> None:
        """The routes are others now, perhaps: everyone tries again, spread out."""
        self._wake(list(self._waiting))

    def _wake(self, sessions: Iterable[Sleeper]) -> None:
        woken = list(sessions)
        for session in woken:
            self.leave(session)
            session.wake_within(len(woken) / _PER_S)


def spread(heartbeat_s: float, at_least_s: float, at_most_s: float) -> float:
    """The wait of one that is woken: within a heartbeat, as all tick when nothing is away."""
    return jitter.between(0, min(max(heartbeat_s, at_least_s), at_most_s))
