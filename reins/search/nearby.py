"""The rows beside a hit: what was said before it, and after."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from store import agent_steps, messages
from store.reading import Reader
from store.times import iso

MOST = 5
"""Rows on each side."""
_CHARS = 300
Place = tuple[str, str]
"""`step` and a session, or `message` and a conversation."""
Row = Mapping[str, Any]


def rows_nearby(
    hits: Iterable[Row], around: int, store: Reader
) -> dict[tuple[Place, int], list[dict[str, Any]]]:
    """By the place and number of each hit, the rows on both sides of it, oldest first.

    Shapes: `number`, `kind`, `actor`, `at`, `text`. Hits that stand in no order have none.
    """
    numbers: dict[Place, set[int]] = defaultdict(set)
    for row in hits:
        place = place_of(row)
        if place is not None and row["number"] is not None:
            numbers[place].add(row["number"])
    found = {}
    for place, own in numbers.items():
        beside = {at for n in own for at in _beside(n, around)}
        rows = {row["number"]: row for row in _read(place, sorted(beside), store)}
        for n in own:
            found[place, n] = [rows[at] for at in _beside(n, around) if at in rows]
    return found


def place_of(row: Row) -> Place | None:
    """The place of a passage in whose order it stands; None if it stands in none."""
    match row["source"]:
        case "step":
            return "step", row["session_id"]
        case "message":
            return "message", row["conversation_id"]
    return None


def _beside(number: int, around: int) -> list[int]:
    return [at for at in range(max(1, number - around), number + around + 1) if at != number]


def _read(place: Place, numbers: list[int], store: Reader) -> Iterable[dict[str, Any]]:
    kind, owner = place
    if kind == "step":
        for row in agent_steps.steps_at(owner, numbers, store=store):
            yield _shown(row, row["seq"], row["kind"], None)
        return
    for number in numbers:
        for row in messages.list_messages(owner, number - 1, 1, store=store):
            yield _shown(row, row["number"], "message", row["author"])


def _shown(row: Row, number: int, kind: str, actor: str | None) -> dict[str, Any]:
    text = "\n".join(part for part in (row["text"], row.get("error")) if part)
    return {
        "number": number,
        "kind": kind,
        "actor": actor,
        "at": iso(row["created_at"]),
        "text": text[:_CHARS],
    }
