"""The tools that answer: decisions about the inbox, and rules revoked."""

from typing import Any, Literal

from pydantic import Field

from agent_core.actions.action import create_action
from agent_core.actions.deciding import decision_about
from reins.mcp_server.acting import SENT, Acting, sent
from reins.mcp_server.errors import RefusedError
from reins.mcp_server.tool import Call, Name, ServedTool
from store import approval_rules, inbox


class Decide(Acting):
    item_id: Name
    decision: Literal["approve", "edit", "reject", "answer"]
    args: dict[str, Any] | None = Field(
        None, description="with edit: the whole arguments of the call, as they should be"
    )
    text: str = Field("", description="with answer: the answer to the question")
    reason: str = Field("", description="with reject: why; the agent reads it")
    call_hash: str = Field(
        "", description="the item's, as you saw it: a call that changed since is refused"
    )


class RevokeRule(Acting):
    rule_id: Name


def _decide(call: Call) -> dict[str, Any]:
    given: Decide = call.arguments
    parts = (("args", given.args is not None, "edit"), ("text", bool(given.text), "answer"))
    for name, is_there, decision in parts:
        if is_there != (given.decision == decision):
            raise RefusedError(f"{name} goes with the decision {decision}, and with no other")

    def make() -> dict[str, Any]:
        item = _open_item(call)
        if given.call_hash:
            item = {**item, "call_hash": given.call_hash}
        return decision_about(
            item,
            call.desk.actor,
            given.decision,
            args=given.args,
            text=given.text or None,
            reason=given.reason or None,
        )

    return sent(call, make)


def _open_item(call: Call) -> dict[str, Any]:
    item_id = call.arguments.item_id
    item = inbox.get_item(item_id, store=call.desk.store)
    if item is None:
        raise RefusedError(f"there is no item {item_id!r}; list_inbox shows those that wait")
    if item["state"] != inbox.OPEN:
        by = f" by {item['decided_by']}" if item["decided_by"] else ""
        raise RefusedError(f"item {item_id!r} is {item['state']}{by}; nothing is left to decide")
    return item


def _revoke_rule(call: Call) -> dict[str, Any]:
    rule_id = call.arguments.rule_id

    def make() -> dict[str, Any]:
        rule = approval_rules.get_rule(rule_id, store=call.desk.store)
        if rule is None or rule["revoked_at"] is not None:
            raise RefusedError(f"there is no rule {rule_id!r} that holds; see list_rules")
        return create_action("rule_revoke", call.desk.actor, rule_id=rule_id)

    return sent(call, make)


ANSWERING = (
    ServedTool(
        "decide",
        "Decide about an item of the inbox",
        "Approve, edit or reject a call that waits for a person, or answer a question. An approved "
        "call is made as it stands: look at its arguments and its risk first, and let your user "
        f"decide what is of high risk. {SENT}",
        Decide,
        _decide,
        destroys=True,
        reaches_out=True,
    ),
    ServedTool(
        "revoke_rule",
        "Revoke a rule of approval",
        f"Let a rule of approval hold no longer. {SENT}",
        RevokeRule,
        _revoke_rule,
        destroys=True,
        repeats=True,
    ),
)
