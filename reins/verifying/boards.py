"""Boards: what a key holds is what the newest announcement about it says."""

from collections.abc import Iterator
from typing import Any

import orjson

from reins.verifying.facts import Facts
from reins.verifying.finding import Finding
from store import kv, messages
from store.lance.tables import Row
from store.topics import is_topic, message_of, topic_in

_MESSAGE = ["conversation_id", "number", "text", "metadata"]


def boards_announced(facts: Facts) -> Iterator[Finding]:
    """Each change is announced, under its version, and each announcement is a change."""
    said = _said(facts)
    for found in facts.snapshot.rows(kv.TABLE):
        row = found.row
        place = row["board"], row["key"]
        version, value = said.get(place, (0, None))
        about = {"board": row["board"], "key": row["key"], "journal_n": found.number}
        if row["version"] > version:
            why = f"version {row['version']} is announced nowhere"
            yield Finding("boards_announced", why, about)
        if row["version"] != version:
            continue  # an older one; the newest comes, or is missing below
        said.pop(place, None)
        if _value(row) != value:
            why = f"version {version} has another value than was announced"
            yield Finding("boards_announced", why, about)
    for (board, key), (version, _) in said.items():
        why = f"version {version} was announced, and is no row"
        yield Finding("boards_announced", why, {"board": board, "key": key})


def _value(row: Row) -> Any:
    try:
        return None if row["value"] is None else orjson.loads(row["value"])
    except ValueError:
        return row  # equal to nothing that was announced


def _said(facts: Facts) -> dict[tuple[str, str], tuple[int, Any]]:
    """The newest announcement about each key: its number and value, None where it was deleted."""
    newest: dict[tuple[str, str], tuple[int, Any]] = {}
    for found in facts.snapshot.rows(messages.TABLE, _MESSAGE):
        row = found.row
        named = row["conversation_id"]
        board = kv.board_of(topic_in(named)) if is_topic(named) else None
        if board is None:
            continue
        said = _read(row)
        place = board, str(said.get("key"))
        if row["number"] > newest.get(place, (0, None))[0]:
            newest[place] = row["number"], said.get("value")
    return newest


def _read(row: Row) -> dict[str, Any]:
    """The announcement; empty where it is none, which is then missed."""
    try:
        said = message_of(row)
    except (ValueError, TypeError):
        return {}
    return said if isinstance(said, dict) else {}
