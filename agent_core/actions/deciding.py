"""The action that decides about an item of the inbox."""

from collections.abc import Mapping
from typing import Any, Literal, TypeAlias, get_args

from pydantic import ValidationError

from agent_core.actions.action import create_action
from agent_core.actions.ids import ActionError
from agent_core.actions.payloads import Remember

Choice: TypeAlias = Literal["approve", "edit", "reject", "answer"]


def decision_about(
    item: Mapping[str, Any],
    actor: str,
    decision: Choice,
    *,
    args: dict[str, Any] | None = None,
    text: str | None = None,
    reason: str | None = None,
    remember: dict[str, Any] | None = None,
    action_id: str | None = None,
) -> dict[str, Any]:
    """The action that decides about an item as it was read: if that has changed, it is refused.

    It is not written. Raises: ActionError.
    """
    if decision not in get_args(Choice):
        expected = ", ".join(get_args(Choice))
        raise ActionError(f"decision is {decision!r}; expected one of {expected}")
    return create_action(
        "inbox_decide",
        actor,
        agent_id=item["agent_id"],
        session_id=item["session_id"],
        action_id=action_id,
        item_id=item["item_id"],
        decision=decision,
        call_hash=item["call_hash"],
        args=args,
        text=text,
        reason=reason,
        remember=_checked(remember),
    )


def why_alone(item: Mapping[str, Any], decision: Choice) -> str | None:
    """The reason why this cannot be decided together with others; None where it can."""
    if item["risk"] != "high" or decision == "reject":
        return None
    return f"item {item['item_id']} is of high risk: it is decided alone, after a look at it"


def _checked(remember: dict[str, Any] | None) -> dict[str, Any] | None:
    if remember is None:
        return None
    try:
        return Remember.model_validate(remember).model_dump(exclude_none=True)
    except ValidationError as error:
        [first, *_] = error.errors(include_url=False)
        where = ".".join(map(str, first["loc"])) or "remember"
        raise ActionError(
            f"remember does not fit: {where}: {first['msg']}; expected scope (session, agent or "
            "type) and, where it is not the call as it stands, argv, more, paths, hosts or anything"
        ) from None
