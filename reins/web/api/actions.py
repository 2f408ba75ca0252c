"""The queue: actions and what became of them."""

from typing import Annotated, Any, Literal

from flask import Response
from pydantic import Field

from agent_core.actions.ids import ActionError
from reins.understood import understood, undo_of
from reins.web.api.accepted import IF_ROOM, accepted
from reins.web.api.context import api_context
from reins.web.http.fields import ActionPath, ActorBody, Digits, Input, Words
from reins.web.http.idempotency import KeyHeader
from reins.web.http.openapi import group
from reins.web.http.paging import cursor_of, parts_of
from reins.web.http.problem import RequestRefusedError, refusals, unknown
from reins.web.views.rows import ActionRow, Wire, action_row
from store.queue import reading as queue_reading

api = group("actions", "queue")


class ActionsQuery(Input):
    state: Literal["queued", "applied", "rejected"] | None = None
    session_id: Words = ""
    type: Words = ""
    limit: Annotated[int, Field(ge=1, le=1_000), Digits] = 100
    cursor: Words = ""


class ActionList(Wire):
    """A page of actions, the newest first."""

    items: list[ActionRow]
    next_cursor: str | None


@api.get("/api/actions", responses={200: ActionList})
def list_actions(query: ActionsQuery) -> dict[str, Any]:
    """Actions that fit all of the filters."""
    at, action_id = parts_of(query.cursor, int, str) if query.cursor else (None, "")
    rows = queue_reading.list_actions(
        api_context().bridge.store,
        state=query.state,
        session_id=query.session_id or None,
        action_type=query.type or None,
        before=None if at is None else (at, action_id),
        limit=query.limit + 1,
    )
    shown = rows[: query.limit]
    more = len(rows) > query.limit
    return {
        "items": [action_row(row) for row in shown],
        "next_cursor": cursor_of(*queue_reading.place(shown[-1])) if more else None,
    }


class ActionDetail(ActionRow):
    """An action, and of guidance the line that says what it has changed, and whether that can be
    taken back.
    """

    understood: str | None
    can_undo: bool


class UndoBody(ActorBody):
    pass


@api.get("/api/actions/<segment:action_id>", responses={200: ActionDetail, **refusals(404)})
def get_action(path: ActionPath) -> dict[str, Any]:
    """One action and its outcome."""
    row = _found(path.action_id)
    line, can_undo = understood(row, api_context().bridge.store)
    return {**action_row(row), "understood": line, "can_undo": can_undo}


@api.post(
    "/api/actions/<segment:action_id>/undo",
    responses={**IF_ROOM, **refusals(400, 404, 409, 413, 415)},
)
def undo_action(path: ActionPath, header: KeyHeader, body: UndoBody) -> Response:
    """Take guidance back that was applied, with an interrupt that has the former value."""
    context = api_context()

    def make() -> dict[str, Any]:
        try:
            return undo_of(_found(path.action_id), body.actor, context.bridge.store)
        except ActionError as error:
            raise RequestRefusedError(409, str(error)) from None

    return accepted(context, header, make)


def _found(action_id: str) -> dict[str, Any]:
    found = queue_reading.get_actions(api_context().bridge.store, [action_id])
    if not found:
        raise unknown("action", action_id)
    return found[0]
