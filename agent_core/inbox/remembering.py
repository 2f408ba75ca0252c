"""A decision that is to hold from then on becomes a rule, if it may."""

import uuid
from typing import Any, Literal

from agent_core.actions.payloads import Remember
from agent_core.inbox.fixed import Fixed, beside_argv, may_follow, plain, runs_code
from agent_core.inbox.item import Call
from agent_core.inbox.rules import may_allow, scope_id_of
from agent_core.session.decisions import Decision, DecisionRejectedError


def rule_row(remember: Remember, decision: Decision, call: Call, created_at: int) -> dict[str, Any]:
    """The row of the rule that a decision asks for. Raises: DecisionRejectedError."""
    effect: Literal["allow", "deny"] = "allow" if decision.allows else "deny"
    if decision.kind != "approval" or decision.decision == "expire":
        raise DecisionRejectedError("only the approval or rejection of a call can be remembered")
    if effect == "allow" and not may_allow(call):
        why = (
            "a shell line or a command that runs another"
            if call.aspects.shell
            else f"a call of {call.risk} risk"
        )
        raise DecisionRejectedError(
            f"{why} is never remembered: it asks each time. Approve it without remember."
        )
    fixed = _fixed(remember, call, allows=effect == "allow")
    if fixed.argv is not None and effect == "allow" and (beside := beside_argv(call)):
        raise DecisionRejectedError(
            f"a rule for an argv holds for commands without {' or '.join(beside)}; leave argv out, "
            "to remember the call as it stands"
        )
    if not fixed.covers(call, every=effect == "allow"):
        raise DecisionRejectedError(
            f"the rule would not hold for the call that it was made for: {fixed.told()}; "
            "fix what the call has, or leave argv, paths and hosts out"
        )
    return {
        "rule_id": f"rule_{uuid.uuid4().hex}",
        "effect": effect,
        "scope": remember.scope,
        "scope_id": scope_id_of(remember.scope, call),
        "tool": call.tool,
        "spec": call.aspects.spec,
        "fixed": fixed.stored(),
        "item_id": decision.item_id,
        "created_by": decision.actor,
        "created_at": created_at,
        "revoked_by": None,
        "revoked_at": None,
        "revoked_action": None,
    }


def _fixed(remember: Remember, call: Call, *, allows: bool) -> Fixed:
    """The part that is fixed; where none is named, the call as it is."""
    aspects = call.aspects
    if remember.anything and allows and runs_code(call):
        raise DecisionRejectedError(
            f"{call.tool} runs commands or code; name the argv that is to be allowed, or leave it "
            "out for the call as it stands, but not anything"
        )
    if remember.anything:
        return Fixed(anything=True)
    if remember.argv is None and remember.paths is None and remember.hosts is None:
        if aspects.argv is not None and not beside_argv(call):
            return Fixed(argv=aspects.argv, hosts=aspects.hosts or None)
        return Fixed(args=plain(call.args), call=aspects.call)
    if allows and remember.argv is not None and remember.more and not may_follow(remember.argv):
        raise DecisionRejectedError(
            f"after {' '.join(remember.argv):.200} any command may follow, for all that is known; "
            "more goes with ls, cat, grep and their like, and with git status, diff, log and show. "
            "Remember the whole argv, without more"
        )
    if odd := [host for host in remember.hosts or () if not host.isascii()]:
        raise DecisionRejectedError(
            f"the host {odd[0]!r:.200} is not written as it is sent; expected ASCII, as in "
            f"{', '.join(call.aspects.hosts) or 'xn--bcher-kva.example'}"
        )
    return Fixed(
        argv=None if remember.argv is None else tuple(remember.argv),
        more=remember.more,
        paths=None if remember.paths is None else tuple(remember.paths),
        hosts=None if remember.hosts is None else tuple(remember.hosts),
    )
