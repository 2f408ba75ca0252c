"""Sessions that wait until there is room for a call of theirs beside those of others."""

from collections.abc import Callable
from typing import Protocol

from agent_core.budgets.spender import Held, Spender
from agent_core.budgets.usage import Sums


class Room(Protocol):
    """The limits that decide who has room: the ledger."""

    def spent(self, session: Spender) -> Held | None: ...

    def still_held(self, session: Spender) -> Held | None: ...

    def has_room(self, session: Spender, needs: Sums) -> bool: ...


class Waitlist:
    """First come, first served: what those ahead need is kept for them until their tick has ended.

    `release` is called with a session that is held, once it has room. A session that would have no
    room even alone does not wait here: nobody makes room for it by ending a call.
    """

    def __init__(self, ledger: Room) -> None:
        self._ledger = ledger
        self._needs: dict[Spender, tuple[str, Sums]] = {}
        self.release: Callable[[Spender], object] = _nobody

    def __bool__(self) -> bool:
        return bool(self._needs)

    def join(self, session: Spender) -> None:
        """A session is held: it waits here if others hold back what it needs."""
        needs = (session.held or {}).get("needs")
        if needs is None or self._fits_never(session, needs):
            self.leave(session)
            return
        held = self._ledger.still_held(session)
        if held is None:
            self.release(session)  # room was made while "no room" was being put on record
        elif held["scope"] in ("agent", "tree", "worker"):
            self._needs[session] = held["scope"], needs  # one that waits already keeps its place

    def leave(self, session: Spender) -> None:
        """Its tick has ended, or it waits no longer."""
        if self._needs.pop(session, None) is not None:
            self.offer()

    def reserved(self, session: Spender, tokens: int, cost_usd: float) -> None:
        """A part of what a session needs is reserved now and kept here no longer."""
        if session not in self._needs or session.held is not None:
            return
        scope, needs = self._needs[session]
        left = {"tokens": needs["tokens"] - tokens, "cost_usd": needs["cost_usd"] - cost_usd}
        self._needs[session] = scope, {what: max(0.0, amount) for what, amount in left.items()}

    def offer(self) -> None:
        """There may be room: release every session that has some, in order."""
        for session, (_, needs) in list(self._needs.items()):
            if session.held is None:
                continue  # released already
            if self._fits_never(session, needs):
                del self._needs[session]
            elif self._ledger.still_held(session) is None:
                self.release(session)

    def kept(self, session: Spender, scope: str, what: str) -> float:
        """The amount kept for those ahead of a session; all of it for one that does not wait."""
        kept = 0.0
        for other, (where, needs) in self._needs.items():
            if other is session:
                break
            if where != scope or other.ended:
                continue
            if _is_shared(scope, session, other):
                kept += needs[what]
        return kept

    def _fits_never(self, session: Spender, needs: Sums) -> bool:
        return self._ledger.spent(session) is not None or not self._ledger.has_room(session, needs)


def _is_shared(scope: str, one: Spender, other: Spender) -> bool:
    """True if both take from the same limits of this scope."""
    if scope == "tree":
        return one.root == other.root
    return scope == "worker" or one.agent_id == other.agent_id


def _nobody(_: object) -> None:
    """Nobody is to be told."""
