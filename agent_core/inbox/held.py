"""Items that something is still to come of, in memory: by id, and by the session that asks."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from agent_core.inbox.item import waits_for
from store.times import now_us


@dataclass(slots=True, eq=False)
class Held:
    """One item: its newest row, as it is journalled, and its end by the monotonic clock.

    A clock that is set moves no deadline within a process; after a restart what is left is at the
    most the whole time.
    """

    row: dict[str, Any]
    asked_s: float
    until_s: float | None
    expiring: bool = False

    @classmethod
    def begun(cls, row: dict[str, Any]) -> "Held":
        """Asked just now, or by a process before."""
        now_s, gone_us = time.monotonic(), max(0, now_us() - row["asked_at"])
        until_s = None
        if row["expires_at"] is not None:
            whole_us = row["expires_at"] - row["asked_at"]
            until_s = now_s + max(0, min(whole_us, whole_us - gone_us)) / 1e6
        return cls(row, now_s - gone_us / 1e6, until_s)

    @property
    def is_open(self) -> bool:
        return bool(self.row["state"] == "asked")

    @property
    def over(self) -> bool:
        """True if its time has run out."""
        return self.until_s is not None and time.monotonic() >= self.until_s


class HeldItems:
    """All of them. Lives on the worker's loop."""

    def __init__(self) -> None:
        self._by_id: dict[str, Held] = {}
        self._by_session: dict[str, dict[str, Held]] = {}

    def __iter__(self) -> Iterator[Held]:
        return iter([*self._by_id.values()])

    def get(self, item_id: str) -> Held | None:
        return self._by_id.get(item_id)

    def of_session(self, session_id: str) -> list[Held]:
        return [*self._by_session.get(session_id, {}).values()]

    def add(self, held: Held) -> None:
        item_id, session_id = held.row["item_id"], held.row["session_id"]
        self._by_id[item_id] = held
        self._by_session.setdefault(session_id, {})[item_id] = held

    def remove(self, item_id: str) -> None:
        held = self._by_id.pop(item_id, None)
        if held is not None:
            session_id = held.row["session_id"]
            of_session = self._by_session[session_id]
            del of_session[item_id]
            if not of_session:
                del self._by_session[session_id]

    def put(self, held: Held, row: dict[str, Any], *, settled: bool) -> None:
        """Its newest row is on its way; nothing more is to come of one that is settled."""
        held.row = row
        if settled:
            self.remove(row["item_id"])
        else:
            self.add(held)

    def waits(self, session_id: str) -> dict[str, Any] | None:
        """For what a session waits; None if none of its items is open."""
        of_session = self._by_session.get(session_id)
        if of_session is None:
            return None
        # A copy: the web asks too, from its threads.
        open_rows = (held.row for held in [*of_session.values()] if held.is_open)
        return next(map(waits_for, open_rows), None)
