"""The items and rules that the end of a session settled, standing again as before."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from agent_core.inbox.held import Held
from agent_core.inbox.inbox import Inbox
from agent_core.inbox.rules import holding, rule_of
from agent_core.session.restoring import Destroyed
from reins.threads import READS
from store import approval_rules, inbox
from store.journal.file import Record
from store.store import Store

_LEFT_BY_END = ("withdrawn", "unknown")


@asynccontextmanager
async def reopened(of: Inbox, store: Store, destroy: Destroyed) -> AsyncIterator[Sequence[Record]]:
    """The rows to commit with the session's; left by an exception, nothing stands again.

    They stand from the start: the row of the session says for what it waits.
    """
    held, rules, records = [], [], []
    for item_id, state in destroy.items.items():
        row = await of.find(item_id)
        if row is not None and row["state"] in _LEFT_BY_END:
            held.append(Held.begun(row | {"state": state}))
            records.append(inbox.record(held[-1].row))
    for rule_id in destroy.rules:
        found = await READS.call(approval_rules.get_rule, rule_id, store=store.reader)
        if found is not None and found["revoked_action"] is None:
            rules.append(rule_of(found))
            records.append(approval_rules.record(holding(rules[-1])))
    for each in held:
        of.held.add(each)
    for rule in rules:
        of.rules.add(rule)
    try:
        yield records
    except BaseException:
        for each in held:
            of.held.remove(each.row["item_id"])
        for rule in rules:
            of.rules.remove(rule.rule_id)
        raise
    of.expiry.wake()
