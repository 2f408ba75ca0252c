"""Rules of approval: decisions that hold from then on, for exactly the part of a call they fix.

A rule that allows never holds for a call of high risk, for a shell line, or for a tool whose spec
has changed since. A rule that denies wins over any that allows.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import orjson

from agent_core.inbox.fixed import Fixed
from agent_core.inbox.item import Call
from store.times import now_us, to_us


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. `scope_id` is a session's id, an agent's id or a type, as `scope` says."""

    rule_id: str
    effect: Literal["allow", "deny"]
    scope: Literal["session", "agent", "type"]
    scope_id: str
    tool: str
    spec: str
    fixed: Fixed
    item_id: str
    created_by: str
    created_at: int

    @property
    def allows(self) -> bool:
        return self.effect == "allow"

    def covers(self, call: Call) -> bool:
        """True if the rule decides on this call."""
        if self.tool != call.tool or self.scope_id != scope_id_of(self.scope, call):
            return False
        if self.allows and not (may_allow(call) and self.spec == call.aspects.spec):
            return False
        # Of several paths or hosts one that is denied denies the call; all must be allowed.
        return self.fixed.covers(call, every=self.allows)

    def told(self) -> str:
        """The rule in a line."""
        verb = "is allowed" if self.allows else "is denied"
        return f"{self.tool} {verb}, {self.fixed.told()}, for {self.scope} {self.scope_id}"


def may_allow(call: Call) -> bool:
    """True if a rule may ever allow this call."""
    return call.risk != "high" and not call.aspects.shell


def scope_id_of(scope: str, call: Call) -> str:
    """The id that a rule of this scope names for this call."""
    ids = {"session": call.session_id, "agent": call.agent_id, "type": call.agent_type}
    return ids[scope]


def rule_of(row: Mapping[str, Any]) -> Rule:
    """The rule of a stored row, or of one that is about to be written."""
    at = row["created_at"]
    return Rule(
        rule_id=row["rule_id"],
        effect=row["effect"],
        scope=row["scope"],
        scope_id=row["scope_id"],
        tool=row["tool"],
        spec=row["spec"] or "",
        fixed=Fixed.restored(orjson.loads(row["fixed"])),
        item_id=row["item_id"],
        created_by=row["created_by"],
        created_at=at if isinstance(at, int) else to_us(at),
    )


def holding(rule: Rule) -> dict[str, Any]:
    """The row of a rule that holds."""
    return {
        **{name: getattr(rule, name) for name in _KEPT},
        "fixed": rule.fixed.stored(),
        "revoked_by": None,
        "revoked_at": None,
        "revoked_action": None,
    }


def revoked(rule: Rule, *, by: str, action_id: str | None = None) -> dict[str, Any]:
    """The row of a rule that holds no longer, from now on."""
    end = {"revoked_by": by, "revoked_at": now_us(), "revoked_action": action_id}
    return holding(rule) | end


_KEPT = (
    "rule_id", "effect", "scope", "scope_id", "tool", "spec", "item_id", "created_by", "created_at",
)  # fmt: skip


class Rules:
    """The rules that hold, by tool. Lives on the worker's loop."""

    def __init__(self) -> None:
        self._by_tool: dict[str, dict[str, Rule]] = {}

    def __len__(self) -> int:
        return sum(map(len, self._by_tool.values()))

    def decide(self, call: Call) -> Rule | None:
        """The rule that allows or denies this call; None: a person decides."""
        of_tool = self._by_tool.get(call.tool)
        if not of_tool:
            return None
        covering = [rule for rule in of_tool.values() if rule.covers(call)]
        return next((rule for rule in covering if not rule.allows), next(iter(covering), None))

    def add(self, rule: Rule) -> None:
        self._by_tool.setdefault(rule.tool, {})[rule.rule_id] = rule

    def remove(self, rule_id: str) -> Rule | None:
        """The rule holds no longer; returns it, None if it did not hold."""
        for of_tool in self._by_tool.values():
            if (rule := of_tool.pop(rule_id, None)) is not None:
                return rule
        return None

    def get(self, rule_id: str) -> Rule | None:
        return next((r[rule_id] for r in self._by_tool.values() if rule_id in r), None)

    def of_session(self, session_id: str) -> Iterable[Rule]:
        """The rules for this session alone."""
        every = [rule for of_tool in self._by_tool.values() for rule in of_tool.values()]
        return [r for r in every if r.scope == "session" and r.scope_id == session_id]
