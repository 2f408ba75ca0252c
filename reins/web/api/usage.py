"""The cost of calls of models, how many failed, and how long they waited."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from reins.web.api.context import api_context
from reins.web.http.fields import Input
from reins.web.http.openapi import group
from reins.web.http.problem import unfit
from reins.web.views.rows import Wire
from store.times import iso
from store.usage import Usage
from store.usage_report import Summed, UsageReport, usage_report

api = group("usage", "model")

_MOST_GROUPS = 50
_DAY = timedelta(hours=24)


def _moment(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        found = datetime.fromisoformat(value)
        if found.tzinfo is not None:
            return found.astimezone(UTC)
    except (ValueError, OverflowError):  # no time, or in UTC none
        pass
    raise ValueError(
        f"{value!r:.60} was given; expected a time in ISO 8601 with its zone, such as "
        "2026-11-29T00:00:00Z"
    )


Moment = Annotated[datetime, BeforeValidator(_moment)]


class UsageQuery(Input):
    """`since` is a day ago unless it is given, `until` is now."""

    since: Moment | None = Field(None, description="begin of the first step, ISO 8601 with zone")
    until: Moment | None = None
    by: Literal["route", "type", "conversation", "session"] = "route"
    step: Literal["minute", "hour", "day"] = "hour"


class UsageSums(Wire):
    """Sums over attempts at calls of models.

    `failed` are those that ended in an error, `aborted` those that their session gave up, as for
    guidance that came with `now`. Waits are those for a place on the route, right to a fifth; null
    where none had a place. `latency_ms` is the mean.
    """

    calls: int
    failed: int
    aborted: int
    tokens_in: int
    tokens_out: int
    tokens_cached: int
    cost_usd: float
    latency_ms: float | None
    wait_p50_ms: float | None
    wait_p95_ms: float | None


class UsageStep(UsageSums):
    """The sums of the step that begins at `at`; steps without a call are left out."""

    at: str


class UsageGroup(UsageSums):
    """The sums of one route, type, conversation or session; null: the calls that name none."""

    name: str | None
    steps: list[UsageStep]


class UsageNow(Wire):
    """Sums in all and by group, the dearest first; `left_out` groups are in the sums alone.

    They lag the calls by as long as a flush takes, about a second. `since` is the beginning of its
    minute, or, beyond two days, of its hour. Conversations beyond 300 groups of one minute are one
    group, `(others)`.
    """

    since: str
    until: str
    step_s: float
    total: UsageSums
    steps: list[UsageStep]
    groups: list[UsageGroup]
    left_out: int


@api.get("/api/usage", responses={200: UsageNow})
def get_usage(query: UsageQuery) -> dict[str, Any]:
    """Cost, failures and waits of calls, by hour or another step, and by route or another group."""
    since = query.since or datetime.now(UTC) - _DAY
    try:
        report = usage_report(
            query.by, since, query.until, query.step, store=api_context().bridge.store
        )
    except ValueError as error:
        raise unfit("query.since", str(error)) from None
    groups = report.ordered()
    return {
        "since": iso(report.since),
        "until": iso(report.until),
        "step_s": report.step.total_seconds(),
        "total": _sums(report.total.total),
        "steps": _steps(report, report.total),
        "groups": [
            {"name": name, **_sums(summed.total), "steps": _steps(report, summed)}
            for name, summed in groups[:_MOST_GROUPS]
        ],
        "left_out": max(0, len(groups) - _MOST_GROUPS),
    }


def _steps(report: UsageReport, summed: Summed) -> list[dict[str, Any]]:
    return [
        {"at": iso(report.since + number * report.step), **_sums(summed.parts[number])}
        for number in sorted(summed.parts)
    ]


def _sums(one: Usage) -> dict[str, Any]:
    p50_ms, p95_ms = one.wait_ms(0.5), one.wait_ms(0.95)
    return {
        "calls": one.calls,
        "failed": one.failed,
        "aborted": one.aborted,
        "tokens_in": one.tokens_in,
        "tokens_out": one.tokens_out,
        "tokens_cached": one.tokens_cached,
        "cost_usd": one.cost_usd,
        "latency_ms": round(one.latency_ms / one.calls, 3) if one.calls else None,
        "wait_p50_ms": None if p50_ms is None else round(p50_ms, 1),
        "wait_p95_ms": None if p95_ms is None else round(p95_ms, 1),
    }
