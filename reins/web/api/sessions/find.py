"""Search in one session's log, and its whole life at a glance."""

from dataclasses import asdict
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field

from reins.web.api.context import api_context
from reins.web.api.paths import SessionPath
from reins.web.api.sessions.read import seen
from reins.web.http.fields import Digits, Flag, Input, Number, Words
from reins.web.http.openapi import group
from reins.web.http.problem import refusals, unfit
from reins.web.views.rows import Wire
from store import agent_steps
from store.finding.buckets import Span
from store.finding.query import MAX_CHARS, SORTS, QueryError
from store.finding.searching import Found
from store.times import from_us, iso

api = group("finding", "log")

_MAX_BUCKETS = 1_000
_Buckets = Annotated[int, Field(ge=0, le=_MAX_BUCKETS), Digits]
_Axis = Annotated[
    Literal["time", "seq"], Field(description="parts of equal time, or of as many rows")
]


def _sorts(value: str) -> str:
    for name in value.split(",") if value else ():
        if name not in SORTS:
            raise ValueError(f"{name!r:.40} is no sort; expected some of {', '.join(SORTS)}")
    return value


_one = "|".join(SORTS)
Hidden = Annotated[
    str,
    AfterValidator(_sorts),
    Field(
        description="sorts of rows to leave out, separated by commas",
        json_schema_extra={"pattern": rf"^(({_one})(,({_one}))*)?$"},
    ),
]


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"{value!r:.60} is no time zone; expected one as Europe/Berlin") from None
    return value


class Filter(Input):
    """The rows that are meant: those that fit `q`, and are of no hidden sort."""

    q: Annotated[
        Words,
        Field(
            max_length=MAX_CHARS,
            description='words, "a phrase", kind:guidance by:carol cost>0.01 changed:subject '
            "since:03:50 until:03:55; a minus before a part turns it round",
        ),
    ] = ""
    hide: Hidden = ""
    zone: Annotated[
        Words, AfterValidator(_zone), Field(description="the time zone of times of day")
    ] = "UTC"

    @property
    def hidden(self) -> tuple[str, ...]:
        return tuple(self.hide.split(",")) if self.hide else ()


class FindQuery(Filter):
    after_seq: Number = 0
    before_seq: Number | None = None
    newest: Annotated[Flag, Field(description="the last matches rather than the first")] = False
    limit: Annotated[int, Field(ge=1, le=10_000), Digits] = 1_000
    buckets: _Buckets = 0
    axis: _Axis = "time"


class Stretch(Wire):
    """From where to where the whole log reaches, both included: times, or numbers of rows."""

    axis: Literal["time", "seq"]
    begin: str | int
    end: str | int


class Sorts(Wire):
    """Rows by sort; each row is of one."""

    said: int
    guidance: int
    errors: int
    status: int
    silences: int


class FoundSteps(Wire):
    """Rows that fit, by their `seq`, oldest first; `skipped` of the `count` come before them.

    `density` counts them all in equal parts of `stretch`; `head` is the newest row searched.
    """

    items: list[int]
    next_cursor: str | None
    count: int
    skipped: int
    cost_usd: float
    head: int
    sorts: Sorts
    stretch: Stretch | None
    density: list[int]


class OverviewQuery(Input):
    buckets: Annotated[int, Field(ge=1, le=_MAX_BUCKETS), Digits] = 200
    axis: _Axis = "time"


class LifeBucket(Wire):
    """One part of the life; `seq` is the first row in it."""

    number: int
    seq: int
    ticks: int
    guidance: int
    errors: int
    pauses: int
    cost_usd: float


class Overview(Wire):
    """A session's whole log in equal parts, without those that are empty.

    `cost_by_minute` ends with the newest row's minute.
    """

    head: int
    ticks: int
    cost_usd: float
    stretch: Stretch | None
    buckets: list[LifeBucket]
    cost_by_minute: list[float]


class FoldsQuery(Input):
    hide: Hidden = ""
    runs: Annotated[Flag, Field(description="of long runs of ticks the middle, too")] = False


class FoldedRows(Wire):
    """Rows from `first` to `last`, which a reader need not see.

    `subject` is what all of them are about, if they say it.
    """

    first: int
    last: int
    ticks: int
    subject: str | None


class FoldList(Wire):
    """The rows that are folded away up to row `head`, oldest first."""

    head: int
    items: list[FoldedRows]


@api.get("/api/sessions/<segment:session_id>/find", responses={200: FoundSteps, **refusals(404)})
def find_session_steps(path: SessionPath, query: FindQuery) -> dict[str, Any]:
    """Search in a session's log, journalled rows included."""
    paging = query.model_dump(exclude={"q", "hide", "zone"})
    found = searched(path.session_id, query, **paging)
    items, span = found.seqs, found.span
    more = found.skipped + len(items) < found.count and not query.newest
    return {
        "items": items,
        "next_cursor": str(items[-1]) if more and items else None,
        "count": found.count,
        "skipped": found.skipped,
        "cost_usd": found.cost_usd,
        "head": found.head,
        "sorts": found.sorts,
        "stretch": _stretch(span),
        "density": found.density,
    }


@api.get("/api/sessions/<segment:session_id>/overview", responses={200: Overview, **refusals(404)})
def get_session_overview(path: SessionPath, query: OverviewQuery) -> dict[str, Any]:
    """A session's whole life at a glance."""
    context = api_context()
    life = agent_steps.steps_life(
        path.session_id, query.buckets, axis=query.axis, store=context.bridge.store
    )
    if not life.head:
        seen(context, path.session_id)
    return {
        "head": life.head,
        "ticks": life.ticks,
        "cost_usd": life.cost_usd,
        "stretch": _stretch(life.span),
        "buckets": [asdict(each) for each in life.buckets],
        "cost_by_minute": life.cost_by_minute,
    }


@api.get("/api/sessions/<segment:session_id>/folds", responses={200: FoldList, **refusals(404)})
def list_session_folds(path: SessionPath, query: FoldsQuery) -> dict[str, Any]:
    """Runs of rows that a reader need not see."""
    context = api_context()
    hidden = tuple(query.hide.split(",")) if query.hide else ()
    found = agent_steps.steps_folds(
        path.session_id, hidden=hidden, runs=query.runs, store=context.bridge.store
    )
    if not found.head:
        seen(context, path.session_id)
    return {"head": found.head, "items": [asdict(each) for each in found.folds]}


def searched(session_id: str, query: Filter, **paging: Any) -> Found:
    """The rows that a request means. Raises: RequestRefusedError."""
    context = api_context()
    try:
        found = agent_steps.find_steps(
            session_id, query.q, hidden=query.hidden, zone=ZoneInfo(query.zone),
            store=context.bridge.store, **paging,
        )  # fmt: skip
    except QueryError as error:
        raise unfit("query.q", str(error)) from None
    if not found.head:
        seen(context, session_id)
    return found


def _stretch(span: Span | None) -> dict[str, Any] | None:
    if span is None:
        return None
    if span.axis == "seq":
        return asdict(span)
    return {
        "axis": span.axis,
        "begin": iso(from_us(span.begin)),
        "end": iso(from_us(span.end)),
    }
