"""Metrics for Prometheus: figures that worker and web keep anyway, read when asked for."""

from collections.abc import Iterable, Iterator
from typing import Any

from flask import Response
from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.metrics_core import Metric

from agent_core.session.mood import MOODS
from agent_core.session.status import Status
from reins.web.api.context import ApiContext, api_context
from reins.web.api.figure import Figure, Samples, by, measured, one, seconds
from reins.web.api.mcp_figures import OF_MCP
from reins.web.api.tool_figures import OF_TOOLS
from reins.web.api.topic_figures import OF_TOPICS
from reins.web.figures import WorkerFigures
from store.queue import reading as queue_reading

PATH = "/metrics"
_BREAKER = ("closed", "half_open", "open")


def _moods(context: ApiContext) -> dict[str, float | None]:
    if not context.bridge.has_worker:
        return {}
    moods = context.bridge.moods()
    return {mood: moods.get(mood, 0) for mood in MOODS}


def _lags(worker: WorkerFigures) -> dict[str, float | None]:
    return {
        "0.5": seconds(worker.loop_lag_p50_ms),
        "0.99": seconds(worker.loop_lag_p99_ms),
    }


def _latencies(route: Any) -> dict[str, float | None]:
    return {
        "0.5": seconds(route.p50_ms),
        "0.95": seconds(route.p95_ms),
        "0.99": seconds(route.p99_ms),
    }


def _of_mirror(worker: WorkerFigures, name: str) -> float | None:
    return None if worker.mirror is None else worker.mirror[name]


def _decisions(worker: WorkerFigures) -> Samples:
    return [
        ({"kind": kind, "decision": decision}, count)
        for (kind, decision), count in worker.inbox.decided.items()
    ]


