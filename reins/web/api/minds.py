"""Minds of sessions: what they believe and on what that rests, what they remember; changing it."""

from collections.abc import Iterable
from typing import Annotated, Any, Literal

from flask import Response
from pydantic import AfterValidator, Field

import queue_imp
from agent_core.actions.ids import ActionError, KnownId
from agent_core.actions.memories import MAX_MEMORY_KEY, checked_memory
from reins.web.api.accepted import IF_ROOM, accepted
from reins.web.api.context import ApiContext, api_context
from reins.web.api.paths import stored_session
from reins.web.api.sessions.read import seen
from reins.web.http.fields import (
    MAX_NUMBER,
    ActorBody,
    Digits,
    ExpectIn,
    Flag,
    Input,
    NotNull,
    Number,
    Whole,
)
from reins.web.http.idempotency import KeyHeader
from reins.web.http.openapi import group
from reins.web.http.problem import refusals, unfit, unknown
from reins.web.views.minds import BeliefShown, ContradictionShown, MemoryShown
from reins.web.views.rows import Wire
from store import agents_config
from store.agent_steps import steps_at
from store.evidence import list_evidence
from store.memories import list_memories
from store.times import iso, now_us, to_us

api = group("minds", "session")

_SessionId = Annotated[KnownId, AfterValidator(stored_session)]
_Seconds = Annotated[float, Field(gt=0, le=1e10)]
_Row = dict[str, Any]


_AtSeq = Annotated[
    Number | None, Field(description="as it stood at this row of the log; else as it stands now")
]


class BeliefsQuery(Input):
    session_id: _SessionId
    at_seq: _AtSeq = None
    evidence: Annotated[
        int, Field(ge=0, le=1_000, description="so many pieces of each claim, the newest"), Digits
    ] = 50
    points: Annotated[int, Field(ge=2, le=200, description="of each curve"), Digits] = 60


class BeliefList(Wire):
    """The beliefs of a session at the moment `at`, the one with the newest evidence first; and
    those of them that contradict each other, which changes neither.
    """

    session_id: str
    at: str
    items: list[BeliefShown]
    contradictions: list[ContradictionShown]
    next_cursor: None


@api.get("/api/beliefs", responses={200: BeliefList, **refusals(404)})
def list_beliefs(query: BeliefsQuery) -> dict[str, Any]:
    """Each claim of a session: its probability, its curve, and the evidence behind it."""
    from reins.web.views import mind_folds  # noqa: PLC0415 - it takes 50 ms

    context = api_context()
    seen(context, query.session_id)
    reader = context.bridge.store
    found = _of_now(list_evidence(query.session_id, store=reader))
    rows, at = _at(query.session_id, query.at_seq, found)
    config = agents_config.get_agent_config(query.session_id, store=reader)
    claims = [] if config is None else mind_folds.claims_in(config["config"])
    shown = mind_folds.beliefs_shown(
        rows, at, most_evidence=query.evidence, points=query.points, claims=claims
    )
    return {
        "session_id": query.session_id,
        "at": iso(at),
        "items": shown,
        "contradictions": mind_folds.contradictions_shown(rows, at, claims),
        "next_cursor": None,
    }


class MemoriesQuery(Input):
    """Of a session, an agent or a scope; with none of them, of all sessions."""

    session_id: _SessionId | None = None
    at_seq: _AtSeq = None
    agent_id: KnownId | None = None
    scope: Literal["session", "agent", "shared"] | None = None
    key: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    versions: Flag = Field(
        default=False, description="all versions, not the newest of each key alone"
    )
    cursor: Number = 0
    limit: Annotated[int, Field(ge=1, le=1_000), Digits] = 100


class MemoryList(Wire):
    """Memories in the order in which they were written."""

    items: list[MemoryShown]
    next_cursor: str | None


@api.get("/api/memories", responses={200: MemoryList, **refusals(404)})
def list_all_memories(query: MemoriesQuery) -> dict[str, Any]:
    """Memories of sessions: the newest version of each key, or all versions."""
    from reins.web.views.mind_folds import memory_shown  # noqa: PLC0415

    context = api_context()
    if query.session_id is not None:
        seen(context, query.session_id)
    elif query.at_seq is not None:
        raise unfit("query.at_seq", "a row is one of a session; give its session_id too")
    reader = context.bridge.store
    found = list_memories(
        query.session_id, agent_id=query.agent_id, scope=query.scope, key=query.key, store=reader
    )
    rows, now = _at(query.session_id, query.at_seq, _of_now(found))
    newest = {_owner(row): row["memory_id"] for row in rows}
    for scope in sorted({row["scope"] for row in rows} - {"session"}):  # others write them, too
        written = list_memories(scope=scope, store=reader)
        newest |= {_owner(row): row["memory_id"] for row in written if to_us(row["at"]) <= now}
    last = frozenset(newest.values())
    listed = [row for row in rows if query.versions or row["memory_id"] in last]
    after = [row for row in listed if row["journal_n"] > query.cursor]
    shown = after[: query.limit]
    return {
        "items": [
            memory_shown(row, held=row["memory_id"] in last and _is_held(row, now)) for row in shown
        ],
        "next_cursor": str(shown[-1]["journal_n"]) if len(after) > len(shown) else None,
    }


