"""Schedules: what is published to a topic, and when."""

from typing import Annotated, Any

import orjson
from flask import Response
from pydantic import Field

import queue_imp
from agent_core.actions.actors import Actor
from agent_core.actions.ids import ActionError, KnownId
from agent_core.actions.payloads import CatchUp
from agent_core.actions.scheduling import OWN, ScheduleId
from agent_core.actions.topics import OpenTopic, checked_message
from agent_core.actions.when import MAX_WHEN, read_when
from reins.web.api.accepted import ACCEPTED, IF_ROOM, accepted
from reins.web.api.context import ApiContext, api_context
from reins.web.http.fields import ActorBody, Input
from reins.web.http.idempotency import KeyHeader
from reins.web.http.openapi import group
from reins.web.http.problem import RequestRefusedError, refusals, unfit, unknown
from reins.web.views.rows import Row, Wire
from store import schedules
from store.times import iso

api = group("schedules", "topics")
_Words = Annotated[str, Field(min_length=1, max_length=MAX_WHEN)]


class ScheduleNewPath(Input):
    schedule_id: ScheduleId


class SchedulePath(Input):
    schedule_id: KnownId


class ScheduleBody(ActorBody):
    topic: OpenTopic
    when: Annotated[
        str,
        Field(
            min_length=1,
            max_length=MAX_WHEN,
            description="`every:5m`, or `cron:0 9 * * 1-5`",
        ),
    ]
    zone: Annotated[_Words, Field(description="time zone of a cron expression")] = "UTC"
    catch_up: Annotated[
        CatchUp, Field(description="what is made up for of the runs that no worker was there for")
    ] = "latest"
    message: Annotated[
        Any, Field(description="JSON, or a text; null: which schedule it is, and when it was due")
    ] = None


class ScheduleActBody(ActorBody):
    pass


class ScheduleRemoveQuery(Input):
    actor: Annotated[Actor, Field(description="who asks")]


class ScheduleRow(Wire):
    """A schedule; `session_id` is that of the session whose configuration has made it."""

    schedule_id: str
    topic: str
    session_id: str | None
    when: str
    zone: str
    catch_up: str
    paused_by: str | None
    last_at: str | None
    next_at: str | None
    message: Any
    created_by: str
    created_at: str


class ScheduleList(Wire):
    """All schedules, by id."""

    schedules: list[ScheduleRow]


@api.get("/api/schedules", responses={200: ScheduleList})
def list_schedules() -> dict[str, Any]:
    """Schedules of people and of agents, by id."""
    rows = schedules.list_schedules(store=api_context().bridge.store)
    return {"schedules": [_shown(row) for row in rows]}


@api.put("/api/schedules/<segment:schedule_id>", responses={**IF_ROOM, **refusals(400, 413, 415)})
def set_schedule(path: ScheduleNewPath, header: KeyHeader, body: ScheduleBody) -> Response:
    """Publish to a topic when it is due; under an id that is there, change that."""

    def make() -> dict[str, Any]:
        _check(body)
        asked = body.model_dump(exclude={"actor"}, exclude_none=True)
        return queue_imp.create_action(
            "schedule_set", body.actor, schedule_id=path.schedule_id, **asked
        )

    return accepted(api_context(), header, make)


@api.post(
    "/api/schedules/<segment:schedule_id>/pause",
    responses={**IF_ROOM, **refusals(400, 404, 413, 415)},
)
def pause_schedule(path: SchedulePath, header: KeyHeader, body: ScheduleActBody) -> Response:
    """Let it rest; what is due meanwhile is left out."""
    return _act(path, header, "schedule_pause", body.actor, paused=True)


@api.post(
    "/api/schedules/<segment:schedule_id>/resume",
    responses={**IF_ROOM, **refusals(400, 404, 413, 415)},
)
def resume_schedule(path: SchedulePath, header: KeyHeader, body: ScheduleActBody) -> Response:
    """Let it go on, from the next time that it is due."""
    return _act(path, header, "schedule_pause", body.actor, paused=False)


@api.post(
    "/api/schedules/<segment:schedule_id>/run",
    responses={**IF_ROOM, **refusals(400, 404, 413, 415)},
)
def run_schedule(path: SchedulePath, header: KeyHeader, body: ScheduleActBody) -> Response:
    """Publish now, once more than it is due; its outcome names the message's number."""
    return _act(path, header, "schedule_run", body.actor)


@api.delete("/api/schedules/<segment:schedule_id>", responses={**ACCEPTED, **refusals(404, 409)})
def remove_schedule(path: SchedulePath, query: ScheduleRemoveQuery) -> Response:
    """End it; an agent's own ends with its session."""
    if path.schedule_id.startswith(OWN):
        _there(api_context(), path.schedule_id)
        raise RequestRefusedError(
            409,
            f"schedule {path.schedule_id} is an agent's own, and ends with its session; pause it, "
            "or destroy the session",
        )
    return _act(path, KeyHeader(), "schedule_remove", query.actor)


def _act(
    path: SchedulePath, header: KeyHeader, action_type: str, actor: str, **parts: Any
) -> Response:
    context = api_context()

    def make() -> dict[str, Any]:
        _there(context, path.schedule_id)
        return queue_imp.create_action(action_type, actor, schedule_id=path.schedule_id, **parts)

    return accepted(context, header, make)


def _there(context: ApiContext, schedule_id: str) -> None:
    if schedules.get_schedule(schedule_id, store=context.bridge.store) is None:
        raise unknown("schedule", schedule_id, "see GET /api/schedules")


def _check(body: ScheduleBody) -> None:
    """Raises: RequestRefusedError naming the part that does not fit."""
    try:
        read_when(body.when, body.zone)
    except ActionError as error:
        where = "zone" if str(error).startswith("zone") else "when"
        raise unfit(f"body.{where}", str(error)) from None
    if body.message is not None:
        try:
            checked_message(body.message)
        except ActionError as error:
            raise unfit("body.message", str(error)) from None


def _shown(row: Row) -> dict[str, Any]:
    shown = {name: row[name] for name in ScheduleRow.model_fields}
    shown["message"] = None if row["message"] is None else orjson.loads(row["message"])
    return shown | {name: iso(row[name]) for name in ("last_at", "next_at", "created_at")}