OF_WEB = (
    Figure(
        "reins_sessions_by_mood",
        "sessions in the worker, by `mood`; if `failing`, `hanging` or `held` grow, see "
        "GET /api/attention",
        by("mood", _moods),
    ),
    Figure(
        "reins_queue_depth",
        "actions that wait in the queue; if it grows, the worker is gone or too slow",
        one(lambda context: queue_reading.depth(context.bridge.store)),
    ),
    Figure(
        "reins_web_clients",
        "open connections by `kind`: `sockets`, `streams`, and sockets that are `lagging`",
        by("kind", lambda context: context.live.clients()),
    ),
    Figure(
        "reins_enqueue_failures_total",
        "commits of actions by this process that failed since its start; check the disk",
        one(lambda context: context.bridge.writer.failures),
    ),
)
OF_WORKER = (
    Figure(
        "reins_worker_info",
        "always 1; `start_id` changes when the worker starts again",
        lambda worker: [({"start_id": worker.start_id}, 1)],
    ),
    Figure(
        "reins_sessions",
        "sessions in the worker, by `status`",
        by("status", lambda worker: dict.fromkeys(map(str, Status), 0) | worker.sessions),
    ),
    Figure(
        "reins_sessions_waiting",
        "sessions that wait for something, by `kind`; for a `model`: it is away, see its route",
        by("kind", lambda worker: worker.waiting),
    ),
    Figure(
        "reins_inbox_open",
        "calls and questions that wait for a person, by `kind`",
        by("kind", lambda worker: {"approval": 0, "question": 0} | worker.inbox.open),
    ),
    Figure(
        "reins_inbox_oldest_seconds",
        "age of the oldest of them; if it grows, nobody looks at the inbox",
        one(lambda worker: worker.inbox.oldest_s),
    ),
    Figure(
        "reins_inbox_decisions_total",
        "decisions since the worker's start, by `kind` and `decision`; `expire` is nobody's",
        _decisions,
    ),
    Figure(
        "reins_approval_rules",
        "rules of approval that hold",
        one(lambda worker: worker.inbox.rules),
    ),
    Figure(
        "reins_ticks_total",
        "ticks of all sessions on record, including those before this start",
        one(lambda worker: worker.ticks),
    ),
    Figure(
        "reins_tick_seconds_total",
        "seconds that the ticks of `reins_ticks_total` took",
        one(lambda worker: worker.tick_s),
    ),
    Figure(
        "reins_pieces_running",
        "pieces of work between ticks that run now, such as tasks of plans",
        one(lambda worker: worker.pieces),
    ),
    Figure(
        "reins_plan_tasks_total",
        "tasks of plans that have ended since the worker's start, by `outcome`",
        by("outcome", lambda worker: worker.plan_tasks),
    ),
    Figure(
        "reins_left_behind",
        "pieces and threads that were given up and run on; if it grows, a task of a plan does not "
        "look at `ctx.stop`, or swallows its cancellation",
        one(lambda worker: worker.left_behind),
    ),
    Figure(
        "reins_loop_lag_seconds",
        "delay of the worker's event loop over ten minutes, by `quantile`; if it is high, "
        "an agent blocks the loop",
        by("quantile", _lags),
    ),
    Figure(
        "reins_journal_pending_rows",
        "rows in the journal that are not in the tables yet; if it grows, the flush fails: "
        "see the log",
        one(lambda worker: worker.pending_rows),
    ),
    Figure(
        "reins_search_behind_rows",
        "rows that the index of the search has not come to, by `part`: `words`, `vectors`; if it "
        "grows, the worker is too busy, or its route of embeddings is away",
        by("part", lambda worker: worker.search_behind),
    ),
    Figure(
        "reins_search_cache_bytes",
        "memory that parts of the search's index take in the worker, about; `REINS_SEARCH_MB` "
        "bounds it",
        one(lambda worker: worker.search_cache_bytes),
    ),
    Figure(
        "reins_facts",
        "facts that the worker has in memory, of those who have asked; 300,000 at the most beside "
        "those that are asked for",
        one(lambda worker: worker.facts),
    ),
    Figure(
        "reins_facts_bytes",
        "memory that they take, about",
        one(lambda worker: worker.facts_bytes),
    ),
    Figure(
        "reins_journal_commits_total",
        "commits of the journal since the worker's start",
        one(lambda worker: worker.commits),
    ),
    Figure(
        "reins_journal_rows_total",
        "rows committed to the journal since the worker's start",
        one(lambda worker: worker.rows),
    ),
    Figure(
        "reins_journal_commit_seconds",
        "median duration of the newest commits; if it is high, the disk is slow",
        one(lambda worker: seconds(worker.commit_ms)),
    ),
    Figure(
        "reins_commit_failures_total",
        "commits of the journal that failed since the worker's start; check the disk",
        one(lambda worker: worker.commit_failures),
    ),
    Figure(
        "reins_flush_failures_total",
        "flushes into the tables that failed since the worker's start; their rows stay in the "
        "journal: check the disk",
        one(lambda worker: worker.flush_failures),
    ),
    Figure(
        "reins_mark_failures_total",
        "markings of finished actions that failed since the worker's start; check the disk",
        one(lambda worker: worker.mark_failures),
    ),
    Figure(
        "reins_commit_last_success_timestamp_seconds",
        "Unix time of the newest commit of the journal that succeeded",
        one(lambda worker: worker.committed_at),
    ),
    Figure(
        "reins_flush_last_success_timestamp_seconds",
        "Unix time of the newest flush that succeeded; if it stays behind, check the disk",
        one(lambda worker: worker.flushed_at),
    ),
    Figure(
        "reins_mark_last_success_timestamp_seconds",
        "Unix time of the newest marking that succeeded; if it stays behind, check the disk",
        one(lambda worker: worker.marked_at),
    ),
    Figure(
        "reins_mirror_lag_rows",
        "records of the journal that the mirror has not followed yet (REINS_MIRROR)",
        one(lambda worker: _of_mirror(worker, "lag_rows")),
    ),
    Figure(
        "reins_mirror_lag_seconds",
        "seconds since the mirror had all there was; if it grows, its server is away or too slow: "
        "see the log",
        one(lambda worker: _of_mirror(worker, "lag_s")),
    ),
    Figure(
        "reins_mirror_puts_total",
        "values that were put into the mirror since the worker's start",
        one(lambda worker: _of_mirror(worker, "puts")),
    ),
    Figure(
        "reins_mirror_failures_total",
        "attempts to follow that failed since the worker's start",
        one(lambda worker: _of_mirror(worker, "failures")),
    ),
    Figure(
        "reins_queue_poll_age_seconds",
        "seconds since the queue was last polled; if it grows, the worker is stuck: see the log",
        one(lambda worker: worker.poll_age_s),
    ),
    Figure(
        "reins_actions_handled_total",
        "actions that the worker has finished since its start",
        one(lambda worker: worker.actions_handled),
    ),
)
OF_ROUTES = (
    Figure(
        "reins_route_info",
        "always 1; names the `provider` and the `model` of the route",
        lambda route: [({"provider": route.provider, "model": route.model}, 1)],
    ),
    Figure(
        "reins_route_breaker",
        "1 for the state of the circuit breaker, by `state`: `closed`, `half_open`, `open`",
        by("state", lambda route: {each: float(route.breaker == each) for each in _BREAKER}),
    ),
    Figure(
        "reins_route_backoff_seconds",
        "seconds until the next call may use the route; above 0, its provider fails or limits us",
        one(lambda route: route.backoff_s or 0),
    ),
    Figure(
        "reins_model_calls_in_flight",
        "model calls in progress",
        one(lambda route: route.in_flight),
    ),
    Figure(
        "reins_model_calls_waiting",
        "model calls that wait for a free slot of the route",
        one(lambda route: route.waiting),
    ),
    Figure(
        "reins_model_calls_total",
        "attempts at model calls since the worker's start",
        one(lambda route: route.calls),
    ),
    Figure(
        "reins_model_failures_total",
        "failed attempts, by `kind` of error; GET /api/routes shows the newest error",
        by("kind", lambda route: route.errors),
    ),
    Figure(
        "reins_model_tokens_total",
        "tokens used, by `direction`: `in`, `out`",
        by("direction", lambda route: {"in": route.tokens_in, "out": route.tokens_out}),
    ),
    Figure(
        "reins_model_cost_usd_total",
        "US dollars spent, by the route's prices",
        one(lambda route: route.cost_usd),
    ),
    Figure(
        "reins_model_latency_seconds",
        "duration of the newest successful attempts, by `quantile`",
        by("quantile", _latencies),
    ),
    Figure(
        "reins_model_first_token_seconds",
        "median time to the first token of the newest successful streams",
        one(lambda route: seconds(route.first_token_p50_ms)),
    ),
)


