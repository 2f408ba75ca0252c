"""Facts: who stands to whom in which relation, since when, and on whose word."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, Field

from agent_core.actions.facts import (
    MAX_NAME_CHARS,
    MAX_SOURCE_CHARS,
    MAX_TIME_CHARS,
)
from agent_core.actions.ids import KnownId
from reins.web.api.context import ApiContext, api_context
from reins.web.api.paths import stored_session
from reins.web.api.sessions.read import seen as line_of
from reins.web.http.fields import Digits, Flag, Input, Number, Words
from reins.web.http.openapi import group
from reins.web.http.problem import refusals, unfit, unknown
from reins.web.views.facts import (
    EntityShown,
    FactList,
    NeighbourList,
    PathShown,
    WhyShown,
    change_shown,
    fact_row,
    fact_shown,
)
from store.agent_state import get_agent_state
from store.facts import list_facts, newest_facts
from store.times import now_us, to_us

if TYPE_CHECKING:
    from reins.facts.near import NearNames
    from reins.facts.rows import Owner
    from reins.facts.view import Seen

api = group("facts", "search")

SessionId = Annotated[KnownId, AfterValidator(stored_session)]
Name = Annotated[Words, Field(min_length=1, max_length=MAX_NAME_CHARS)]
SourceName = Annotated[Words, Field(min_length=1, max_length=MAX_SOURCE_CHARS)]
TimeGiven = Annotated[
    Words, Field(min_length=1, max_length=MAX_TIME_CHARS, description="2019, 2019-05-01, ISO 8601")
]
FactScope = Literal["session", "agent", "shared"]
_SHARED_NAMES = "see GET /api/facts?q=, and name the session_id or agent_id whose facts they are"


class FactsQuery(Input):
    """Of a session, an agent or a scope; with none of them, of everybody."""

    session_id: SessionId | None = None
    agent_id: KnownId | None = None
    scope: FactScope | None = None
    relation: Name | None = None
    source: SourceName | None = None
    q: Annotated[Words, Field(max_length=MAX_NAME_CHARS, description="a part of a name")] = ""
    cursor: Number | None = None
    limit: Annotated[int, Field(ge=1, le=200), Digits] = 100


class SeenQuery(Input):
    """The facts that all share; with them those of an agent, or of a session and its agent."""

    session_id: SessionId | None = None
    agent_id: KnownId | None = None
    true_at: Annotated[TimeGiven | None, Field(description="a moment; without it now")] = None
    known_at: Annotated[
        TimeGiven | None,
        Field(description="as far as it was known then; else now"),
    ] = None


class EntityQuery(SeenQuery):
    history: Flag = Field(default=False, description="all facts that were ever held")


class NeighboursQuery(SeenQuery):
    relation: Name | None = None


class PathsQuery(SeenQuery):
    start: Name
    goal: Name
    steps: Annotated[int, Field(ge=1, le=6, description="facts at the most"), Digits] = 6


class EntityPath(Input):
    name: Name


class FactPath(Input):
    fact_id: KnownId


@api.get("/api/facts", responses={200: FactList, **refusals(404)})
def list_all_facts(query: FactsQuery) -> dict[str, Any]:
    """Facts as they stand, the newest first, whoever holds them, with where each comes from."""
    from reins.facts import asking  # noqa: PLC0415 - for those who ask
    from reins.facts.following import followed_facts  # noqa: PLC0415
    from reins.facts.rows import owner_of  # noqa: PLC0415

    context = api_context()
    if query.session_id is not None:
        line_of(context, query.session_id)
    reader = context.bridge.store
    rows = newest_facts(
        session_id=query.session_id, agent_id=query.agent_id, scope=query.scope,
        relation=query.relation, source=query.source, containing=query.q, before=query.cursor,
        limit=query.limit + 1, store=reader,
    )  # fmt: skip
    shown: list[dict[str, Any]] = []
    for row in rows[: query.limit]:
        with followed_facts(reader).looking(owner_of(row)) as (view, _):
            _, _, number = asking.found(view, row["fact_id"])
            shown.append(fact_row(asking.shown(view.at().held((0, number))), row))
    more = len(rows) > query.limit
    return {
        "items": shown,
        "next_cursor": str(rows[query.limit - 1]["journal_n"]) if more else None,
    }


@api.get("/api/facts/entities/<segment:name>", responses={200: EntityShown, **refusals(404)})
def get_entity(path: EntityPath, query: EntityQuery) -> dict[str, Any]:
    """All that is held about an entity, under all of its names."""
    from reins.facts import asking, near  # noqa: PLC0415
    from reins.facts.naming import normal  # noqa: PLC0415

    with _seen(query, path.name, whenever=query.history) as (seen, beside):
        told = asking.about(seen, path.name, history=query.history)
        names = near.near_names(seen, beside, normal(path.name))
    return {**told, "facts": [fact_shown(each) for each in told["facts"]], "near": names}


@api.get(
    "/api/facts/entities/<segment:name>/neighbours",
    responses={200: NeighbourList, **refusals(404)},
)
def list_neighbours(path: EntityPath, query: NeighboursQuery) -> dict[str, Any]:
    """The entities that one fact leads to."""
    from reins.facts import asking  # noqa: PLC0415

    with _seen(query, path.name) as (seen, _):
        found = asking.neighbours(seen, path.name, query.relation)
    items = [
        {"name": each["name"], "outward": each["outward"], "fact": fact_shown(each)}
        for each in found
    ]
    return {"items": items, "next_cursor": None}


@api.get("/api/facts/paths", responses={200: PathShown, **refusals(404)})
def find_path(query: PathsQuery) -> dict[str, Any]:
    """A shortest chain of facts from one entity to another."""
    from reins.facts import asking  # noqa: PLC0415
    from reins.facts.naming import FactError  # noqa: PLC0415

    with _seen(query, query.start, query.goal) as (seen, _):
        try:
            found = asking.path_between(seen, query.start, query.goal, query.steps)
        except FactError as error:
            raise unfit("query.steps", str(error)) from None
    if found is None:
        return {"names": [], "facts": []}
    return {**found, "facts": [fact_shown(each) for each in found["facts"]]}


@api.get("/api/facts/<segment:fact_id>/why", responses={200: WhyShown, **refusals(404)})
def tell_why(path: FactPath) -> dict[str, Any]:
    """On whose word a fact rests, and what was said about it since."""
    from reins.facts import asking  # noqa: PLC0415
    from reins.facts.following import followed_facts  # noqa: PLC0415
    from reins.facts.rows import owner_of  # noqa: PLC0415

    reader = api_context().bridge.store
    rows = rows_of_fact(path.fact_id)
    own = next(row for row in rows if row["op"] == "assert")
    with followed_facts(reader).looking(owner_of(own)) as (view, _):
        told = asking.told_of(view, path.fact_id, rows)
    return {
        "fact": fact_row(told, own),
        "changes": [change_shown(each) for each in told["changes"]],
        "also_said": [fact_shown(each) for each in told["also_said"]],
    }


def rows_of_fact(fact_id: str) -> list[dict[str, Any]]:
    """All that was said about a fact. Raises: RequestRefusedError where there is none."""
    rows = list_facts(fact_id=fact_id, store=api_context().bridge.store)
    if all(row["op"] != "assert" for row in rows):
        raise unknown("fact", fact_id, "see GET /api/facts")
    return rows


@contextmanager
def _seen(
    query: SeenQuery, *names: str, whenever: bool = False
) -> "Iterator[tuple[Seen, list[NearNames]]]":
    """The view that the query asks for. Raises: RequestRefusedError where a name is not known."""
    from reins.facts.fact import Moment  # noqa: PLC0415
    from reins.facts.following import followed_facts  # noqa: PLC0415

    true_at = time_in("query.true_at", query.true_at)
    known_at = time_in("query.known_at", query.known_at)
    at = None if whenever else now_us() if true_at is None else true_at
    context = api_context()
    owners = _owners(context, query)
    with followed_facts(context.bridge.store).looking(*owners) as (view, near):
        for name in names:
            if view.shown(name) is None:
                raise unknown("name", name, _SHARED_NAMES)
        yield view.at(Moment(at, known_at)), near


def _owners(context: ApiContext, query: SeenQuery) -> "tuple[Owner, ...]":
    from reins.facts.facts import owners_of  # noqa: PLC0415
    from reins.facts.rows import SHARED, of_agent, of_session  # noqa: PLC0415

    if query.session_id is None:
        return (SHARED,) if query.agent_id is None else (of_agent(query.agent_id), SHARED)
    agent_id = line_of(context, query.session_id)["agent_id"]
    state = get_agent_state(agent_id, query.session_id, store=context.bridge.store)
    if state is None:
        raise unknown("session", query.session_id)
    return owners_of(of_session(query.session_id, agent_id, to_us(state["created_at"])))


def time_in(part: str, value: str | None) -> int | None:
    """In microseconds since 1970. Raises: RequestRefusedError."""
    from reins.facts.fact import when  # noqa: PLC0415
    from reins.facts.naming import FactError  # noqa: PLC0415

    try:
        return when(value, part.partition(".")[2])
    except FactError as error:
        raise unfit(part, str(error)) from None
