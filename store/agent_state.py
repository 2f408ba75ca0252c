"""One row a session: the newest state, a view of the log."""

import json
from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson
import pyarrow as pa

from store.agent_steps import TABLE as STEPS
from store.errors import RowInvalidError
from store.id_forms import in_either_form, is_same
from store.journal.file import Record
from store.journal.rows import as_arrow, as_record
from store.lance.tables import JOURNAL_N, STAMP, TEXT, Derivation, Table, quoted
from store.reading import Reader, reader


def from_step(step: dict[str, Any]) -> dict[str, Any]:
    """The row of `agent_state` that a row of the log leads to.

    The snapshot of every row but a tick's carries the last result; a tick's text is the result.
    """
    snapshot = orjson.loads(step["state"])
    lineage = snapshot.get("lineage") or {}
    return {
        "agent_id": step["agent_id"],
        "session_id": step["session_id"],
        "agent_type": snapshot["agent_type"],
        "status": snapshot["status"],
        "iteration": step["step"],
        "result": step["text"] if step["kind"] == "tick" else snapshot["result"],
        "context": orjson.dumps(snapshot["agent"]).decode(),
        "history": orjson.dumps({"log": "agent_steps", "seq": step["seq"]}).decode(),
        "error": snapshot["error"],
        "created_at": snapshot["created_at"],
        "updated_at": step["created_at"],
        "usage": orjson.dumps(snapshot["usage"]).decode(),
        "snapshot": step["state"],
        "parent_session_id": lineage.get("parent"),
        "root_session_id": lineage.get("root"),
        "waits": orjson.dumps(snapshot["waits"]).decode() if "waits" in snapshot else None,
        "journal_n": step["journal_n"],
    }


TABLE = Table(
    "agent_state",
    pa.schema(
        [
            ("agent_id", TEXT),
            ("session_id", TEXT),
            ("agent_type", TEXT),
            ("status", TEXT),
            ("iteration", pa.int64()),
            ("result", TEXT),
            ("context", TEXT),
            ("history", TEXT),
            ("error", TEXT),
            ("created_at", STAMP),
            ("updated_at", STAMP),
            ("usage", TEXT),
            ("snapshot", TEXT),
            ("waits", TEXT),
            ("parent_session_id", TEXT),
            ("root_session_id", TEXT),
            JOURNAL_N,
        ]
    ),
    key="session_id",
    indices={"session_id": "BTREE"},
    derived=Derivation(STEPS.name, key="session_id", row=from_step),
)
_COLUMNS = frozenset(TABLE.schema.names)


def upsert_agent_state(
    agent_id: str, session_id: str | None = None, *, store: Reader | None = None, **columns: object
) -> None:
    """Update the given columns of a session's row, or append the row; never overwrite the rest.

    Durable when it returns, from any process. A running session writes its own state over it at
    its next tick: to steer one, enqueue an action.

    Raises: RowInvalidError for an unknown column or a value that does not fit it, JournalError.
    """
    if unknown := set(columns) - _COLUMNS | set(columns) & {"journal_n"}:
        raise RowInvalidError(
            f"agent_state has no column {', '.join(sorted(unknown))}; "
            f"expected some of {', '.join(sorted(_COLUMNS - {'journal_n'}))}"
        )
    as_arrow(
        TABLE,
        dict.fromkeys(TABLE.schema.names)
        | {"agent_id": agent_id, "session_id": session_id or agent_id}
        | {name: _as_text(value) for name, value in columns.items()},
    )
    reading = store or reader()

    def make() -> Record:
        now = datetime.now(UTC)
        row: dict[str, Any] = dict.fromkeys(TABLE.schema.names)
        row |= {"status": "stopped", "iteration": 0, "created_at": now}
        row |= get_agent_state(agent_id, session_id, store=reading) or {}
        row |= {"agent_id": agent_id, "session_id": session_id or agent_id, "updated_at": now}
        row |= {name: _as_text(value) for name, value in columns.items()}
        return as_record(TABLE, row)

    reading.append(make)


def get_agent_state(
    agent_id: str, session_id: str | None = None, *, store: Reader | None = None
) -> dict[str, Any] | None:
    """The newest state of the session (the agent's own if none is named); None if unknown."""

    def read(session_id: str) -> list[dict[str, Any]]:
        own = {"session_id": session_id}
        where = f"session_id = {quoted(session_id)}"
        # Rows are flushed in their order: a journalled one is newer than the table's.
        return (store or reader()).joined(TABLE, own, where, newest=True, enough=bool)

    rows = in_either_form(session_id or agent_id, read)
    # Rows from before there was a journal have no number.
    found = max(rows, key=lambda row: row["journal_n"] or 0, default=None)
    return found if found is not None and is_same(found["agent_id"], agent_id) else None


def get_agent_states(
    session_ids: Sequence[str], *, store: Reader | None = None
) -> dict[str, dict[str, Any]]:
    """The newest state of each of these sessions that there is, by the id as it is on record."""
    found = (store or reader()).joined_each(TABLE, session_ids, newest=True)
    # Rows from before there was a journal have no number.
    return {
        session_id: max(rows, key=lambda row: row["journal_n"] or 0)
        for session_id, rows in found.items()
        if rows
    }


def list_agent_states(
    status: Collection[str] | None = None, *, store: Reader | None = None
) -> list[dict[str, Any]]:
    """The newest state of every session, by agent and session, of all or of the given statuses."""
    rows = each_agent_state(status, store=store)
    return sorted(rows, key=lambda row: (row["agent_id"], row["session_id"]))


def each_agent_state(
    status: Collection[str] | None = None, *, store: Reader | None = None
) -> Iterator[dict[str, Any]]:
    """The same rows one after the other in no order, so that they need not all be in memory."""
    # The filter is applied after the join: the journal may hold a newer status.
    for row in (store or reader()).newest(TABLE):
        if status is None or row["status"] in status:
            yield row


def _as_text(value: object) -> object:
    return json.dumps(value) if isinstance(value, dict | list) else value
