"""Rows of the store as a mirror has them: a key, a value, and the number that guards it."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import orjson

from reins import redaction
from store import agent_state, agent_steps, kv, memories
from store.lance.tables import Row, Table
from store.reading import Reader
from store.times import iso

FOLLOWED: tuple[Table, ...] = (agent_steps.TABLE, agent_state.TABLE, memories.TABLE, kv.TABLE)
_MAX_KEY_BYTES = 900
_SESSION = (
    "agent_id", "session_id", "agent_type", "status", "iteration", "result", "error",
    "parent_session_id", "root_session_id",
)  # fmt: skip
_MEMORY = ("scope", "agent_id", "session_id", "key", "version", "kind", "source", "actor")
_BOARD = ("board", "key", "version", "written_by", "agent_id", "session_id")


class Item(NamedTuple):
    """A value for a key of a mirror; `seq` is the number of its row in the journal."""

    key: str
    value: dict[str, Any]
    seq: int


def item_of(table: str, row: Mapping[str, Any]) -> Item:
    """The item of a row, journalled or stored."""
    if table == agent_steps.TABLE.name:
        return _session(agent_state.from_step(dict(row)))
    if table == agent_state.TABLE.name:
        return _session(row)
    if table == memories.TABLE.name:
        return _memory(row)
    return _value(row)


def newest(items: Iterable[Item]) -> list[Item]:
    """Of each key the item with the highest number."""
    found: dict[str, Item] = {}
    for item in items:
        before = found.get(item.key)
        if before is None or before.seq <= item.seq:
            found[item.key] = item
    return list(found.values())


def without_keys(item: Item) -> Item:
    """The item without what has become known as a key since its row was written."""
    body = orjson.dumps(item.value)
    shown = redaction.redactor().json(body)
    return item if shown == body else item._replace(value=orjson.loads(shown))


def all_items(store: Reader) -> Iterator[Item]:
    """The newest states that there are, in no order; several of one memory may come."""
    for row in agent_state.each_agent_state(store=store):
        yield _session(row)
    for row in memories.list_memories(store=store):
        yield _memory(row)
    for row in store.newest(kv.TABLE):
        yield _value(row)


def _session(row: Mapping[str, Any]) -> Item:
    value = {name: row.get(name) for name in _SESSION}
    value |= {
        "seq": _json(row.get("history"), {}).get("seq"),
        "state": _json(row.get("context"), None),
        "waits": _json(row.get("waits"), None),
        "created_at": iso(row.get("created_at")),
        "updated_at": iso(row.get("updated_at")),
    }
    return _item(f"session/{row['session_id']}", value, row)


def _memory(row: Mapping[str, Any]) -> Item:
    whose = {"session": row["session_id"], "agent": row["agent_id"]}.get(row["scope"], "")
    value = {name: row[name] for name in _MEMORY}
    value |= {
        "value": _json(row["value"], None),
        "at": iso(row["at"]),
        "expires_at": iso(row["expires_at"]),
    }
    return _item(f"memory/{row['scope']}/{whose}/{row['key']}", value, row)


def _value(row: Mapping[str, Any]) -> Item:
    value = {name: row[name] for name in _BOARD}
    value |= {
        "value": _json(row["value"], None),
        "deleted": row["value"] is None,
        "written_at": iso(row["written_at"]),
    }
    return _item(f"board/{row['board']}/{row['key']}", value, row)


def _item(key: str, value: dict[str, Any], row: Row | Mapping[str, Any]) -> Item:
    key = key.replace("\0", "\ufffd")  # which no server keeps in a key
    if len(key.encode()) > _MAX_KEY_BYTES:
        kind = key.partition("/")[0]
        key = f"{kind}/sha256/{hashlib.sha256(key.encode()).hexdigest()}"
    seq = row["journal_n"] or 1  # one from before there was a journal
    return Item(key, {**value, "journal_n": seq}, seq)


def _json(text: Any, default: Any) -> Any:
    try:
        return default if text is None else orjson.loads(text)
    except (ValueError, TypeError):
        return default  # a row that was written by hand