def _at(session_id: str | None, seq: int | None, rows: list[_Row]) -> tuple[list[_Row], int]:
    """Those that were there at a row of the session's log, and its moment; else all, and now."""
    if session_id is None or seq is None:
        return rows, now_us()
    row = next(steps_at(session_id, [seq], store=api_context().bridge.store), None)
    if row is None:
        raise unknown("row", f"{seq} of {session_id}", "see GET /api/sessions/SESSION/steps")
    return [each for each in rows if each["seq"] <= seq], to_us(row["created_at"])


def _owner(row: _Row) -> tuple[str, str, str]:
    """The place of a memory: its scope, whose it is there, its key."""
    whose = {"session": row["session_id"], "agent": row["agent_id"]}.get(row["scope"], "")
    return row["scope"], whose, row["key"]


def _of_now(rows: Iterable[_Row]) -> list[_Row]:
    """Those of the lives that sessions have now, and all that are of no session."""
    sessions = api_context().current()
    lives: dict[str, object] = {}
    found = []
    for row in rows:
        name = row["session_id"]
        if name not in lives:
            lives[name] = (sessions.get(name) or {}).get("created_at")
        if row.get("scope", "session") != "session" or iso(row["life"]) == lives[name]:
            found.append(row)
    return found


def _is_held(row: _Row, now: int) -> bool:
    expires_at = row["expires_at"]
    return row["kind"] != "forget" and (expires_at is None or to_us(expires_at) > now)


class MemoryBody(ActorBody):
    """Whose memory: `session_id` goes with the scope session, `agent_id` with agent, none with
    shared. `expect`: the version that must be there, 0 for none.
    """

    scope: Literal["session", "agent", "shared"] = "session"
    session_id: _SessionId | None = None
    agent_id: KnownId | None = None
    key: Annotated[str, Field(min_length=1, max_length=MAX_MEMORY_KEY)]
    expect: ExpectIn = None


class MemoryPutBody(MemoryBody):
    value: NotNull
    expires_in_s: _Seconds | None = None


class MemoryForgetBody(MemoryBody):
    pass


class MemoryRestoreBody(MemoryBody):
    version: Annotated[
        Annotated[int, Field(ge=1, le=MAX_NUMBER), Whole] | None,
        Field(description="without it the newest with a value before this"),
    ] = None
    expires_in_s: _Seconds | None = None


class EvidenceUndoBody(ActorBody):
    session_id: _SessionId
    ids: Annotated[list[KnownId], Field(min_length=1, max_length=100)]
    text: Annotated[str, Field(max_length=1_000)] = ""


_ANSWERS = {**IF_ROOM, **refusals(400, 404, 413, 415)}


@api.post("/api/memories", responses=_ANSWERS)
def put_memory(header: KeyHeader, body: MemoryPutBody) -> Response:
    """Give a memory a value, on record as the actor's."""
    try:
        checked_memory(body.value)
    except ActionError as error:
        raise unfit("body.value", str(error)) from None
    return _change("memory_put", header, body)


@api.post("/api/memories/forget", responses=_ANSWERS)
def forget_memory(header: KeyHeader, body: MemoryForgetBody) -> Response:
    """Let a memory be recalled no more."""
    return _change("memory_forget", header, body)


@api.post("/api/memories/restore", responses=_ANSWERS)
def restore_memory(header: KeyHeader, body: MemoryRestoreBody) -> Response:
    """Bring a version of a memory back."""
    return _change("memory_restore", header, body)


@api.post("/api/evidence/undo", responses=_ANSWERS)
def undo_evidence(header: KeyHeader, body: EvidenceUndoBody) -> Response:
    """Take evidence of a session back, as if it had never been said."""
    context = api_context()

    def make() -> _Row:
        line = seen(context, body.session_id)
        return queue_imp.create_action(
            "evidence_undo", body.actor, agent_id=line["agent_id"], session_id=body.session_id,
            ids=body.ids, text=body.text,
        )  # fmt: skip

    return accepted(context, header, make)


def _change(action_type: str, header: KeyHeader, body: MemoryBody) -> Response:
    context = api_context()

    def make() -> _Row:
        parts = body.model_dump(exclude={"actor", "session_id", "agent_id"}, exclude_none=True)
        return queue_imp.create_action(action_type, body.actor, **_whose(context, body), **parts)

    return accepted(context, header, make)


def _whose(context: ApiContext, body: MemoryBody) -> dict[str, Any]:
    """The ids of the action. Raises: RequestRefusedError."""
    given = {"session": body.session_id, "agent": body.agent_id}
    for scope, value in given.items():
        if (value is not None) != (scope == body.scope):
            wanted = f"{scope}_id goes with the scope {scope}, and only with it"
            raise unfit("body", f"{wanted}; the scope is {body.scope}")
    if body.session_id is not None:
        return {
            "agent_id": seen(context, body.session_id)["agent_id"], "session_id": body.session_id
        }  # fmt: skip
    return {} if body.agent_id is None else {"agent_id": body.agent_id}
