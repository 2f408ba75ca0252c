"""A destroy that can be taken back: which row tells of one, until when, and what it settled."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import orjson

from agent_core.session.decisions import SessionItems
from agent_core.session.status import Status
from store.times import to_us

RESTORE_S = 600
"""So long after a destroy it can be taken back."""


class Stopping(Protocol):
    """The part of a session that its end settles."""

    inbox: SessionItems

    @property
    def session_id(self) -> str: ...


def settled_by_stop(session: Stopping) -> dict[str, Any]:
    """The part of the final row's payload that a restore undoes beside the session itself."""
    standing = session.inbox.standing(session.session_id)
    return {} if standing is None else {"settled_by_stop": standing}


@dataclass(frozen=True, slots=True)
class Destroyed:
    """A destroy as the final row of a log tells of it. **Units**: microseconds since 1970, UTC."""

    seq: int
    at: int
    actor: str | None
    items: Mapping[str, str]
    rules: tuple[str, ...]

    @property
    def until(self) -> int:
        return self.at + RESTORE_S * 1_000_000


def destroyed(row: Mapping[str, Any]) -> Destroyed | None:
    """The destroy that the newest row of a log tells of; None if it tells of none."""
    if row["kind"] != "final" or orjson.loads(row["state"])["status"] != Status.STOPPED:
        return None
    payload = orjson.loads(row["payload"] or "{}")
    settled = payload.get("settled_by_stop") or {}
    at = row["created_at"]
    return Destroyed(
        seq=row["seq"],
        at=at if isinstance(at, int) else to_us(at),
        actor=payload.get("actor"),
        items=settled.get("items") or {},
        rules=tuple(settled.get("rules") or ()),
    )
