"""The model's routes: how each is doing, and a try of one."""

from typing import Any, Literal

from agent_core.actions.ids import KnownId
from reins.web.api.context import ApiContext, api_context
from reins.web.bridge import Bridge
from reins.web.http.fields import Input
from reins.web.http.openapi import group
from reins.web.http.problem import RequestRefusedError, refusals, unknown
from reins.web.views.rows import Wire

api = group("routes", "model")


class RouteLimits(Wire):
    """Limits of a route; null: no limit."""

    concurrency: int | None
    requests_per_minute: int | None
    tokens_per_minute: int | None


class Route(Wire):
    """One route as it is now, since the start of its worker.

    `p50_ms`, `p95_ms` and `p99_ms` are those of the newest attempts that succeeded, null before
    the first. `used_by` are types of agents. `backoff_s`: seconds until the next call may use it.
    """

    name: str
    provider: str
    model: str
    address: str
    demonstration: bool
    state: Literal["ready", "trying", "backing_off"]
    breaker: Literal["closed", "half_open", "open"]
    in_flight: int
    waiting: int
    calls: int
    failures: int
    errors: dict[str, int]
    last_error: str | None
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    first_token_p50_ms: float | None
    tokens_in: int
    tokens_out: int
    cost_usd: float
    fallback: list[str]
    used_by: list[str]
    is_default: bool
    limits: RouteLimits
    backoff_s: float | None


class SpentToday(Wire):
    """Spending of all sessions since midnight, UTC: tokens in and out, seconds in ticks."""

    date: str
    ticks: int
    tokens: int
    cost_usd: float
    wall_s: float


class RouteList(Wire):
    """The routes of the worker in this process; there are none, and `today` is null, where the
    worker is another process or there is none.
    """

    items: list[Route]
    next_cursor: None
    worker: Literal["here", "elsewhere", "none"]
    today: SpentToday | None


class RoutePath(Input):
    name: KnownId


class RouteCheck(Wire):
    """Result of a check; `message` says in words what is wrong and what to do about it."""

    name: str
    ok: bool
    message: str
    latency_ms: float | None


@api.get("/api/routes", responses={200: RouteList})
def list_routes() -> dict[str, Any]:
    """The routes that models are called along, each with its figures."""
    bridge = api_context().bridge
    return {
        "items": [_route_row(each) for each in bridge.routes()],
        "next_cursor": None,
        "worker": bridge.worker_place(),
        "today": bridge.spent_today(),
    }


@api.post(
    "/api/routes/<segment:name>/check",
    responses={200: RouteCheck, **refusals(404, 409)},
)
def check_route(path: RoutePath) -> dict[str, Any]:
    """Ask a route's model for a word, to see whether it answers."""
    bridge = _bridge_to_worker(api_context())
    # The demonstration is always there, and is shown once it was used.
    if not bridge.knows_route(path.name) and path.name not in [r.name for r in bridge.routes()]:
        raise unknown("route", path.name, "see GET /api/routes")
    found = bridge.check_route(path.name)
    return {name: getattr(found, name) for name in RouteCheck.model_fields}


def _bridge_to_worker(context: ApiContext) -> Bridge:
    """The bridge, where it leads to a worker in this process. Raises: RequestRefusedError."""
    if not context.bridge.has_worker:
        raise RequestRefusedError(
            409,
            "the worker that calls models is not in this process; ask the one that is, "
            "or try it by hand: reins models check",
        )
    return context.bridge


def _route_row(route: Any) -> dict[str, Any]:
    """A route's figures in the shape of `Route`."""
    return {name: getattr(route, name) for name in Route.model_fields}
