"""A person's change of a memory beyond sessions, as its row. Brings `reins.mind` along: 50 ms."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from agent_core.actions.payloads import MemoryPut, MemoryRestore, ToMemory
from store.times import now_us

if TYPE_CHECKING:
    from reins.mind import Memories, MemoryRow, Stamp
    from store.journal.file import Record


class Asking(Protocol):
    """The action that asks for it."""

    action_id: str

    @property
    def actor(self) -> str: ...


def changed(
    view: "Memories", asked: ToMemory, action: Asking, rows: Sequence[Mapping[str, Any]]
) -> "tuple[MemoryRow, Record]":
    """The row, and its record; `rows` are all of the key. Raises: MindError."""
    from reins.mind import Lineage, Stamp  # noqa: PLC0415
    from reins.mind.rows import record_of  # noqa: PLC0415

    lineage = Lineage(actor=action.actor, message_id=action.action_id)
    stamp = Stamp(action.action_id, now_us(), action.actor, lineage)
    row = _row(view, asked, stamp, rows)
    view.followed_by(row).check_room(row.scope)
    owner = {"session_id": "", "agent_id": asked.agent_id or "", "life": None}
    return row, record_of(row, owner, None)


def _row(
    view: "Memories", asked: ToMemory, stamp: "Stamp", rows: Sequence[Mapping[str, Any]]
) -> "MemoryRow":
    from reins.mind import forget, memories_from, put, restore  # noqa: PLC0415

    scope, expect = asked.scope, asked.expect
    if isinstance(asked, MemoryPut):
        return put(
            view, asked.key, asked.value, stamp, scope=scope, expect=expect,
            expires_at=_after(stamp, asked.expires_in_s),
        )  # fmt: skip
    if isinstance(asked, MemoryRestore):
        version: Any = asked.version
        kept = memories_from(row for row in rows if row["version"] == version)
        return restore(
            view, asked.key, stamp, version=kept[0] if kept else version, scope=scope,
            expect=expect, expires_at=_after(stamp, asked.expires_in_s),
        )  # fmt: skip
    return forget(view, asked.key, stamp, scope=scope, expect=expect)


def _after(stamp: "Stamp", seconds: float | None) -> int | None:
    return None if seconds is None else stamp.at + round(seconds * 1e6)
