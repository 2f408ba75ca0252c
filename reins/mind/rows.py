"""Evidence and memories as rows of their tables, and back."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

import orjson

from reins.mind.evidence import Evidence, Row, Undo
from reins.mind.lineage import Lineage
from reins.mind.memories import MemoryRow
from store import evidence, memories
from store.journal.file import Record
from store.times import to_us

_LINEAGE = ("seq", "call_id", "message_id", "document", "actor")


def record_of(row: Row | MemoryRow, owner: Mapping[str, Any], seq: int | None) -> Record:
    """The journal's record of a row that is committed with the row `seq` of its session's log, or
    with none.

    `owner` has the columns that all rows of a life have: session_id, agent_id, life.
    """
    line = asdict(replace(row, lineage=replace(row.lineage, seq=seq)))
    line |= line.pop("lineage") | dict(owner)
    number = line.pop("id")
    if isinstance(row, MemoryRow):
        line["value"] = None if row.kind == "forget" else orjson.dumps(row.value).decode()
        return memories.record(line | {"memory_id": number})
    if isinstance(row, Undo):
        line["undoes"] = orjson.dumps(row.undoes).decode()
    return evidence.record(line | {"evidence_id": number})


def evidence_from(rows: Iterable[Mapping[str, Any]]) -> list[Row]:
    """The values of which these rows of the table `evidence` were made."""
    return [_undo(row) if row["kind"] == "undo" else _evidence(row) for row in rows]


def _evidence(row: Mapping[str, Any]) -> Evidence:
    return Evidence(
        id=row["evidence_id"],
        claim=row["claim"],
        at=_us(row["at"]),
        p_if_true=row["p_if_true"],
        p_if_false=row["p_if_false"],
        source=row["source"],
        reliability=row["reliability"],
        text=row["text"],
        lineage=_lineage(row),
    )


def _undo(row: Mapping[str, Any]) -> Undo:
    return Undo(
        id=row["evidence_id"],
        at=_us(row["at"]),
        undoes=tuple(orjson.loads(row["undoes"])),
        text=row["text"],
        lineage=_lineage(row),
    )


def memories_from(rows: Iterable[Mapping[str, Any]]) -> list[MemoryRow]:
    """The values of which these rows of the table `memories` were made."""
    return [
        MemoryRow(
            id=row["memory_id"],
            kind=row["kind"],
            key=row["key"],
            version=row["version"],
            at=_us(row["at"]),
            scope=row["scope"],
            value=None if row["value"] is None else orjson.loads(row["value"]),
            source=row["source"],
            expires_at=None if row["expires_at"] is None else _us(row["expires_at"]),
            restores=row["restores"],
            lineage=_lineage(row),
        )
        for row in rows
    ]


def of_session(rows: Iterable[dict[str, Any]], created_at: int) -> list[dict[str, Any]]:
    """Those of the life that began then whose scope is the session: its snapshot is their fold."""
    return [row for row in of_life(rows, created_at) if row["scope"] == "session"]


def of_life(rows: Iterable[dict[str, Any]], created_at: int) -> list[dict[str, Any]]:
    """Those of the life that began then: a session that is created again knows nothing of before.

    **Units**: microseconds since 1970.
    """
    return [row for row in rows if row["life"] is not None and _us(row["life"]) == created_at]


def _us(at: datetime | int) -> int:
    """A stored time, or a journalled one."""
    return at if isinstance(at, int) else to_us(at)


def _lineage(row: Mapping[str, Any]) -> Lineage:
    return Lineage(session_id=row["session_id"] or None, **{name: row[name] for name in _LINEAGE})
