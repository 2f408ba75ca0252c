"""A decision about one item on its way: if it can be, and the rows that it leaves."""

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import orjson

from agent_core.actions.payloads import Remember
from agent_core.inbox.held import Held, HeldItems
from agent_core.inbox.item import Call, as_json, call_of
from agent_core.inbox.remembering import rule_row
from agent_core.inbox.rules import Rules, rule_of
from agent_core.session.decisions import Decision, DecisionRejectedError, Recorded, Reviewed
from store import approval_rules, inbox
from store.times import iso, now_us

_TAKES: dict[str, tuple[str, ...]] = {
    "approval": ("approve", "edit", "reject"),
    "question": ("answer", "reject"),
}


def check_row(row: Mapping[str, Any], decision: Decision) -> None:
    """Check a decision against the item as it is. Raises: DecisionRejectedError."""
    item_id, state = row["item_id"], row["state"]
    if state != inbox.OPEN:
        raise DecisionRejectedError(f"item {item_id} {became(row)}; nothing is left to decide")
    if decision.decision == "expire":
        return
    takes = _TAKES[row["kind"]]
    if decision.decision not in takes:
        raise DecisionRejectedError(
            f"the decision is {decision.decision!r}, item {item_id} is a {row['kind']}; "
            f"expected {' or '.join(takes)}"
        )
    if decision.call_hash and decision.call_hash != row["call_hash"]:
        raise DecisionRejectedError(
            f"the decision is about another call than item {item_id} asks for (call_hash "
            f"{decision.call_hash:.12}…, not {row['call_hash']:.12}…); look at it again"
        )
    if decision.decision == "edit" and decision.args is None:
        raise DecisionRejectedError("an edit needs args, the whole arguments of the call")
    if decision.decision != "edit" and decision.args is not None:
        raise DecisionRejectedError(f"args were given with {decision.decision!r}; expected 'edit'")
    if decision.decision == "answer" and not (decision.text or "").strip():
        raise DecisionRejectedError("an answer needs a text that is not empty")


def became(row: Mapping[str, Any]) -> str:
    """The end of an item that is open no more, as in "was approved by ann at …, and has run"."""
    state = row["state"]
    by = f" by {row['decided_by']}" if row["decided_by"] and row["decision"] != "expire" else ""
    at = f" at {iso(row['decided_at'])}" if row["decided_at"] else ""
    done = _ALLOWED.get(row["decision"] or "")
    if done is None or state == done:
        return f"is {state}{by}{at}"
    return f"was {done}{by}{at}, and {'has run' if state == 'ran' else f'is {state}'}"


_ALLOWED = {"approve": "approved", "edit": "edited"}


class ItemDecided:
    """One item, as its session decides it."""

    def __init__(
        self,
        held: HeldItems,
        rules: Rules,
        decided: "Counter[tuple[str, str]]",
        item_id: str,
        *,
        action_id: str = "",
        remember: Remember | None = None,
    ) -> None:
        self._items = held
        self._rules = rules
        self._decided = decided
        self._item_id = item_id
        self._action_id = action_id
        self._remember = remember

    def check(self, decision: Decision) -> None:
        held = self._held()
        check_row(held.row, decision)
        if held.over and decision.decision != "expire":
            raise DecisionRejectedError(
                f"item {self._item_id} expired at {iso(held.row['expires_at'])}; "
                "what it asked for is not done. Tell the session what to do instead."
            )

    def recording(
        self, decision: Decision, reviewed: Reviewed | None
    ) -> AbstractContextManager[Recorded]:
        row = self._held().row | _decided(decision, self._action_id, now_us()) | _edited(reviewed)
        if decision.allows:
            self._check_denied(call_of(row))
        made = None
        if self._remember is not None:
            made = rule_row(self._remember, decision, call_of(row), row["decided_at"])
            row["rule_id"] = made["rule_id"]
        return self._recording(row, made, decision.call_hash)

    @contextmanager
    def _recording(
        self, row: dict[str, Any], rule: Mapping[str, Any] | None, call_hash: str
    ) -> Iterator[Recorded]:
        held = self._held()
        before = held.row
        records = [inbox.record(row), *([] if rule is None else [approval_rules.record(rule)])]
        self._items.put(held, row, settled=row["state"] not in inbox.UNSETTLED)
        try:
            yield Recorded(records, _said(row) | {"call_hash": call_hash})
        except BaseException:
            self._items.put(held, before, settled=False)
            raise
        self._decided[row["kind"], row["decision"]] += 1
        if rule is not None:
            self._rules.add(rule_of(rule))

    def _check_denied(self, call: Call) -> None:
        rule = self._rules.decide(call)
        if rule is not None and not rule.allows:
            raise DecisionRejectedError(
                f"rule {rule.rule_id} of {rule.created_by} denies it: {rule.told()}; "
                "revoke the rule first"
            )

    def _held(self) -> Held:
        held = self._items.get(self._item_id)
        if held is None:
            raise DecisionRejectedError(
                f"item {self._item_id} is settled; nothing is left to decide"
            )
        return held


def _decided(decision: Decision, action_id: str, now: int) -> dict[str, Any]:
    return {
        "state": decision.state,
        "decision": decision.decision,
        "decided_by": decision.actor,
        "decided_at": now,
        "decided_action": action_id or None,
        "reason": decision.reason,
        "answer": decision.text,
    }


def _said(row: Mapping[str, Any]) -> dict[str, Any]:
    """The item's part of the payload of the decision's row."""
    said = {name: row[name] for name in _SHOWN if row[name] is not None}
    if row["final_args"] is not None:
        said["args"] = orjson.loads(row["final_args"])
    return said


_SHOWN = (
    "item_id", "kind", "tool", "decision", "state", "risk", "reason", "answer", "rule_id",
)  # fmt: skip


def _edited(reviewed: Reviewed | None) -> dict[str, Any]:
    """The columns of an edited call; what was asked for stays in `args`."""
    if reviewed is None:
        return {}
    return {
        "final_args": as_json(reviewed.args),
        "risk": reviewed.risk,
        "reasons": as_json([*reviewed.reasons]),
        "preview": as_json(reviewed.preview),
        "aspects": as_json(reviewed.aspects),
    }
