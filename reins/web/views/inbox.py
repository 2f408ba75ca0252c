"""Items of the inbox and rules of approval, as the API and the rooms show them."""

from typing import Annotated, Any, Literal

import orjson
from pydantic import Field

from agent_core.inbox.item import aspects_of
from reins.web.views.rows import Row, Wire
from store.inbox import STATES
from store.times import iso

ItemState = Annotated[str, Field(json_schema_extra={"enum": list(STATES)})]
Kind = Literal["approval", "question"]
Risk = Literal["low", "medium", "high"]


class Aspects(Wire):
    """The parts of a call that a rule can fix. `argv` is null where no command runs; a `shell`
    line is never remembered.
    """

    argv: list[str] | None
    paths: list[str]
    hosts: list[str]
    shell: bool


class InboxItem(Wire):
    """A call that needs a person's approval, or a question to one, and what became of it.

    `thought` is the agent's reason, `reasons` say why the risk is what it is. `final_args` are the
    arguments after an edit. `reason` and `answer` are the person's. `outcome_seq` is the row of the
    session's log that says what came of it.
    """

    item_id: str
    kind: Kind
    session_id: str
    root_session_id: str
    agent_id: str
    agent_type: str
    tool: str
    args: dict[str, Any]
    call_hash: str
    aspects: Aspects
    risk: Risk
    reasons: list[str]
    thought: str
    preview: dict[str, Any]
    state: ItemState
    asked_at: str
    expires_at: str | None
    decided_by: str | None
    decided_at: str | None
    decided_action: str | None
    decision: Literal["approve", "edit", "reject", "answer", "expire"] | None
    reason: str | None
    final_args: dict[str, Any] | None
    answer: str | None
    rule_id: str | None
    outcome_seq: int | None


class InboxItemDetail(InboxItem):
    """An item, with the newest decisions of people about others of its kind and tool."""

    decided_like: list[InboxItem]


class Fixed(Wire):
    """The part of a call that a rule fixes; null where that is not fixed.

    `more`: further tokens may follow those of `argv`. `args` are all arguments, as JSON.
    """

    argv: list[str] | None
    more: bool
    paths: list[str] | None
    hosts: list[str] | None
    args: str | None
    anything: bool


class ApprovalRule(Wire):
    """A decision that holds from then on; `scope_id` is a session, an agent or a type.

    `spec` is a digest of the tool's spec: a rule that allows holds for the tool as it was.
    """

    rule_id: str
    effect: Literal["allow", "deny"]
    scope: Literal["session", "agent", "type"]
    scope_id: str
    tool: str
    spec: str
    fixed: Fixed
    item_id: str
    created_by: str
    created_at: str
    revoked_by: str | None
    revoked_at: str | None


def item_row(row: Row) -> dict[str, Any]:
    """A row of `inbox`, stored or journalled, in the shape of `InboxItem`."""
    final_args = row["final_args"]
    return {
        **{name: row[name] for name in _AS_IT_IS},
        "args": orjson.loads(row["args"]),
        "aspects": _aspects(row),
        "reasons": orjson.loads(row["reasons"] or "[]"),
        "thought": row["thought"] or "",
        "preview": orjson.loads(row["preview"] or "{}"),
        "final_args": None if final_args is None else orjson.loads(final_args),
        **{name: iso(row[name]) for name in ("asked_at", "expires_at", "decided_at")},
    }


_AS_IT_IS = (
    "item_id", "kind", "session_id", "root_session_id", "agent_id", "agent_type", "tool",
    "call_hash", "risk", "state", "decided_by", "decided_action", "decision", "reason", "answer",
    "rule_id", "outcome_seq",
)  # fmt: skip


def rule_row(row: Row) -> dict[str, Any]:
    """A row of `approval_rules` in the shape of `ApprovalRule`."""
    found = orjson.loads(row["fixed"])
    return {
        **{name: row[name] for name in _RULE_AS_IT_IS},
        "fixed": {name: found.get(name) for name in Fixed.model_fields},
        **{name: iso(row[name]) for name in ("created_at", "revoked_at")},
    }


_RULE_AS_IT_IS = (
    "rule_id", "effect", "scope", "scope_id", "tool", "spec", "item_id", "created_by", "revoked_by",
)  # fmt: skip


def _aspects(row: Row) -> dict[str, Any]:
    found = aspects_of(row)
    return {
        "argv": None if found.argv is None else [*found.argv],
        "paths": [*found.paths],
        "hosts": [*found.hosts],
        "shell": found.shell,
    }
