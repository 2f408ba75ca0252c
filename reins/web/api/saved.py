"""Saved views, searches and templates: those of all who open the page, and saving one."""

from typing import Any, Literal

import orjson
from flask import Response
from pydantic import Field, ValidationError

import queue_imp
from agent_core.actions.ids import Id
from agent_core.actions.payloads import ViewSave
from reins.web.api.accepted import IF_ROOM, accepted
from reins.web.api.context import api_context
from reins.web.http.fields import ActorBody, Input
from reins.web.http.idempotency import KeyHeader
from reins.web.http.openapi import group
from reins.web.http.problem import RequestRefusedError, flaw, refusals
from reins.web.views.rows import Row, Wire
from store import saved
from store.times import iso

api = group("saved", "sessions")


class SavedQuery(Input):
    kind: Literal["view", "search", "template"] | None = None


class SaveBody(ActorBody):
    name: Id
    kind: Literal["view", "search", "template"] = "view"
    content: dict[str, Any] | None = Field(
        None,
        description='of a view or a search {"query": …}, as in the page\'s address; of a template '
        '{"agent_type", "config"?, "description"?}; null removes it',
    )


class Saved(Wire):
    kind: str
    name: str
    content: dict[str, Any]
    saved_by: str
    saved_at: str


class SavedList(Wire):
    """All that are saved, by kind and name."""

    items: list[Saved]


@api.get("/api/saved", responses={200: SavedList})
def list_saved(query: SavedQuery) -> dict[str, Any]:
    """Views of the list, searches and templates of sessions, shared by all who open the page."""
    rows = saved.list_saved(query.kind, store=api_context().bridge.store)
    return {"items": [_shown(row) for row in rows]}


@api.post("/api/saved", responses={**IF_ROOM, **refusals(400, 413, 415)})
def save(header: KeyHeader, body: SaveBody) -> Response:
    """Save a view, a search or a template, in place of what bears its name; or remove it."""

    def make() -> dict[str, Any]:
        asked = body.model_dump(include={"name", "kind", "content"}, exclude_none=True)
        try:
            ViewSave.model_validate(asked)
        except ValidationError as error:
            flaws = [flaw("body.content", each) for each in error.errors(include_url=False)[:20]]
            raise RequestRefusedError(
                422, f"the content is not that of a {body.kind}", flaws
            ) from None
        return queue_imp.create_action("view_save", body.actor, **asked)

    return accepted(api_context(), header, make)


def _shown(row: Row) -> dict[str, Any]:
    return {
        "kind": row["kind"],
        "name": row["name"],
        "content": orjson.loads(row["content"]),
        "saved_by": row["saved_by"],
        "saved_at": iso(row["saved_at"]),
    }
