"""Descriptions of actions as passages: what somebody did, and why."""

from collections.abc import Iterable, Iterator
from typing import Any

from reins.search.passages import Passage, in_one_form, number_of
from store.queue import reading
from store.reading import Reader
from store.times import EPOCH, to_us

Row = dict[str, Any]
_AT_ONCE = 2_000
"""Numbers of actions that are looked at in one round."""
_WORDS = {"note_add": "text"}
"""Texts that stand in no row that is searched; those of guidance and messages do."""


def described_after(number: int, store: Reader) -> tuple[list[Passage], int]:
    """The passages of actions numbered above `number`, and how far it has looked."""
    newest = reading.newest_number(store)
    if newest <= number:
        return [], number
    upto = min(newest, number + _AT_ONCE)
    return list(_described(reading.numbered(store, number, upto))), upto


def newest_described(number: int, store: Reader) -> list[Passage]:
    """Those of the newest actions above `number`: what one search looks through itself."""
    newest = reading.newest_number(store)
    after = max(number, newest - _AT_ONCE)
    return [] if newest <= after else list(_described(reading.numbered(store, after, newest)))


def _described(rows: Iterable[Row]) -> Iterator[Passage]:
    """Those that say more than what was done: that is their kind."""
    for row in rows:
        payload = reading.payload_of(row)
        said = (row["description"], payload.get("reason"), payload.get(_WORDS.get(row["type"], "")))
        text = "\n".join(dict.fromkeys(each for each in said if isinstance(each, str)))
        if not text.strip():
            continue
        yield Passage(
            n=number_of("action", row["action_id"]), source="action",
            session_id=row["session_id"] or row["agent_id"],
            conversation_id=_text(payload.get("conversation_id")), agent_id=row["agent_id"],
            agent_type=None, kind=row["type"], actor=row["actor"], number=None,
            at=to_us(row["created_at"] or EPOCH), cost_usd=None, text=in_one_form(text),
            action_id=row["action_id"],
        )  # fmt: skip


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
