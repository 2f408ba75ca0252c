"""The tools that steer sessions: create, steer, pause, resume and destroy."""

from typing import Annotated, Any, Literal

from pydantic import Field

from agent_core.actions.action import create_action
from agent_core.session.status import Verb
from reins.mcp_server.acting import SENT, Acting, sent
from reins.mcp_server.errors import RefusedError
from reins.mcp_server.tool import Call, Name, ServedTool


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

    return sent(call, make)


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

    return sent(call, make)


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


def _restore(call: Call) -> dict[str, Any]:
    return _to_session(call, "agent_restore", "restore")


STEERING = (
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
        f"End a session; its log stays. {SENT}",
        WithReason,
        _destroy,
        destroys=True,
        repeats=True,
    ),
    ServedTool(
        "restore",
        "Take the end of a session back",
        f"Take a destroy back, within ten minutes: the session goes on as it was. {SENT}",
        OfSession,
        _restore,
        repeats=True,
        reaches_out=True,
    ),
)
