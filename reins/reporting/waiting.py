"""The time for which a session waited, by kind, from the snapshots in its log."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from reins.reporting.tally import Tally

_PAUSED = "paused"


class Waits:
    """From a row whose snapshot waits for something until the next one that does not.

    Kinds are those of `waits` in the snapshot, and `paused`; a paused session that a budget holds
    waits for the budget.
    """

    def __init__(self) -> None:
        self.tallies: dict[str, Tally] = {}
        self._kind: str | None = None
        self._since: datetime | None = None

    def take(self, at: datetime, snapshot: Mapping[str, Any]) -> None:
        """A row at this time, with the snapshot after it."""
        kind = _kind_of(snapshot)
        if kind != self._kind:
            self.end(at)
            self._kind, self._since = kind, at

    def end(self, at: datetime) -> None:
        """Nothing is waited for any more; a second end does nothing."""
        if self._kind is not None and self._since is not None:
            took_s = max(0.0, (at - self._since).total_seconds())
            self.tallies.setdefault(self._kind, Tally()).waited(took_s)
        self._kind = self._since = None


def _kind_of(snapshot: Mapping[str, Any]) -> str | None:
    waits = snapshot.get("waits")
    kind = str(waits.get("kind")) if isinstance(waits, dict) else None
    if snapshot.get("status") == _PAUSED:
        return kind if kind == "budget" else _PAUSED
    return kind
