"""The pace of a conversation: when the next turn may begin, and who holds it back."""

import time
from collections.abc import Callable

from agent_core.conversations.rules import TURN_S, Pace
from reins import jitter

HOLD_S = 4.0
"""A person who writes holds the next turn back so long after each sign of it."""
LONGEST_HOLD_S = 60.0
"""No longer than this for one message: who has gone leaves nobody waiting."""
_SMOOTH = 0.5


class Turns:
    """Seconds until the next turn may begin. `clock` counts seconds, and never back."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._due = 0.0
        self._asked = False
        """A person's message is the newest."""
        self._holds_since: float | None = None
        self._held_until = 0.0
        self._began: float | None = None
        self._takes_s = 0.0

    @property
    def wait_s(self) -> float:
        """0 where the turn has come."""
        return max(0.0, max(self._due, self._held_until) - self._clock())

    def said(self, pace: Pace, *, by_person: bool) -> None:
        """A message has come: the next turn is drawn, less what composing takes by experience.

        Who asked something is answered at the shortest, and waits no longer for what people add.
        """
        low_s, high_s = TURN_S[pace]
        turn_s = low_s if by_person else jitter.between(low_s, high_s)
        if by_person:
            self._holds_since, self._held_until = None, 0.0
        if self._began is not None and not by_person:
            took_s = self._clock() - self._began
            self._takes_s += _SMOOTH * (took_s - self._takes_s)
            self._began = None
        due = self._clock() + max(0.0, turn_s - self._takes_s) if turn_s else 0.0
        self._due = min(due, self._due) if by_person and self._asked else due
        self._asked = by_person

    def begin(self) -> None:
        """A member composes from now on."""
        self._began = self._clock()

    def hold(self) -> None:
        """A person is writing: nobody begins meanwhile."""
        now = self._clock()
        if self._holds_since is None or now > self._held_until + LONGEST_HOLD_S:
            self._holds_since = now
        self._held_until = min(now + HOLD_S, self._holds_since + LONGEST_HOLD_S)
