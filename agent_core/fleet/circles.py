"""Sessions that go in circles: told of, held for a person, or paused."""

from collections.abc import Callable, Mapping
from typing import Literal, TypeAlias

from agent_core.session.controls import Hold, Pause, unanswered
from agent_core.session.sameness import Sameness
from agent_core.session.session import Session
from agent_core.session.status import Status

Then: TypeAlias = Literal["tell", "ask", "pause"]
_ACTOR = "Reins"
_DIGITS = 3
_ASKED_ROWS = 8
"""Ticks after which a session is asked about again: the figure is about as many."""


class Circles:
    """Takes the figures of sessions in, and does beyond a limit what the settings say.

    `limit` gives it, and what is done: `tell` says it in the list, `ask` holds the session as one
    that is stuck, `pause` pauses it.
    """

    def __init__(
        self, live: Mapping[str, Session], limit: Callable[[], tuple[float, Then]]
    ) -> None:
        self._live, self._limit = live, limit
        self._asked: dict[str, int] = {}

    def take(self, figures: Mapping[str, float | None]) -> None:
        """The figures that have changed; None where it is too early to say."""
        above, then = self._limit()
        for session_id, figure in figures.items():
            session = self._live.get(session_id)
            if session is None:
                self._asked.pop(session_id, None)
            elif figure is None:
                session.sameness = None
            else:
                session.sameness = Sameness(round(figure, _DIGITS), circles=figure >= above)
                if session.sameness.circles and then != "tell" and self._may_ask(session):
                    self._asked[session_id] = session.iteration
                    session.deliver(_control(then, figure))

    def _may_ask(self, session: Session) -> bool:
        if session.status is not Status.RUNNING or session.waits is not None:
            return False
        asked = self._asked.get(session.session_id)
        return asked is None or not asked <= session.iteration < asked + _ASKED_ROWS


def _control(then: Then, figure: float) -> Hold | Pause:
    why = f"it goes in circles: what it says is {figure:.0%} like what it said before"
    made = Pause if then == "pause" else Hold
    return made("", _ACTOR, unanswered(), why)
