"""Boards: their values by key, and changing one by compare-and-set."""

from typing import Annotated, Any

from flask import Response
from pydantic import Field

import queue_imp
from agent_core.actions.actors import Actor
from agent_core.actions.boards import BoardName, checked_value
from agent_core.actions.ids import ActionError, Id
from reins.web.api.accepted import ACCEPTED, IF_ROOM, accepted
from reins.web.api.context import ApiContext, api_context
from reins.web.http.fields import (
    ActorBody,
    Digits,
    ExpectIn,
    Input,
    NotNull,
    Number,
    Words,
)
from reins.web.http.idempotency import KeyHeader
from reins.web.http.openapi import group
from reins.web.http.paging import cursor_of, parts_of
from reins.web.http.problem import RequestRefusedError, refusals, unfit, unknown
from reins.web.views.rows import Row, Wire
from store import kv
from store.times import iso

api = group("boards", "topics")
_Expect = Annotated[
    Number | None, Field(description="the version that must be there, 0 for none; else any")
]


class BoardPath(Input):
    board: BoardName


class BoardKeyPath(BoardPath):
    key: Id


class BoardQuery(Input):
    prefix: Annotated[Words, Field(description="of keys that begin so")] = ""
    limit: Annotated[int, Field(ge=1, le=1_000), Digits] = 100
    cursor: Words = ""


class BoardPutBody(ActorBody):
    value: NotNull
    expect: ExpectIn = None


class BoardDeleteQuery(Input):
    actor: Annotated[Actor, Field(description="who asks")]
    expect: _Expect = None


class BoardRow(Wire):
    """A board, and how many keys it has."""

    board: str
    keys: int


class BoardList(Wire):
    """All boards, by name."""

    items: list[BoardRow]
    next_cursor: None


class BoardValue(Wire):
    """A value; its version is the number of its change on the topic `board.` and the name."""

    board: str
    key: str
    value: Any
    version: int
    written_by: str
    written_at: str
    agent_id: str | None
    session_id: str | None


class BoardValueList(Wire):
    """A page of values, by key."""

    items: list[BoardValue]
    next_cursor: str | None


@api.get("/api/boards", responses={200: BoardList})
def list_boards() -> dict[str, Any]:
    """Boards, by name."""
    found = kv.list_boards(store=api_context().bridge.store)
    items = [{"board": name, "keys": keys} for name, keys in found.items()]
    return {"items": items, "next_cursor": None}


@api.get("/api/boards/<segment:board>", responses={200: BoardValueList})
def list_board(path: BoardPath, query: BoardQuery) -> dict[str, Any]:
    """Values of a board, by key; none of one that nobody has written to."""
    [after] = parts_of(query.cursor, str) if query.cursor else [""]
    rows = kv.list_values(
        path.board, query.prefix, after=after, limit=query.limit + 1,
        store=api_context().bridge.store,
    )  # fmt: skip
    shown = rows[: query.limit]
    more = len(shown) < len(rows)
    return {
        "items": [_shown(row) for row in shown],
        "next_cursor": cursor_of(shown[-1]["key"]) if more else None,
    }


@api.get("/api/boards/<segment:board>/<segment:key>", responses={200: BoardValue, **refusals(404)})
def get_board_value(path: BoardKeyPath) -> dict[str, Any]:
    """The value of a key."""
    return _shown(_there(api_context(), path))


@api.put(
    "/api/boards/<segment:board>/<segment:key>",
    responses={**IF_ROOM, **refusals(400, 409, 413, 415)},
)
def put_board_value(path: BoardKeyPath, header: KeyHeader, body: BoardPutBody) -> Response:
    """Give a key a value; the outcome names its version. The first one makes the board."""
    context = api_context()

    def make() -> dict[str, Any]:
        try:
            value = checked_value(body.value)
        except ActionError as error:
            raise unfit("body.value", str(error)) from None
        _check(kv.get_value(path.board, path.key, store=context.bridge.store), path, body.expect)
        return queue_imp.create_action(
            "board_put", body.actor, board=path.board, key=path.key, value=value,
            expect=body.expect,
        )  # fmt: skip

    return accepted(context, header, make)


@api.delete(
    "/api/boards/<segment:board>/<segment:key>", responses={**ACCEPTED, **refusals(404, 409)}
)
def delete_board_value(path: BoardKeyPath, query: BoardDeleteQuery) -> Response:
    """Take a key and its value away."""
    context = api_context()

    def make() -> dict[str, Any]:
        _check(_there(context, path), path, query.expect)
        return queue_imp.create_action(
            "board_delete", query.actor, board=path.board, key=path.key, expect=query.expect
        )

    return accepted(context, KeyHeader(), make)


def _there(context: ApiContext, path: BoardKeyPath) -> Row:
    row = kv.get_value(path.board, path.key, store=context.bridge.store)
    if row is None:
        raise unknown("key", path.key, f"see GET /api/boards/{path.board}")
    return row


def _check(row: Row | None, path: BoardKeyPath, expect: int | None) -> None:
    """Refuse at once what the worker would reject, unless the version changes until then."""
    there = 0 if row is None else row["version"]
    if expect is not None and expect != there:
        raise RequestRefusedError(
            409,
            f"key {path.key!r} of board {path.board} is at version {there}, expected {expect}; "
            "read it, and decide again",
        )


def _shown(row: Row) -> dict[str, Any]:
    fields = {name: row[name] for name in BoardValue.model_fields if name != "written_at"}
    return fields | {"written_at": iso(row["written_at"])}
