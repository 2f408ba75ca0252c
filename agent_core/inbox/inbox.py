"""The inbox: what sessions ask of people, each item committed with the row that it belongs to.

Every row of an item is written by its own session, in order: with the tick that asks, with the row
of the decision, with the tick that settles it, with the session's last row. So nothing of it is
lost or done twice that is not so of the log.
"""

import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from agent_core.actions.payloads import Remember
from agent_core.agent.effects import Effect, Prepared
from agent_core.inbox.deciding import ItemDecided
from agent_core.inbox.expiry import Expiry
from agent_core.inbox.held import Held, HeldItems
from agent_core.inbox.item import Item
from agent_core.inbox.rules import Rules, revoked, rule_of
from agent_core.session.session import Session
from reins.threads import READS
from store import approval_rules, inbox
from store.journal.file import Record
from store.store import Store
from store.times import now_us, to_us

Settled: TypeAlias = Literal["ran", "stale", "unknown", "withdrawn"]


class Inbox:
    """The items that something is still to come of, and the rules. A service of agents.

    Starts once, before the sessions are rebuilt: they say in their snapshots for what they wait.
    A second stop does nothing.
    """

    def __init__(self, store: Store) -> None:
        self.rules = Rules()
        self.held = HeldItems()
        self.decided: Counter[tuple[str, str]] = Counter()
        """Kind and decision to how many there were since the start."""
        self.expiry = Expiry(self.held, self.asked)
        self._store = store

    async def start(self, live: Mapping[str, Session]) -> None:
        """Read what is open, and let time run for it. `live` are the sessions by their ids."""
        rows = await READS.call(inbox.list_items, inbox.UNSETTLED, store=self._store.reader)
        for row in rows:
            self.held.add(Held.begun(_journalled(row)))
        for row in await READS.call(approval_rules.list_rules, store=self._store.reader):
            self.rules.add(rule_of(row))
        self.expiry.watch(live)
        self.expiry.start()

    async def stop(self) -> None:
        await self.expiry.stop()

    async def find(self, item_id: str) -> dict[str, Any] | None:
        """The newest row of an item, also of one that is settled; None if there is none."""
        if (held := self.held.get(item_id)) is not None:
            return held.row
        found = await READS.call(inbox.get_item, item_id, store=self._store.reader)
        return None if found is None else _journalled(found)

    # -- for agents

    def asking(self, item: Item) -> Effect:
        """Ask it: committed with the tick's row, or not at all. The row's payload says `asks`."""
        return _Asking(self, item)

    def settled(self, item_id: str, state: Settled, seq: int | None = None) -> Effect:
        """Settle it: row `seq` of the session's log says how; committed with the tick's row.

        `withdrawn`: nobody needs to decide any more. Nothing is written for an item that is
        settled already.
        """
        return _Settling(self, item_id, state, seq)

    # -- for sessions and handlers

    def asked(
        self, item_id: str, *, action_id: str = "", remember: Remember | None = None
    ) -> ItemDecided:
        """The item of a decision that is on its way."""
        return ItemDecided(
            self.held, self.rules, self.decided, item_id, action_id=action_id, remember=remember
        )

    def waits(self, session_id: str) -> Mapping[str, Any] | None:
        return self.held.waits(session_id)

    def standing(self, session_id: str) -> Mapping[str, Any] | None:
        items = {
            held.row["item_id"]: held.row["state"] for held in self.held.of_session(session_id)
        }
        rules = [rule.rule_id for rule in self.rules.of_session(session_id)]
        return {"items": items, "rules": rules} if items or rules else None

    def closing_records(self, session_id: str) -> Sequence[Record]:
        """Its open items are withdrawn; of what was allowed and is not on record nobody knows; its
        own rules end with it.
        """
        records = []
        for held in self.held.of_session(session_id):
            state = "withdrawn" if held.is_open else "unknown"
            row = held.row | {"state": state}
            self.held.put(held, row, settled=True)
            records.append(inbox.record(row))
        for rule in self.rules.of_session(session_id):
            self.rules.remove(rule.rule_id)
            records.append(approval_rules.record(revoked(rule, by="the end of the session")))
        return records

    async def revoke(self, rule_id: str, *, by: str, action_id: str) -> bool:
        """A rule holds no longer; False if it did not hold, nor was revoked by this action."""
        rule = self.rules.get(rule_id)
        if rule is None:
            row = await READS.call(approval_rules.get_rule, rule_id, store=self._store.reader)
            return row is not None and bool(row["revoked_action"] == action_id)
        await self._store.journal.append(
            approval_rules.record(revoked(rule, by=by, action_id=action_id))
        )
        self.rules.remove(rule_id)
        return True

    # -- figures

    def figures(self) -> "Figures":
        """The figures of the moment; from any thread."""
        open_items = [held for held in self.held if held.is_open]
        counts = Counter(str(held.row["kind"]) for held in open_items)
        oldest = min((held.asked_s for held in open_items), default=None)
        return Figures(
            open=dict(counts),
            oldest_s=0.0 if oldest is None else max(0.0, time.monotonic() - oldest),
            decided=dict(self.decided),
            rules=len(self.rules),
        )


@dataclass(frozen=True, slots=True)
class Figures:
    """Open items by kind, the age of the oldest in seconds, the decisions since the start."""

    open: dict[str, int]
    oldest_s: float
    decided: dict[tuple[str, str], int]
    rules: int


@dataclass(frozen=True, slots=True)
class _Asking:
    inbox: Inbox
    item: Item

    @property
    def key(self) -> str:
        return f"inbox {self.item.item_id}"

    @asynccontextmanager
    async def prepare(self) -> AsyncIterator[Prepared | None]:
        held = Held.begun(self.item.row(now_us()))
        self.inbox.held.add(held)  # before the commit: the row's snapshot says that it waits
        try:
            yield Prepared([inbox.record(held.row)], {"asks": self.item.brief()})
        except BaseException:
            self.inbox.held.remove(self.item.item_id)
            raise
        self.inbox.expiry.wake()


@dataclass(frozen=True, slots=True)
class _Settling:
    inbox: Inbox
    item_id: str
    state: Settled
    seq: int | None

    @property
    def key(self) -> str:
        return f"inbox {self.item_id}"

    @asynccontextmanager
    async def prepare(self) -> AsyncIterator[Prepared | None]:
        held = self.inbox.held.get(self.item_id)
        if held is None:
            yield Prepared(())
            return
        before = held.row
        row = before | {"state": self.state, "outcome_seq": self.seq}
        self.inbox.held.put(held, row, settled=True)
        try:
            said = {"item_id": self.item_id, "state": self.state}
            yield Prepared([inbox.record(row)], {"settled": said})
        except BaseException:
            self.inbox.held.put(held, before, settled=False)
            raise


def _journalled(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row as it was read, with its times as the journal has them."""
    times = ("asked_at", "expires_at", "decided_at")
    plain = {name: value for name, value in row.items() if name != "journal_n"}
    return plain | {name: None if row[name] is None else to_us(row[name]) for name in times}