def get_metrics() -> Response:
    """All figures in Prometheus' text format."""
    registry = CollectorRegistry()
    registry.register(_Scrape(api_context()))
    ProcessCollector(registry=registry)
    return Response(
        generate_latest(registry),
        content_type=CONTENT_TYPE_PLAIN_0_0_4,
        headers={"Cache-Control": "no-store"},
    )


class _Scrape:
    """A collector, as the library has it, for one answer."""

    def __init__(self, context: ApiContext) -> None:
        self._context = context

    def describe(self) -> Iterable[Metric]:
        """None beforehand: the registry would collect once more to learn the names."""
        return ()

    def collect(self) -> Iterator[Metric]:
        bridge = self._context.bridge
        yield from measured(OF_WEB, [({}, self._context)])
        figures = bridge.figures()
        if figures is not None:
            yield from measured(OF_WORKER, [({}, figures)])
            routes = [({"route": each.name}, each) for each in bridge.routes()]
            yield from measured(OF_ROUTES, routes)
            tools = [({"tool": name}, each) for name, each in bridge.tool_figures().items()]
            yield from measured(OF_TOOLS, tools)
            topics = [({"topic": name}, each) for name, each in bridge.topic_figures().items()]
            yield from measured(OF_TOPICS, topics)
            yield from measured(
                OF_MCP, [({"server": each["name"]}, each) for each in bridge.mcp_servers()]
            )
