"""Steering: what is asked of sessions that are there, and of the worker."""

from typing import Annotated, Any, Literal

from flask import Response, jsonify
from pydantic import AfterValidator, Field, ValidationError

import queue_imp
from agent_core.actions.ids import KnownId
from agent_core.agent.guidance import GuidanceRejectedError
from reins.web.api.accepted import ACCEPTED, IF_ROOM, accepted
from reins.web.api.agent_types import types_of
from reins.web.api.context import ApiContext, api_context
from reins.web.api.paths import SessionPath
from reins.web.api.sessions.targets import Target, Targets
from reins.web.http.fields import ActorBody
from reins.web.http.idempotency import Key, KeyHeader, key_of
from reins.web.http.openapi import group
from reins.web.http.problem import RequestRefusedError, flaw, refusals, unfit
from reins.web.views.rows import Wire

api = group("acts", "steering")

_REFUSALS = refusals(400, 404, 409, 413, 415)
_ANSWERS, _ANSWERS_IF_ROOM = {**ACCEPTED, **_REFUSALS}, {**IF_ROOM, **_REFUSALS}
_MAX_BULK = 1_000


def _each_once(ids: list[str]) -> list[str]:
    if len(set(ids)) < len(ids):
        raise ValueError("a session is named twice; name each once")
    return ids


class PauseBody(ActorBody):
    reason: str | None = None


class ResumeBody(ActorBody):
    mode: Annotated[
        Literal["steer", "now"], Field(description="now gives up the tick in flight, too")
    ] = "steer"


class DestroyBody(ActorBody):
    reason: str | None = None


class InterruptBody(ActorBody):
    guidance: Annotated[
        Annotated[dict[str, Any], Field(min_length=1)] | Annotated[str, Field(min_length=1)],
        Field(description="the fields of the type's guidance, or a text"),
    ]
    mode: Annotated[
        Literal["steer", "now"], Field(description="now also aborts the tick in flight")
    ] = "steer"


class BulkBody(ActorBody):
    """`guidance` goes with the verb interrupt, `mode` with it and with resume."""

    verb: Literal["pause", "resume", "destroy", "interrupt"]
    mode: Literal["steer", "now"] = "steer"
    guidance: (
        Annotated[dict[str, Any], Field(min_length=1)] | Annotated[str, Field(min_length=1)] | None
    ) = None
    session_ids: Annotated[
        list[KnownId],
        Field(min_length=1, max_length=_MAX_BULK, json_schema_extra={"uniqueItems": True}),
        AfterValidator(_each_once),
    ]
    reason: str | None = None


class ReloadBody(ActorBody):
    pass


class BulkItem(Wire):
    """One session of a bulk request: its action, or the reason for none."""

    session_id: str
    action_id: str | None
    problem: str | None


class BulkAccepted(Wire):
    items: list[BulkItem]


@api.post("/api/sessions/<segment:session_id>/pause", responses=_ANSWERS)
def pause_session(path: SessionPath, header: KeyHeader, body: PauseBody) -> Response:
    """Pause at the next safe point: applied when no tick is in flight."""
    context = api_context()

    def make() -> dict[str, Any]:
        target = Targets(context).get(path.session_id, "pause")
        return _action("agent_pause", target, body.actor, reason=body.reason)

    return accepted(context, header, make)


@api.post("/api/sessions/<segment:session_id>/resume", responses=_ANSWERS_IF_ROOM)
def resume_session(path: SessionPath, header: KeyHeader, body: ResumeBody) -> Response:
    """Let a paused or failed session go on, with a tick at once."""
    context = api_context()

    def make() -> dict[str, Any]:
        target = Targets(context).get(path.session_id, "resume")
        return _action("agent_resume", target, body.actor, mode=_now(body.mode))

    return accepted(context, header, make)


@api.post("/api/sessions/<segment:session_id>/interrupt", responses=_ANSWERS_IF_ROOM)
def interrupt_session(path: SessionPath, header: KeyHeader, body: InterruptBody) -> Response:
    """Give new guidance, without cancelling anything."""
    context = api_context()

    def make() -> dict[str, Any]:
        target = Targets(context).get(path.session_id, "interrupt")
        _check_guidance(context, target, body.guidance)
        return _action(
            "agent_interrupt", target, body.actor, guidance=body.guidance, mode=body.mode
        )

    return accepted(context, header, make)


