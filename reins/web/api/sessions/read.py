"""Sessions as they are: the list, one in detail, and what it does at this moment."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import orjson
from pydantic import AfterValidator, Field

from agent_core.session.mood import MOODS
from agent_core.session.restoring import destroyed
from agent_core.session.status import Status
from reins.web.api.context import ApiContext, api_context
from reins.web.api.paths import SessionPath
from reins.web.http.fields import Digits, Input, Words
from reins.web.http.openapi import group
from reins.web.http.paging import cursor_of, parts_of
from reins.web.http.problem import refusals, unknown
from reins.web.views.budgets import ScopeBudget, budget_rows
from reins.web.views.rows import Row, Wire
from reins.web.views.search import search
from reins.web.views.sessions import SessionSummary
from store import agent_state, agent_steps, agents_config
from store.times import iso, now_us

api = group("sessions", "sessions")

_ENDED = frozenset(status.value for status in Status if status.ended)


def _statuses(value: str) -> str:
    known = [status.value for status in Status]
    for name in value.split(",") if value else ():
        if name not in known:
            raise ValueError(f"{name!r:.40} is not a status; expected some of {', '.join(known)}")
    return value


def _moods(value: str) -> str:
    for name in value.split(",") if value else ():
        if name not in MOODS:
            raise ValueError(f"{name!r:.40} is not a mood; expected some of {', '.join(MOODS)}")
    return value


class SessionsQuery(Input):
    status: Annotated[
        str,
        AfterValidator(_statuses),
        Field(
            description="one or more statuses, separated by commas",
            json_schema_extra={"pattern": rf"^(({'|'.join(Status)})(,({'|'.join(Status)}))*)?$"},
        ),
    ] = ""
    mood: Annotated[
        str,
        AfterValidator(_moods),
        Field(
            description="one or more moods, separated by commas",
            json_schema_extra={"pattern": rf"^(({'|'.join(MOODS)})(,({'|'.join(MOODS)}))*)?$"},
        ),
    ] = ""
    agent_type: Words = ""
    q: Annotated[
        Words, Field(description="words of names, and field:value; see GET /api/vocabulary")
    ] = ""
    limit: Annotated[int, Field(ge=1, le=5_000), Digits] = 100
    cursor: Words = ""


class SessionList(Wire):
    """A page of sessions, by agent and session.

    `counts` are of all sessions, by status, and `moods` by mood.
    """

    items: list[SessionSummary]
    next_cursor: str | None
    counts: dict[str, int]
    moods: dict[str, int]


class SessionNow(Wire):
    """The work of a session at this moment; next_tick_at is null while a tick is in flight."""

    ticking: bool
    tick_began_at: str | None
    next_tick_at: str | None
    failures: int
    max_failures: int


class SessionNowAnswer(Wire):
    """`now` is null where the worker is another process, or the session has ended."""

    now: SessionNow | None


class FinalResult(Wire):
    """The result of an ended session; times are microseconds since 1970, UTC.

    `payload` is what its type reports beside the output, such as a task's files and facts.
    """

    status: Literal["stopped", "completed", "failed"]
    state: dict[str, Any]
    output: str | None
    error: str | None
    audit: dict[str, int]
    times: dict[str, int]
    payload: dict[str, Any] | None = None


class SessionDetail(SessionSummary):
    """A session in full. `context` is the agent's own state, `result` its latest output, whole.

    `restorable_until`: a destroy of it can be taken back until then.
    `budget` has the limits of the session, its agent, its tree if it has one, and the day, with
    what was taken.
    """

    config: dict[str, Any]
    context: dict[str, Any]
    result: str | None
    guided: int
    restorable_until: str | None
    budget: list[ScopeBudget]
    final: FinalResult | None
    created_by: str | None
    now: SessionNow | None


@api.get("/api/sessions", responses={200: SessionList})
def list_sessions(query: SessionsQuery) -> dict[str, Any]:
    """Sessions that fit all of the filters."""
    index = api_context().current()
    agent_id, session_id = parts_of(query.cursor, str, str) if query.cursor else ("", "")
    items, more = index.page(_filter(query), (agent_id, session_id), query.limit)
    last = items[-1] if more else None
    return {
        "items": items,
        "next_cursor": None if last is None else cursor_of(last["agent_id"], last["session_id"]),
        "counts": index.counts(),
        "moods": index.counts("mood"),
    }


@api.get("/api/sessions/<segment:session_id>", responses={200: SessionDetail, **refusals(404)})
def get_session(path: SessionPath) -> dict[str, Any]:
    """One session in full."""
    context = api_context()
    summary = seen(context, path.session_id)
    store = context.bridge.store
    config = agents_config.get_agent_config(path.session_id, store=store) or {}
    row = agent_state.get_agent_state(summary["agent_id"], path.session_id, store=store) or {}
    snapshot = orjson.loads(row.get("snapshot") or "{}")
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    return {
        **summary,
        "config": orjson.loads(config.get("config") or "{}"),
        "context": orjson.loads(row.get("context") or "{}"),
        "result": row.get("result"),
        "guided": snapshot.get("guided", 0),
        "budget": budget_rows(
            snapshot,
            context.bridge.account_of(summary["agent_id"]),
            context.bridge.account_of_tree(summary["root_session_id"] or path.session_id),
            today,
        ),
        **_ending(context, summary),
        "created_by": config.get("created_by"),
        "now": context.bridge.session_now(path.session_id),
    }


@api.get(
    "/api/sessions/<segment:session_id>/now",
    responses={200: SessionNowAnswer, **refusals(404)},
)
def get_session_now(path: SessionPath) -> dict[str, Any]:
    """The work of one session at this moment."""
    context = api_context()
    seen(context, path.session_id)
    return {"now": context.bridge.session_now(path.session_id)}


def seen(context: ApiContext, session_id: str) -> dict[str, Any]:
    """The session in a line. Raises: RequestRefusedError where there is none."""
    found = context.current().get(session_id)
    if found is None:
        raise unknown("session", session_id)
    return found


def _filter(query: SessionsQuery) -> Callable[[Row], bool]:
    statuses = frozenset(query.status.split(",")) if query.status else None
    moods = frozenset(query.mood.split(",")) if query.mood else None
    searched = search(query.q)

    def fits(row: Row) -> bool:
        if statuses is not None and row["status"] not in statuses:
            return False
        if moods is not None and row["mood"] not in moods:
            return False
        if query.agent_type not in ("", row["agent_type"]):
            return False
        return searched(row)

    return fits


def _ending(context: ApiContext, summary: dict[str, Any]) -> dict[str, Any]:
    """The FinalResult, and until when a destroy can be undone, from the newest rows of the log."""
    found: dict[str, Any] = {"final": None, "restorable_until": None}
    if summary["status"] not in _ENDED:
        return found
    last = agent_steps.list_steps(
        summary["session_id"], max(0, summary["seq"] - 2), 4, store=context.bridge.store
    )
    if last and (destroy := destroyed(last[-1])) is not None and destroy.until > now_us():
        found["restorable_until"] = iso(destroy.until)
    for row in reversed(last):
        if row["kind"] == "final" and row["payload"]:
            found["final"] = orjson.loads(row["payload"])["result"]
            break
    return found
