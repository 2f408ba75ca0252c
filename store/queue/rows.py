"""An action on its way through the queue's file: what it asks, and what became of it."""

import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

import orjson

from reins import redaction
from store import times
from store.errors import RowInvalidError, StoreError
from store.journal.rows import as_arrow
from store.queue.table import NUMBER, TABLE, Row

ASKED = tuple(TABLE.schema.names[: TABLE.schema.get_field_index("processed")])
"""The columns that are known when an action is enqueued."""
DONE = ("processed", "processed_at", "outcome", "error", "applied_seq")
"""The columns that are known once it is processed."""
UNBOUNDED = frozenset({"agent_pause", "agent_destroy", "inbox_decide"})
"""Types of actions that a full queue takes all the same: they make less to do, or let it go on."""
_WAITING: Row = {**dict.fromkeys(DONE), "processed": False}
_COLUMNS = frozenset(TABLE.schema.names)
_GIVEN = _COLUMNS - {NUMBER}
_MOST = 1 << 63


class Mark(NamedTuple):
    """The outcome of the action with a number; `done` has the columns of `DONE`."""

    number: int
    done: Mapping[str, Any]


@dataclass(slots=True, eq=False)
class Asked:
    """Actions to commit together, all or none, and what became of them.

    `new` has the ids that nobody can have used before. `once`: those whose id is in the file are
    left out. `adopted`: they stand in the table, where another program has put them.
    """

    rows: list[Row]
    bodies: list[bytes]
    new: frozenset[str] = frozenset()
    once: bool = False
    adopted: bool = False
    numbered: list["Action"] = field(default_factory=list)
    """The actions with their numbers, once they are committed."""
    error: StoreError | None = None

    def number(self, at: int, number: int) -> None:
        row = {**self.rows[at], NUMBER: number}
        new = row["action_id"] in self.new
        self.numbered.append(Action(number, new=new, adopted=self.adopted, row=row))

    @property
    def bounded(self) -> bool:
        """True if a full queue refuses them."""
        return not self.adopted and any(row["type"] not in UNBOUNDED for row in self.rows)


class Action:
    """One row of the file. `whole` is false where it is not what was committed.

    `new`: nobody can have used its id before. `line` is the row as JSON, of one that is marked.
    """

    __slots__ = ("_row", "adopted", "body", "mark", "new", "number", "whole")

    def __init__(
        self, number: int, *, new: bool, adopted: bool, row: Row | None = None,
        body: bytes = b"", mark: bytes = b"", whole: bool = True,
    ) -> None:  # fmt: skip
        self.number, self.new, self.adopted, self.whole = number, new, adopted, whole
        self.body, self.mark = body, mark
        self._row = row

    @property
    def row(self) -> Row:
        """The row, parsed when it is asked for; its number is the file's."""
        if self._row is None:
            self._row = _row(self.number, self.body)
            if self.mark:
                self._row |= _done(orjson.loads(self.mark))
        return self._row

    @property
    def table_n(self) -> int | None:
        """The number in the table of one that another program has put there."""
        found: int | None = orjson.loads(self.body).get(NUMBER)
        return found

    @property
    def line(self) -> bytes:
        return b'%b,%b,"%b":%d}' % (self.body[:-1], self.mark[1:-1], NUMBER.encode(), self.number)


def asked(rows: Sequence[Row], *, adopted: bool = False, once: bool = False) -> Asked:
    """The rows as they are committed, without secrets. Raises: RowInvalidError."""
    kept: list[Row] = []
    bodies: list[bytes] = []
    for row in rows:
        _check(row)
        plain = {name: row[name] for name in ASKED}
        plain["created_at"] = _us(row["created_at"])
        if adopted and (number := row.get(NUMBER)) is not None:  # as another program numbered it
            plain[NUMBER] = number
        try:
            line = orjson.dumps(plain)
        except (TypeError, orjson.JSONEncodeError):
            as_arrow(TABLE, {**row, NUMBER: None})
            raise
        # Here, where every row passes: what is to be kept for good holds no key.
        body = redaction.redactor().rows(line)
        # The worker beside us gets these very rows: it must not apply what is not on record.
        kept.append(row if body is line else _row(0, body))
        bodies.append(body)
    return Asked(kept, bodies, adopted=adopted, once=once)


_TEXTS = tuple(name for name in ASKED if name not in ("created_at", "urgency"))


def _check(row: Row) -> None:
    """Raises: RowInvalidError."""
    if row.keys() == _GIVEN or row.keys() == _COLUMNS:
        urgency, at = row["urgency"], row["created_at"]
        if (
            all(type(row[name]) in _TEXT_OR_NONE for name in _TEXTS)
            and (urgency is None or (type(urgency) is int and -_MOST <= urgency < _MOST))
            and (at is None or isinstance(at, datetime))
        ):
            if row["action_id"] is None:
                raise RowInvalidError("queue.action_id is None; expected a text")
            if row["processed"]:
                raise RowInvalidError(
                    "queue.processed is True; expected False: an outcome is marked, not enqueued"
                )
            return
    as_arrow(TABLE, {**row, NUMBER: None})  # says what is wrong


_TEXT_OR_NONE = frozenset({str, type(None)})


def values(each: Asked, at: int) -> tuple[Any, ...]:
    """One of the rows as the file has it, behind its number."""
    row, body = each.rows[at], each.bodies[at]
    action_id = row["action_id"]
    return (
        action_id, row["type"], row["session_id"], _us(row["created_at"]),
        action_id in each.new, each.adopted, body, zlib.crc32(body),
    )  # fmt: skip


def marked(mark: Mark) -> tuple[int, bytes, int]:
    """An outcome as the file has it."""
    at = mark.done["processed_at"]
    done = {**{name: mark.done[name] for name in DONE}, "processed_at": _us(at)}
    body = redaction.redactor().rows(orjson.dumps(done))  # an error may hold a key
    return mark.number, body, zlib.crc32(body)


LISTED = """
    CAST(group_concat(
        n || ' ' || crc || ' ' || new || ' ' || adopted || ' ' || coalesce(mark_crc, -1) || char(10)
        || CAST(body AS TEXT) || char(10) || coalesce(CAST(mark AS TEXT), ''), char(10)) AS BLOB)
"""
"""Actions as one text: SQLite makes it in one step, and each step gives Python's lock away."""


def parsed(text: bytes | None) -> Iterator[Action]:
    """The actions of such a text."""
    lines = iter((text or b"").split(b"\n"))
    for head in lines:
        if head:
            yield _action(head, next(lines), next(lines))


def _action(head: bytes, body: bytes, mark: bytes) -> Action:
    number, crc, new, adopted, mark_crc = map(int, head.split(b" "))
    whole = crc == zlib.crc32(body) and (not mark or mark_crc == zlib.crc32(mark))
    nothing = None if whole else {**dict.fromkeys(TABLE.schema.names), NUMBER: number}
    return Action(
        number, new=bool(new), adopted=bool(adopted), row=nothing, body=body, mark=mark,
        whole=whole,
    )  # fmt: skip


def _row(number: int, body: bytes) -> Row:
    row: Row = orjson.loads(body)
    at = row["created_at"]
    row["created_at"] = None if at is None else times.from_us(at)
    row |= _WAITING
    row[NUMBER] = number
    return row


def _done(done: Row) -> Row:
    at = done["processed_at"]
    done["processed_at"] = None if at is None else times.from_us(at)
    return done


def _us(at: datetime | None) -> int | None:
    if at is None:
        return None
    return times.to_us(at if at.tzinfo is not None else at.replace(tzinfo=UTC))
