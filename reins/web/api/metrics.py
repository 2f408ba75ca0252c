"""What Prometheus scrapes: figures that worker and web keep anyway, read when asked for."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from flask import Response
from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric

from agent_core.session.status import Status
from reins.web.api.context import Parts, parts
from reins.web.bridge import WorkerHere
from store import queue_reading

PATH = "/metrics"
Samples = Iterable[tuple[Mapping[str, str], float | None]]
_SHARES = ("0.5", "0.99")
_BREAKER = ("closed", "half_open", "open")


class Figure(NamedTuple):
    """A metric: its name, which ends in `_total` if it only ever grows, and what it says."""

    name: str
    text: str
    of: Callable[[Any], Samples]


def _one(value: Callable[[Any], float | None]) -> Callable[[Any], Samples]:
    return lambda of: [({}, value(of))]


def _by(
    label: str, values: Callable[[Any], Mapping[str, float | None]]
) -> Callable[[Any], Samples]:
    return lambda of: [({label: name}, value) for name, value in values(of).items()]


def _seconds(ms: float | None) -> float | None:
    return None if ms is None else ms / 1_000


def _taken(worker: WorkerHere, what: str) -> float:
    # The list is made at once, while the worker's loop may add agents.
    return sum(tally.sums()[what] for tally in list(worker.fleet.ledger.agents.values()))


def _latencies(route: Any) -> dict[str, float | None]:
    return {
        "0.5": _seconds(route.p50_ms),
        "0.95": _seconds(route.p95_ms),
        "0.99": _seconds(route.p99_ms),
    }


OF_WEB = (
    Figure(
        "reins_queue_depth",
        "actions that are not processed yet",
        _one(lambda here: queue_reading.depth(here.bridge.store)),
    ),
    Figure(
        "reins_web_clients",
        "open connections by `kind`: `sockets`, `streams`, and sockets that are `lagging`",
        _by("kind", lambda here: here.live.clients()),
    ),
)
OF_WORKER = (
    Figure(
        "reins_worker_info",
        "always 1; `start_id` is that of the worker's start",
        lambda worker: [({"start_id": worker.start_id}, 1)],
    ),
    Figure(
        "reins_sessions",
        "sessions that live in the worker, by `status`",
        _by("status", lambda w: dict.fromkeys(map(str, Status), 0) | w.health().sessions),
    ),
    Figure(
        "reins_ticks_total",
        "ticks of all sessions on record, also those before this start",
        _one(lambda worker: _taken(worker, "ticks")),
    ),
    Figure(
        "reins_tick_seconds_total",
        "seconds that these ticks took",
        _one(lambda worker: _taken(worker, "wall_s")),
    ),
    Figure(
        "reins_loop_lag_seconds",
        "how late the agents' loop was in the last ten minutes, by `quantile`",
        _by(
            "quantile",
            lambda w: {q: w.loop_monitor.percentile_ms(float(q)) / 1_000 for q in _SHARES},
        ),
    ),
    Figure(
        "reins_journal_pending_rows",
        "rows that are not flushed to the tables yet",
        _one(lambda worker: worker.store.journal.pending),
    ),
    Figure(
        "reins_journal_commits_total",
        "commits of the journal since the start",
        _one(lambda worker: worker.store.journal.commits),
    ),
    Figure(
        "reins_journal_rows_total",
        "rows in these commits",
        _one(lambda worker: worker.store.journal.rows),
    ),
    Figure(
        "reins_journal_commit_seconds",
        "median of the newest commits",
        _one(lambda worker: _seconds((worker.store.journal.medians() or [None])[0])),
    ),
    Figure(
        "reins_actions_handled_total",
        "actions marked as processed since the start",
        _one(lambda worker: worker.health().actions_handled),
    ),
)
OF_ROUTES = (
    Figure(
        "reins_route_info",
        "always 1; `provider` and `model` of the route",
        lambda route: [({"provider": route.provider, "model": route.model}, 1)],
    ),
    Figure(
        "reins_route_breaker",
        "1 for the `state` that the breaker is in: `closed`, `half_open`, `open`",
        _by("state", lambda route: {each: float(route.breaker == each) for each in _BREAKER}),
    ),
    Figure(
        "reins_route_rests_seconds",
        "so long nothing is sent along the route",
        _one(lambda route: route.rests_s or 0),
    ),
    Figure(
        "reins_model_calls_in_flight",
        "attempts at calls that are under way",
        _one(lambda route: route.in_flight),
    ),
    Figure(
        "reins_model_calls_waiting",
        "calls that wait for a place",
        _one(lambda route: route.waiting),
    ),
    Figure(
        "reins_model_calls_total",
        "attempts at calls",
        _one(lambda route: route.calls),
    ),
    Figure(
        "reins_model_failures_total",
        "attempts that failed, by `kind` of error",
        _by("kind", lambda route: route.errors),
    ),
    Figure(
        "reins_model_tokens_total",
        "tokens taken, by `direction`: `in`, `out`",
        _by("direction", lambda route: {"in": route.tokens_in, "out": route.tokens_out}),
    ),
    Figure(
        "reins_model_cost_usd_total",
        "US dollars taken, by the route's prices",
        _one(lambda route: route.cost_usd),
    ),
    Figure(
        "reins_model_latency_seconds",
        "of the newest attempts that succeeded, by `quantile`",
        _by("quantile", _latencies),
    ),
    Figure(
        "reins_model_first_token_seconds",
        "median of the newest streams that succeeded",
        _one(lambda route: _seconds(route.first_token_p50_ms)),
    ),
)


def get_metrics() -> Response:
    """All figures in Prometheus' text format."""
    registry = CollectorRegistry()
    registry.register(_Scrape(parts()))
    ProcessCollector(registry=registry)
    return Response(
        generate_latest(registry),
        content_type=CONTENT_TYPE_PLAIN_0_0_4,
        headers={"Cache-Control": "no-store"},
    )


class _Scrape:
    """A collector, as the library has it, for one answer."""

    def __init__(self, here: Parts) -> None:
        self._here = here

    def describe(self) -> Iterable[Metric]:
        """None beforehand: the registry would collect once more to learn the names."""
        return ()

    def collect(self) -> Iterator[Metric]:
        bridge = self._here.bridge
        yield from _metrics(OF_WEB, [({}, self._here)])
        if bridge.worker is not None:
            yield from _metrics(OF_WORKER, [({}, bridge.worker)])
            routes = [({"route": each.name}, each) for each in bridge.routes()]
            yield from _metrics(OF_ROUTES, routes)


def _metrics(
    figures: Iterable[Figure], of: Iterable[tuple[Mapping[str, str], Any]]
) -> Iterator[Metric]:
    of = list(of)
    for name, text, samples in figures:
        grows = name.endswith("_total")
        metric = (CounterMetricFamily if grows else GaugeMetricFamily)(name, text)
        for labels, each in of:
            for more, value in samples(each):
                if value is not None:
                    metric.add_sample(name, {**labels, **more}, value)
        yield metric
