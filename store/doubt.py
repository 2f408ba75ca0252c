"""Sessions whose newest rows are lost are held: none goes on from an older state in silence.

The state is a view of the log, and each of them stands in for the other. Only where both may lack
a session's newest row, or the journal has lost rows that neither had yet, is a state in doubt.
"""

import time
from collections.abc import Iterable, Iterator
from typing import Any

import orjson
import structlog

from store import agent_state, agent_steps
from store.journal.file import Record
from store.journal.log import Log
from store.lance.damage import JOURNAL, Missing
from store.reading import Reader

_logger = structlog.get_logger(__name__)
_AT_ONCE = 500
_HELD = frozenset({"running", "pausing", "paused"})


def hold_in_doubt(reader: Reader, log: Log, known: Iterable[Missing]) -> int:
    """Pause the sessions whose state may be older than their last row; returns how many.

    Each gets a row of the log that says why; a person may resume it, or create it anew.
    """
    known = list(known)
    doubted = _doubted_up_to(known)
    held = 0
    records: list[Record] = []
    if doubted:
        for row in list(_in_doubt(reader, doubted)):
            records.append(_held(row, known))
            held += 1
            if len(records) == _AT_ONCE:
                log.append(records)
                records = []
    if records:
        log.append(records)
    return held


def _doubted_up_to(known: list[Missing]) -> int:
    """States made from a row with a lower number may be old; 0 if none is."""
    new = [entry for entry in known if not entry.settled]
    numbers = [_last(entry) for entry in new if entry.table == JOURNAL]
    if any(entry.table == agent_state.TABLE.name for entry in new):
        numbers += [_last(entry) for entry in known if entry.table == agent_steps.TABLE.name]
    return max(numbers, default=0)


def _last(entry: Missing) -> int:
    return max((high for _, high in entry.journal_n), default=0)


def _in_doubt(reader: Reader, doubted: int) -> Iterator[dict[str, Any]]:
    for row in agent_state.each_agent_state(_HELD, store=reader):
        if row["snapshot"] is not None and (row["journal_n"] or 0) < doubted:
            yield row


def _held(row: dict[str, Any], known: list[Missing]) -> Record:
    session = row["session_id"]
    seq = int(orjson.loads(row["history"])["seq"])
    # A row that a backup brings back must find its number free.
    gaps = [high for entry in known for _, high in entry.numbers.get(session, ())]
    why = (
        f"rows that came after row {seq} may be lost (see damaged/missing.json), so its state may "
        "be an older one; resume it to go on from there"
    )
    # A tick's snapshot leaves the result to its text.
    snapshot = orjson.loads(row["snapshot"]) | {"status": "paused", "result": row["result"]}
    now = time.time_ns() // 1_000
    _logger.error("session held", session_id=session, agent_id=row["agent_id"], why=why)
    step: dict[str, Any] = dict.fromkeys(agent_steps.TABLE.schema.names)
    step |= {
        "session_id": session,
        "agent_id": row["agent_id"],
        "seq": max([seq, *gaps]) + 1,
        "step": row["iteration"],
        "kind": "status",
        "text": f"paused: {why}",
        "state": orjson.dumps(snapshot).decode(),
        "applied_actions": "[]",
        "started_at": now,
        "created_at": now,
        "tokens_in": 0,
        "tokens_out": 0,
        "cost_usd": 0.0,
    }
    del step["journal_n"]
    return Record(agent_steps.TABLE.name, orjson.dumps(step), session)
