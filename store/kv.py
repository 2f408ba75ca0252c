"""Boards: values by key that agents and people share, each under a version of its own."""

from collections.abc import Mapping
from typing import Any

import orjson
import pyarrow as pa

from store.journal.file import Record
from store.journal.rows import own_record
from store.lance.tables import JOURNAL_N, STAMP, TEXT, Table, quoted
from store.reading import Reader, reader

TABLE = Table(
    "kv",
    pa.schema(
        [
            ("kv_id", TEXT),
            ("board", TEXT),
            ("key", TEXT),
            ("value", TEXT),
            ("version", pa.int64()),
            ("written_by", TEXT),
            ("written_at", STAMP),
            ("agent_id", TEXT),
            ("session_id", TEXT),
            ("action_id", TEXT),
            JOURNAL_N,
        ]
    ),
    key="kv_id",
    indices={"kv_id": "BTREE", "board": "BTREE"},
)
_TOPIC = "board."


def topic_of(board: str) -> str:
    """The topic that announces the changes of a board; a change's version is its number there."""
    return f"{_TOPIC}{board}"


def board_of(topic: str) -> str | None:
    """The board whose changes a topic announces; None for any other topic."""
    return topic.removeprefix(_TOPIC) if topic.startswith(_TOPIC) else None


def kv_id(board: str, key: str) -> str:
    """The id of the row of a key."""
    return f"{board}/{key}"


def record(row: Mapping[str, Any]) -> Record:
    """The journal's record of a row; its time is microseconds since 1970, its value JSON or None
    where the key is deleted.
    """
    return own_record(TABLE, row)


def get_value(board: str, key: str, *, store: Reader | None = None) -> dict[str, Any] | None:
    """The value of a key with its version, and who has written it; None where there is none."""
    own = {"board": board, "kv_id": kv_id(board, key)}
    where = f"kv_id = {quoted(own['kv_id'])}"
    rows = (store or reader()).joined(TABLE, own, where)
    return _held(rows[-1]) if rows else None


def list_values(
    board: str,
    prefix: str = "",
    *,
    after: str = "",
    limit: int | None = None,
    store: Reader | None = None,
) -> list[dict[str, Any]]:
    """The values of a board whose keys begin so, by key, from the key after `after` on."""
    rows = (store or reader()).joined(TABLE, {"board": board}, f"board = {quoted(board)}")
    newest = {row["key"]: row for row in rows}
    keys = sorted(key for key in newest if key > after and key.startswith(prefix))
    held = (_held(newest[key]) for key in keys)
    return [row for row in held if row is not None][:limit]


def list_boards(*, store: Reader | None = None) -> dict[str, int]:
    """The boards that were ever written to, by name, each with the number of its keys."""
    found: dict[str, int] = {}
    for row in (store or reader()).newest(TABLE):
        found[row["board"]] = found.get(row["board"], 0) + (row["value"] is not None)
    return dict(sorted(found.items()))


def newest_rows(*, store: Reader | None = None) -> list[dict[str, Any]]:
    """The values of all boards, in no order."""
    rows = map(_held, (store or reader()).newest(TABLE))
    return [row for row in rows if row is not None]


def _held(row: Mapping[str, Any]) -> dict[str, Any] | None:
    """The row with its value read; None where the key is deleted."""
    if row["value"] is None:
        return None
    return {**row, "value": orjson.loads(row["value"])}
