"""The tools that act: each puts one action in the queue, and returns its receipt."""

from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import Field

from agent_core.actions.action import create_action
from agent_core.actions.deciding import decision_about
from agent_core.session.status import Verb
from reins.mcp_server.errors import RefusedError
from reins.mcp_server.tool import SHARED, Arguments, Call, Name, ServedTool
from store import approval_rules, conversations, inbox, queue_reading

MAX_WAIT_S = 30.0
SENT = (
    "Returns the receipt of the action: its outcome is applied, rejected, or queued if the worker "
    "has not done it within wait_s."
)
"""The end of the description of each tool that acts."""


class Acting(Arguments):
    """Arguments that every tool that acts takes."""

    wait_s: float = Field(
        10.0, ge=0, le=MAX_WAIT_S, description="seconds to wait for the outcome; 0: do not wait"
    )
    idempotency_key: str = Field(
        "",
        max_length=255,
        description="your own name for this call: sent again with the same key, after an "
        "interruption say, it has its effect once",
    )


class OfSession(Acting):
    session_id: Name


class WithReason(OfSession):
    reason: str = ""


class CreateSession(Acting):
    agent_id: Name
    session_id: str = Field("", description="the agent's own, if left out")
    agent_type: str = Field("joke", description="joke, persona, task, or a type of your own")
    config: dict[str, Any] = Field(
        default_factory=dict,
        description='the fields of the type\'s configuration; for a task {"goal": …}',
    )


class Steer(OfSession):
    guidance: Annotated[
        dict[str, Any] | str, Field(description="a text, or the fields of the type's guidance")
    ]
    mode: Literal["steer", "now"] = Field(
        "steer", description="now also aborts the tick in flight; nothing that it did is kept"
    )


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


class CreateConversation(Acting):
    conversation_id: Name
    title: str = ""


class PostMessage(Acting):
    conversation_id: Name
    text: str = Field(min_length=1, pattern=r"\S")


def _sent(call: Call, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    given = {k: v for k, v in call.given.items() if k not in SHARED}
    return call.desk.send(
        given,
        make,
        key=call.arguments.idempotency_key,
        wait_s=call.arguments.wait_s,
        rest=call.rest,
    )


def _to_session(call: Call, action_type: str, verb: Verb, **payload: Any) -> dict[str, Any]:
    def make() -> dict[str, Any]:
        ids = call.desk.target(call.arguments.session_id, verb)
        return create_action(
            action_type,
            call.desk.actor,
            agent_id=ids["agent_id"],
            session_id=ids["session_id"],
            **payload,
        )

    return _sent(call, make)


def _create_session(call: Call) -> dict[str, Any]:
    given: CreateSession = call.arguments

    def make() -> dict[str, Any]:
        return create_action(
            "create_agent",
            call.desk.actor,
            agent_id=given.agent_id,
            session_id=given.session_id or None,
            agent_type=given.agent_type,
            config=given.config or None,
        )

    return _sent(call, make)


def _steer(call: Call) -> dict[str, Any]:
    given: Steer = call.arguments
    if not given.guidance:
        raise RefusedError("guidance is empty; say in it what the session should do differently")
    return _to_session(
        call, "agent_interrupt", "interrupt", guidance=given.guidance, mode=given.mode
    )


def _pause(call: Call) -> dict[str, Any]:
    return _to_session(call, "agent_pause", "pause", reason=call.arguments.reason or None)


def _resume(call: Call) -> dict[str, Any]:
    return _to_session(call, "agent_resume", "resume")


def _destroy(call: Call) -> dict[str, Any]:
    return _to_session(call, "agent_destroy", "destroy", reason=call.arguments.reason or None)


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

    return _sent(call, make)


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

    return _sent(call, make)


def _create_conversation(call: Call) -> dict[str, Any]:
    given: CreateConversation = call.arguments

    def make() -> dict[str, Any]:
        return create_action(
            "conversation_create",
            call.desk.actor,
            conversation_id=given.conversation_id,
            title=given.title or None,
        )

    return _sent(call, make)


def _post_message(call: Call) -> dict[str, Any]:
    given: PostMessage = call.arguments

    def make() -> dict[str, Any]:
        known = conversations.as_stored(given.conversation_id, store=call.desk.store)
        if conversations.get_conversation(known, store=call.desk.store) is None and not _opening(
            call, known
        ):
            raise RefusedError(
                f"there is no conversation {known!r}; make it with create_conversation"
            )
        return create_action(
            "post_message", call.desk.actor, conversation_id=known, text=given.text
        )

    return _sent(call, make)


def _opening(call: Call, conversation_id: str) -> bool:
    """True if its creation is in the queue: it is there when the message is taken up."""
    waiting = queue_reading.waiting(call.desk.store, ["conversation_create"])
    return conversation_id in [
        queue_reading.payload_of(row).get("conversation_id") for row in waiting
    ]


ACTING = (
    ServedTool(
        "create_session",
        "Create a session",
        "Create a session of an agent, which begins to work at once; one that has ended goes on "
        f"with its log. {SENT}",
        CreateSession,
        _create_session,
        reaches_out=True,
    ),
    ServedTool(
        "steer",
        "Steer a session",
        "Give a running session new guidance, without cancelling its work: it is applied at the "
        f"session's next safe point. {SENT}",
        Steer,
        _steer,
        reaches_out=True,
    ),
    ServedTool(
        "pause",
        "Pause a session",
        f"Pause a session at its next safe point, when no tick is in flight. {SENT}",
        WithReason,
        _pause,
        repeats=True,
    ),
    ServedTool(
        "resume",
        "Resume a session",
        f"Let a paused or failed session go on, with a tick at once. {SENT}",
        OfSession,
        _resume,
        repeats=True,
        reaches_out=True,
    ),
    ServedTool(
        "destroy",
        "End a session",
        f"End a session for good; its log stays. {SENT}",
        WithReason,
        _destroy,
        destroys=True,
        repeats=True,
    ),
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
    ServedTool(
        "create_conversation",
        "Create a conversation",
        f"Create a conversation, in which personas and people can speak. {SENT}",
        CreateConversation,
        _create_conversation,
    ),
    ServedTool(
        "post_message",
        "Post a message",
        "Say something in a conversation; its personas may answer. "
        f"The author is the actor of this server. {SENT}",
        PostMessage,
        _post_message,
        reaches_out=True,
    ),
)
"""Each is one action type, so what an assistant may do is what a person may."""
