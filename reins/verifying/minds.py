"""Minds of sessions: the snapshot caches the fold of what is on record."""

from collections.abc import Iterator
from typing import Any

import orjson

from reins.verifying.facts import Facts
from reins.verifying.finding import Finding
from reins.verifying.states import newest_states
from store import evidence, memories
from store.lance.tables import Row, Table


def minds_folded(facts: Facts) -> Iterator[Finding]:
    """The mind in the newest snapshot of each session is the fold of the rows of its life."""
    said, kept = _by_session(facts, evidence.TABLE), _by_session(facts, memories.TABLE)
    for session_id, state in newest_states(facts).items():
        mind = _mind_of(state)
        rows = said.get(session_id, []), kept.get(session_id, [])
        if (mind or any(rows)) and (why := _off(mind, state["created_at"], *rows)) is not None:
            yield Finding("minds_folded", why, {"session_id": session_id})


def memories_numbered(facts: Facts) -> Iterator[Finding]:
    """Beyond sessions, too, the versions of a key go from 1, each given once."""
    newest: dict[tuple[str, str, str], int] = {}
    for found in facts.snapshot.rows(memories.TABLE, ["scope", "agent_id", "key", "version"]):
        row = found.row
        if row["scope"] == "session":
            continue
        place = row["scope"], row["agent_id"] if row["scope"] == "agent" else "", row["key"]
        expected = newest.get(place, 0) + 1
        if row["version"] != expected:
            why = f"version {row['version']} of it follows version {expected - 1}"
            about = {"scope": row["scope"], "key": row["key"], "journal_n": found.number}
            yield Finding("memories_numbered", why, about)
        newest[place] = max(row["version"], expected - 1)


def _by_session(facts: Facts, table: Table) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for each in facts.snapshot.rows(table):
        found.setdefault(each.row["session_id"], []).append(each.row)
    return found


def _mind_of(state: Row) -> dict[str, Any]:
    try:
        mind = orjson.loads(state["context"]).get("mind", {})
    except (ValueError, TypeError, AttributeError):
        return {}  # written by hand
    return mind if isinstance(mind, dict) else {}


def _off(mind: dict[str, Any], life: int, said: list[Row], kept: list[Row]) -> str | None:
    from reins.mind import Beliefs, Memories, MindError, fold, fold_memories, rows  # noqa: PLC0415 - takes 50 ms  # noqa: PLC0415

    said, written = rows.of_life(said, life), rows.of_life(kept, life)
    kept = rows.of_session(kept, life)
    try:
        beliefs = Beliefs.from_json(mind.get("beliefs", {}))
        memory = Memories.from_json(mind.get("memory", {}))
        folded = fold(rows.evidence_from(said), beliefs.claims.values())
        remembered = fold_memories(rows.memories_from(kept))
    except MindError as error:
        return str(error)
    if beliefs != folded:
        return f"its beliefs are not those of its {len(said)} rows of evidence"
    if memory.without_older() != remembered.without_older():
        return f"its memories are not those of its {len(kept)} rows"
    if mind.get("acts", 0) != len(said) + len(written):
        return f"it counts {mind.get('acts', 0)} acts, and has {len(said) + len(written)} rows"
    return None
