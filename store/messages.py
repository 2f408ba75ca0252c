"""The transcript of each conversation, numbered from 1 without gaps."""

from collections.abc import Collection
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from store.demonstration import marked
from store.id_forms import in_either_form, stored_id
from store.journal.memory import Span
from store.lance.tables import JOURNAL_N, STAMP, TEXT, Table, quoted
from store.reading import Reader, reader

TABLE = Table(
    "messages",
    pa.schema(
        [
            ("message_id", TEXT),
            ("conversation_id", TEXT),
            ("number", pa.int64()),
            ("author", TEXT),
            ("agent_id", TEXT),
            ("session_id", TEXT),
            ("text", TEXT),
            ("metadata", TEXT),
            ("created_at", STAMP),
            JOURNAL_N,
        ]
    ),
    key=None,
    read_by="conversation_id",
    # Number too: a page of a conversation is where the two meet, as in the log.
    indices={"conversation_id": "BTREE", "message_id": "BTREE", "number": "BTREE"},
)
COPIED_FROM = "copied_from"
"""In `metadata`: the message of another conversation that a branch begins with."""
_RARE = 5_000
"""Numbers above this are those of a few conversations."""
_FEW = 1_000
"""So many numbers are read sooner than some of them are found."""
_TWICE = 16
"""Messages of one conversation that were written twice, typically at the most."""


def list_messages(
    conversation_id: str, after: int = 0, limit: int = 1_000, *, store: Reader | None = None
) -> list[dict[str, Any]]:
    """The messages with a number above `after`, oldest first, `limit` at the most.

    `demonstration` is true of what the offline model has said.
    """

    def read(conversation_id: str) -> list[dict[str, Any]]:
        upto = int(after) + int(limit)
        where = f"{_above(conversation_id, int(after))} AND number <= {upto}"
        span = Span("number", int(after), upto)
        return (store or reader()).page(TABLE, conversation_id, span, where)

    rows = in_either_form(conversation_id, read)
    by_number = {row["number"]: row for row in reversed(rows) if row["number"] > after}
    return [marked(by_number[number], "metadata") for number in sorted(by_number)[:limit]]


def last_messages(
    conversation_id: str, limit: int, before: int | None = None, *, store: Reader | None = None
) -> list[dict[str, Any]]:
    """The newest messages, `limit` at the most, oldest first; of those numbered below `before`."""
    reading = store or reader()
    conversation_id = stored_id(conversation_id, lambda each: _count(each, reading))
    if before is None:
        about = _pending_number(conversation_id, reading) or _count(conversation_id, reading)
        rows = _upto(conversation_id, about, limit + _TWICE, reading)
        if rows and len(rows) >= min(limit, rows[-1]["number"]):
            return rows[-limit:]
    else:
        rows = _upto(conversation_id, before - 1, limit, reading)
        if rows and rows[-1]["number"] == before - 1:
            return rows
    last = last_number(conversation_id, store=reading)
    upto = last if before is None else min(last, before - 1)
    return _upto(conversation_id, upto, limit, reading)


def _upto(conversation_id: str, number: int, limit: int, reading: Reader) -> list[dict[str, Any]]:
    if number < 1:
        return []
    after = max(0, number - limit)
    return list_messages(conversation_id, after, number - after, store=reading)


def last_number(conversation_id: str, *, store: Reader | None = None) -> int:
    """The number of the newest message; 0 if there is none."""
    reading = store or reader()
    # Journal first; what is still in it came after all that is flushed.
    if pending := _pending_number(conversation_id, reading):
        return pending
    count = _count(conversation_id, reading)
    if count > _FEW and (last := _highest(reading, _above(conversation_id, count - _TWICE))):
        return last
    return _highest(reading, _named(conversation_id)) if count else 0


def _pending_number(conversation_id: str, reading: Reader) -> int:
    pending = reading.journalled(TABLE, {"conversation_id": conversation_id}, newest=True)
    return max((int(row["number"]) for row in pending), default=0)


