"""Sessions that wait until there is room for a call of theirs beside those of others."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from agent_core.budgets.usage import Sums

if TYPE_CHECKING:
    from agent_core.budgets.ledger import Ledger
    from agent_core.session.session import Session


class Turns:
    """First come, first served: what those ahead need is kept for them, until their tick has ended.

    `let_go` is called with a session that is held, once it has room. Who would have none even alone
    does not stand here: nobody makes room for it by ending a call.
    """

    def __init__(self, ledger: "Ledger") -> None:
        self._ledger = ledger
        self._needs: dict[Session, tuple[str, Sums]] = {}
        self.let_go: Callable[[Session], object] = _nobody

    def __bool__(self) -> bool:
        return bool(self._needs)

    def join(self, session: "Session") -> None:
        """A session is held: it stands here, if it only waits for what others hold back."""
        needs = (session.held or {}).get("needs")
        if needs is None or self._fits_never(session, needs):
            self.leave(session)
            return
        held = self._ledger.still_held(session)
        if held is None:
            self.let_go(session)  # room was made while it was put on record that there is none
        elif held["scope"] in ("agent", "worker"):
            self._needs[session] = held["scope"], needs  # where it stands already, it stays

    def leave(self, session: "Session") -> None:
        """It has had its turn, or wants none any more."""
        if self._needs.pop(session, None) is not None:
            self.call()

    def reserved(self, session: "Session", tokens: int, cost_usd: float) -> None:
        """A part of what a session needs is held back for it now, and not to be kept any more."""
        if session not in self._needs or session.held is not None:
            return
        scope, needs = self._needs[session]
        left = {"tokens": needs["tokens"] - tokens, "cost_usd": needs["cost_usd"] - cost_usd}
        self._needs[session] = scope, {what: max(0.0, amount) for what, amount in left.items()}

    def call(self) -> None:
        """There may be room: let go whoever has some, in turn."""
        for session, (_, needs) in list(self._needs.items()):
            if session.held is None:
                continue  # about to take its turn
            if self._fits_never(session, needs):
                del self._needs[session]
            elif self._ledger.still_held(session) is None:
                self.let_go(session)

    def kept(self, session: "Session", scope: str, what: str) -> float:
        """What is kept for those ahead of a session; for one that does not stand here, for all."""
        kept = 0.0
        for other, (where, needs) in self._needs.items():
            if other is session:
                break
            if where != scope or other.status.ended:
                continue
            if scope == "worker" or other.agent_id == session.agent_id:
                kept += needs[what]
        return kept

    def _fits_never(self, session: "Session", needs: Sums) -> bool:
        return self._ledger.spent(session) is not None or not self._ledger.has_room(session, needs)


def _nobody(_: object) -> None:
    """Nobody is to be told."""
