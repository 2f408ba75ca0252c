"""Agents as they were created: identity, type and configuration, one row a session."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa

from store.id_forms import id_on_record, in_either_form
from store.journal.file import Record
from store.journal.rows import own_record
from store.lance.tables import JOURNAL_N, STAMP, TEXT, Table, quoted
from store.reading import Reader, reader

TABLE = Table(
    "agents_config",
    pa.schema(
        [
            ("session_id", TEXT),
            ("agent_id", TEXT),
            ("agent_type", TEXT),
            ("config", TEXT),
            ("created_by", TEXT),
            ("created_at", STAMP),
            ("description", TEXT),
            ("metadata", TEXT),
            ("parent_session_id", TEXT),
            ("root_session_id", TEXT),
            JOURNAL_N,
        ]
    ),
    key="session_id",
    indices={"session_id": "BTREE"},
)


def record(row: Mapping[str, Any]) -> Record:
    """The journal's record of one configuration; keys that are no columns are left out."""
    return own_record(TABLE, row)


def each_config(*, store: Reader | None = None) -> Iterator[dict[str, Any]]:
    """The newest row of each session, a few at a time in memory."""
    return (store or reader()).newest(TABLE)


def list_configs(*, store: Reader | None = None) -> dict[str, str]:
    """The newest configuration of each session, as JSON, by `session_id`."""
    same: dict[str, str] = {}  # thousands of sessions tend to share a few configurations
    return {
        row["session_id"]: same.setdefault(row["config"], row["config"])
        for row in (store or reader()).newest(TABLE)
    }


def get_agent_config(session_id: str, *, store: Reader | None = None) -> dict[str, Any] | None:
    """The newest row of one session; None if nobody created it.

    The row whose `session_id` equals its `agent_id` is the agent's own.
    """

    def read(session_id: str) -> list[dict[str, Any]]:
        own = {"session_id": session_id}
        return (store or reader()).joined(TABLE, own, f"session_id = {quoted(session_id)}")

    rows = in_either_form(session_id, read)
    return rows[-1] if rows else None


def get_agent_configs(
    session_ids: Sequence[str], *, store: Reader | None = None
) -> dict[str, dict[str, Any]]:
    """The newest row of each of these sessions that there is, by the id as it is on record."""
    found = (store or reader()).joined_each(TABLE, session_ids)
    return {session_id: rows[-1] for session_id, rows in found.items() if rows}


def children_of(session_id: str, *, store: Reader | None = None) -> list[str]:
    """The ids of the sessions that this one has made, as they are on record, in that order."""
    own = {"parent_session_id": session_id}
    where = f"parent_session_id = {quoted(session_id)}"
    rows = (store or reader()).joined(TABLE, own, where)
    return [*dict.fromkeys(row["session_id"] for row in rows)]


def as_stored(session_id: str, *, store: Reader | None = None) -> str:
    """The id as it is on record, given in any form of Unicode; in normal form C if it is not."""
    return id_on_record(session_id, "session_id", lambda each: get_agent_config(each, store=store))
