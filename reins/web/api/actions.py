"""The queue: actions and what became of them."""

from typing import Annotated, Any, Literal

from pydantic import Field

from reins.web.api.context import api_context
from reins.web.http.fields import ActionPath, Digits, Input, Words
from reins.web.http.openapi import group
from reins.web.http.paging import cursor_of, parts_of
from reins.web.http.problem import refusals, unknown
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


@api.get("/api/actions/<segment:action_id>", responses={200: ActionRow, **refusals(404)})
def get_action(path: ActionPath) -> dict[str, Any]:
    """One action and its outcome."""
    found = queue_reading.get_actions(api_context().bridge.store, [path.action_id])
    if not found:
        raise unknown("action", path.action_id)
    return action_row(found[0])