def _count(conversation_id: str, reading: Reader) -> int:
    """The number of rows in the table: the highest number there, since numbers have no gaps.

    A little more where a message was written twice, since both rows have one number.
    """
    return reading.count(TABLE, _named(conversation_id))


def _highest(reading: Reader, where: str) -> int:
    return int(pc.max(reading.stored(TABLE, where, ["number"])["number"]).as_py() or 0)


def _above(conversation_id: str, number: int) -> str:
    """The filter that finds the messages numbered above `number`.

    The index of numbers alone finds the few that are rare: that of conversations, which looks up
    all messages of a large one first, is kept out of it by IS TRUE.
    """
    named = _named(conversation_id)
    return f"{f'({named}) IS TRUE' if number >= _RARE else named} AND number > {number}"


def _named(conversation_id: str) -> str:
    return f"conversation_id = {quoted(conversation_id)}"


def last_of_people(conversation_id: str, after: int = 0, *, store: Reader | None = None) -> int:
    """The number of the newest message above `after` that no agent wrote; `after` if none is."""
    reading = store or reader()
    pending = reading.journalled(TABLE, {"conversation_id": conversation_id})
    numbers = [int(row["number"]) for row in pending if row["agent_id"] is None]
    flushed = _highest(reading, f"{_above(conversation_id, after)} AND agent_id IS NULL")
    return max([after, flushed, *numbers])


def get_message(message_id: str, *, store: Reader | None = None) -> dict[str, Any] | None:
    """The message with this id; None if there is none."""
    rows = (store or reader()).joined(
        TABLE, {"message_id": message_id}, f"message_id = {quoted(message_id)}"
    )
    return rows[0] if rows else None


def numbers_of(
    conversation_id: str, message_ids: Collection[str], *, store: Reader | None = None
) -> dict[str, int]:
    """The numbers of those of these messages of a conversation that are there, by `message_id`."""
    reading = store or reader()
    wanted = set(message_ids)
    # Journal first: a row that is flushed in between is then seen twice, never missed.
    pending = reading.journalled(TABLE, {"conversation_id": conversation_id})
    found = {row["message_id"]: int(row["number"]) for row in pending}
    there = {each: found[each] for each in wanted & found.keys()}
    if missing := sorted(wanted - there.keys()):
        where = f"message_id IN ({', '.join(map(quoted, missing))})"
        rows = reading.stored(TABLE, where, ["message_id", "number"]).to_pylist()
        there |= {row["message_id"]: int(row["number"]) for row in rows}
    return there


def newest_messages(
    conversation_ids: Collection[str] | None = None, *, store: Reader | None = None
) -> dict[str, dict[str, Any]]:
    """The newest message of each conversation, or of each of those, by `conversation_id`.

    Numbers have no gaps: the newest one's is how many there are.
    """
    reading = store or reader()
    # Journal first: a row that is flushed in between is then seen twice, never missed.
    pending = reading.journalled(TABLE, newest=True)
    newest: dict[str, dict[str, Any]] = {}
    for row in (*_newest_stored(reading, conversation_ids), *pending):
        known = newest.get(row["conversation_id"])
        if known is None or known["number"] < row["number"]:
            newest[row["conversation_id"]] = row
    if conversation_ids is None:
        return newest
    return {name: newest[name] for name in conversation_ids if name in newest}


def _newest_stored(
    reading: Reader, conversation_ids: Collection[str] | None
) -> list[dict[str, Any]]:
    """The row of the highest number in each conversation, of those that are in the table."""
    # What is narrow of all rows first, then all columns of a few.
    rows = reading.stored(TABLE, None, ["conversation_id", "journal_n"])
    if conversation_ids is not None:
        rows = rows.filter(pc.is_in(rows["conversation_id"], pa.array(conversation_ids, TEXT)))
    # Numbers grow with the journal's.
    newest = rows.group_by("conversation_id").aggregate([("journal_n", "max")])["journal_n_max"]
    if not len(newest):
        return []
    where = f"journal_n IN ({', '.join(map(str, newest.to_pylist()))})"
    found: list[dict[str, Any]] = reading.stored(TABLE, where).to_pylist()
    return found