@api.post("/api/sessions/<segment:session_id>/destroy", responses=_ANSWERS)
def destroy_session(path: SessionPath, header: KeyHeader, body: DestroyBody) -> Response:
    """End a session; its log stays."""
    context = api_context()

    def make() -> dict[str, Any]:
        target = Targets(context).get(path.session_id, "destroy")
        return _action("agent_destroy", target, body.actor, reason=body.reason)

    return accepted(context, header, make)


@api.post("/api/bulk", responses={202: BulkAccepted, **refusals(400, 413, 415, 429)})
def steer_many(header: KeyHeader, body: BulkBody) -> tuple[Response, int]:
    """The same for many sessions, in one commit; those that cannot be are named, the others are."""
    context = api_context()
    if (body.guidance is not None) != (body.verb == "interrupt"):
        raise unfit("body.guidance", "it goes with the verb interrupt, and with no other")
    key = key_of(header)
    with context.locks.of(key):
        before = key.sent_before(context.bridge.store, len(body.session_ids))
        context.bridge.confirm(before)
        actions, problems = _bulk_actions(context, body)
        actions = before or _enqueued(context, key, actions)
    ids = {action["session_id"]: action["action_id"] for action in actions}
    items = []
    for each in body.session_ids:
        problem = None if each in ids else problems.get(each, "it was refused the first time")
        items.append({"session_id": each, "action_id": ids.get(each), "problem": problem})
    return jsonify({"items": items}), 202


@api.post("/api/environment/reload", responses={**IF_ROOM, **refusals(400, 413, 415)})
def reload_environment(header: KeyHeader, body: ReloadBody) -> Response:
    """Read settings, prompts and agent types again."""

    def make() -> dict[str, Any]:
        return queue_imp.create_action("environment_reload", body.actor)

    return accepted(api_context(), header, make)


def _action(action_type: str, target: Target, actor: str, **payload: Any) -> dict[str, Any]:
    return queue_imp.create_action(
        action_type, actor, agent_id=target.agent_id, session_id=target.session_id, **payload
    )


def _now(mode: str) -> str | None:
    return mode if mode == "now" else None


def _check_guidance(context: ApiContext, target: Target, guidance: dict[str, Any] | str) -> None:
    kind = types_of(context).get(target.agent_type)
    if kind is None:
        return  # known to another process perhaps: its worker decides
    try:
        kind.parse_guidance(guidance)
    except GuidanceRejectedError as rejected:
        why = rejected.__cause__
        if not isinstance(why, ValidationError):
            raise unfit("body.guidance", str(rejected)) from None
        # Each by its own field: a form shows it there.
        flaws = [flaw("body.guidance", each) for each in why.errors(include_url=False)[:20]]
        raise RequestRefusedError(422, str(rejected), flaws) from None


def _bulk_actions(
    context: ApiContext, body: BulkBody
) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """The actions that can be, and why the others cannot, by session."""
    targets = Targets(context)
    # Neither a resume nor guidance has a reason of its own.
    more: dict[str, Any] = {"description": body.reason, "mode": _now(body.mode)}
    if body.verb in ("pause", "destroy"):
        more = {"reason": body.reason}
    elif body.guidance is not None:
        more |= {"guidance": body.guidance, "mode": body.mode}
    actions: list[dict[str, Any]] = []
    problems: dict[str, str] = {}
    for session_id in body.session_ids:
        try:
            target = targets.get(session_id, body.verb)
            if body.guidance is not None:
                _check_guidance(context, target, body.guidance)
        except RequestRefusedError as refused:
            problems[session_id] = refused.detail
        else:
            actions.append(_action(f"agent_{body.verb}", target, body.actor, **more))
    return actions, problems


def _enqueued(context: ApiContext, key: Key, actions: list[dict[str, Any]]) -> list[dict[str, Any]]:
    actions = key.put_on(actions)
    context.bridge.enqueue(actions)
    return actions
