"""The end of the time for a decision: what nobody decides expires, which is no rejection."""

import time
from collections.abc import Callable, Mapping

from agent_core.inbox.deciding import ItemDecided
from agent_core.inbox.held import Held, HeldItems
from agent_core.session.controls import Decide, unanswered
from agent_core.session.decisions import Decision
from agent_core.session.session import Session
from reins.loops import TaskLoop

_AGAIN_S = 5.0
"""A session that does not live now is looked for again after this long."""


class Expiry(TaskLoop):
    """Tells sessions of their items whose time has run out, as of a decision.

    Starts once; a second stop does nothing. Wakes when an item is asked, and when the next one's
    time is over.
    """

    def __init__(self, held: HeldItems, asked: Callable[[str], ItemDecided]) -> None:
        super().__init__("inbox expiry")
        self._held = held
        self._asked = asked
        self._live: Mapping[str, Session] = {}

    def watch(self, live: Mapping[str, Session]) -> None:
        """Tell these sessions."""
        self._live = live

    async def run_once(self) -> float | None:
        """One look; gives the seconds until the next, None where nothing can expire."""
        waits = [
            wait_s
            for held in self._held
            if held.is_open and (wait_s := self._look(held)) is not None
        ]
        return min(waits, default=None)

    def _look(self, held: Held) -> float | None:
        """Tell the item's session if its time is over; gives the seconds until the next look."""
        if held.until_s is None:
            return None
        if not held.over:
            return held.until_s - time.monotonic()
        session = self._live.get(held.row["session_id"])
        if session is not None and not held.expiring:
            held.expiring = True
            session.deliver(self._control(held))
        return _AGAIN_S

    def _control(self, held: Held) -> Decide:
        done = unanswered()
        done.add_done_callback(lambda _: setattr(held, "expiring", False))
        row = held.row
        decision = Decision(
            item_id=row["item_id"],
            kind=row["kind"],
            tool=row["tool"],
            decision="expire",
            actor="expiry",
            call_hash=row["call_hash"],
        )
        return Decide("", "expiry", done, decision, self._asked(row["item_id"]))
