"""Facts that sessions, agents and people hold: each row asserts one, ends, retracts or restores."""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from store.id_forms import in_either_form
from store.journal.file import Record
from store.journal.rows import own_record
from store.lance.tables import JOURNAL_N, STAMP, TEXT, Table, quoted
from store.reading import Reader, reader

TABLE = Table(
    "facts",
    pa.schema(
        [
            ("op_id", TEXT),
            ("op", TEXT),
            ("fact_id", TEXT),
            ("session_id", TEXT),
            ("agent_id", TEXT),
            ("life", STAMP),
            ("scope", TEXT),
            ("subject", TEXT),
            ("relation", TEXT),
            ("object", TEXT),
            ("valid_from", STAMP),
            ("valid_to", STAMP),
            ("at", STAMP),
            ("confidence", pa.float64()),
            ("source", TEXT),
            ("text", TEXT),
            ("seq", pa.int64()),
            ("call_id", TEXT),
            ("message_id", TEXT),
            ("document", TEXT),
            ("actor", TEXT),
            JOURNAL_N,
        ]
    ),
    key=None,
    read_by="session_id",
    indices={
        "session_id": "BTREE", "agent_id": "BTREE", "fact_id": "BTREE", "subject": "BTREE",
        "object": "BTREE", "scope": "BITMAP",
    },
)  # fmt: skip


def record(row: Mapping[str, Any]) -> Record:
    """The journal's record of a row; times are microseconds since 1970."""
    return own_record(TABLE, row)


def list_facts(
    session_id: str | None = None,
    *,
    agent_id: str | None = None,
    scope: str | None = None,
    fact_id: str | None = None,
    source: str | None = None,
    after: int = 0,
    limit: int | None = None,
    store: Reader | None = None,
) -> list[dict[str, Any]]:
    """The rows of facts that fit, as they were written, after `journal_n` `after`."""

    def read(session_id: str | None) -> list[dict[str, Any]]:
        asked = {
            "session_id": session_id, "agent_id": agent_id, "scope": scope, "fact_id": fact_id,
            "source": source,
        }  # fmt: skip
        match = {name: value for name, value in asked.items() if value is not None}
        parts = [f"{name} = {quoted(value)}" for name, value in match.items()]
        if after:
            parts.append(f"journal_n > {after}")
        return (store or reader()).joined(TABLE, match, " AND ".join(parts) or None)

    rows = read(None) if session_id is None else in_either_form(session_id, read)
    return [row for row in rows if row["journal_n"] > after][:limit]


def newest_facts(
    *,
    session_id: str | None = None,
    agent_id: str | None = None,
    scope: str | None = None,
    relation: str | None = None,
    source: str | None = None,
    containing: str = "",
    before: int | None = None,
    limit: int = 100,
    store: Reader | None = None,
) -> list[dict[str, Any]]:
    """The rows that assert facts, as they were written, the newest first, below `journal_n`
    `before`. `containing`: a part of the subject's or the object's name, in any case.
    """
    asked = {
        "op": "assert", "session_id": session_id, "agent_id": agent_id, "scope": scope,
        "relation": relation, "source": source,
    }  # fmt: skip
    match = {name: value for name, value in asked.items() if value is not None}
    parts = [f"{name} = {quoted(value)}" for name, value in match.items()]
    part = containing.lower()
    if part:
        found = (f"strpos(lower({name}), {quoted(part)}) > 0" for name in ("subject", "object"))
        parts.append(f"({' OR '.join(found)})")
    if before is not None:
        parts.append(f"journal_n < {before}")
    reading = store or reader()
    pending = [  # read before the table: what is flushed in between is seen twice, never missed
        row for row in reading.journalled(TABLE, match)
        if (before is None or row["journal_n"] < before)
        and (not part or part in row["subject"].lower() or part in row["object"].lower())
    ]  # fmt: skip
    numbers = reading.stored(TABLE, " AND ".join(parts), ["journal_n"])["journal_n"].to_pylist()
    wanted = sorted(numbers, reverse=True)[:limit]
    named = f"journal_n IN ({', '.join(map(str, wanted))})"
    stored = reading.stored(TABLE, named).to_pylist() if wanted else []
    rows = {row["journal_n"]: row for row in (*pending, *stored)}
    return [rows[number] for number in sorted(rows, reverse=True)][:limit]
