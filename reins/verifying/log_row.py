"""A row of the log as the checks see it, parsed once."""

from dataclasses import dataclass
from typing import Any

import orjson

from agent_core.session.status import Status
from store.journal.inspection import Found

KINDS = frozenset({"status", "intent", "tick", "guidance", "error", "final"})


class RowMalformedError(ValueError):
    """A row of the log is not what a session writes."""


@dataclass(slots=True)
class LogRow:
    """One row with its snapshot, without the agent's own state; `number` is its `journal_n`."""

    number: int
    session_id: str
    agent_id: str
    seq: int
    step: int
    kind: str
    text: str
    error: str | None
    payload: str | None
    applied: list[str]
    tokens: int
    cost_usd: float
    state_bytes: int
    snapshot: dict[str, Any]
    status: Status
    usage: dict[str, Any]
    used_tokens: int

    @property
    def about(self) -> dict[str, Any]:
        return {"session_id": self.session_id, "seq": self.seq, "journal_n": self.number}

    @property
    def begins_life(self) -> bool:
        """True for the first row of a session, and for that of one that is created again."""
        return self.kind == "status" and self.text.startswith("created, ")

    @property
    def restores(self) -> bool:
        """True for the row that takes a destroy back."""
        return self.kind == "status" and self.text.startswith("restored by ")

    def said(self) -> dict[str, Any]:
        """The payload."""
        found = orjson.loads(self.payload) if self.payload else None
        return found if isinstance(found, dict) else {}


def log_row(found: Found) -> LogRow:
    """Raises: RowMalformedError."""
    row = found.row
    try:
        snapshot = orjson.loads(row["state"])
        agent = snapshot.pop("agent")
        applied = orjson.loads(row["applied_actions"] or "[]")
        made = LogRow(
            number=found.number,
            session_id=row["session_id"],
            agent_id=row["agent_id"],
            seq=int(row["seq"]),
            step=int(row["step"]),
            kind=row["kind"],
            text=row["text"] or "",
            error=row["error"],
            payload=row["payload"],
            applied=[str(action_id) for action_id in applied],
            tokens=(row["tokens_in"] or 0) + (row["tokens_out"] or 0),
            cost_usd=row["cost_usd"] or 0.0,
            state_bytes=_size(agent, row["state"]),
            snapshot=snapshot,
            status=Status(snapshot["status"]),
            usage=snapshot["usage"],
            used_tokens=snapshot["usage"]["tokens_in"] + snapshot["usage"]["tokens_out"],
        )
        _ = snapshot["agent_type"], snapshot["created_at"], snapshot["unmarked"].items()
        _ = made.said(), made.usage["cost_usd"]
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise RowMalformedError(f"{type(error).__name__}: {error}") from error
    if made.kind not in KINDS:
        raise RowMalformedError(f"its kind is {made.kind!r}; expected one of {sorted(KINDS)}")
    return made


def _size(agent: object, state: str) -> int:
    # Most are far too small to be worth the encoding.
    return len(state) if len(state) < 1 << 14 else len(orjson.dumps(agent))
