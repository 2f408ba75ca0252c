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
Order = tuple[str, str]
"""`step` and a session, or `message` and a conversation."""
Place = tuple[Order, int]
"""The order, and the row's number in it."""
Row = Mapping[str, Any]


def rows_nearby(
    hits: Iterable[Row], around: int, store: Reader
) -> dict[Place | None, list[dict[str, Any]]]:
    """By the place of each hit, the rows on both sides of it, oldest first.

    Shapes: `number`, `kind`, `actor`, `at`, `text`. Hits that stand in no order have none.
    """
    numbers: dict[Order, set[int]] = defaultdict(set)
    for row in hits:
        if (place := place_of(row)) is not None:
            order, number = place
            numbers[order].add(number)
    found: dict[Place | None, list[dict[str, Any]]] = {}
    for order, own in numbers.items():
        beside = {at for n in own for at in _beside(n, around)}
        rows = {row["number"]: row for row in _read(order, sorted(beside), store)}
        for n in own:
            found[order, n] = [rows[at] for at in _beside(n, around) if at in rows]
    return found


def place_of(row: Row) -> Place | None:
    """Where a passage stands; None of one that stands in no order."""
    if row["number"] is None:
        return None
    match row["source"]:
        case "step":
            return ("step", row["session_id"]), row["number"]
        case "message":
            return ("message", row["conversation_id"]), row["number"]
    return None


def _beside(number: int, around: int) -> list[int]:
    return [at for at in range(max(1, number - around), number + around + 1) if at != number]


def _read(order: Order, numbers: list[int], store: Reader) -> Iterable[dict[str, Any]]:
    kind, owner = order
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
