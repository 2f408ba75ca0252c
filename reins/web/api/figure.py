"""A figure as Prometheus gets it: its name, its words, and where its values come from."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric

Samples = Iterable[tuple[Mapping[str, str], float | None]]


class Figure(NamedTuple):
    """A metric: its name, which ends in `_total` if it only ever grows, and what it says."""

    name: str
    text: str
    of: Callable[[Any], Samples]


def one(value: Callable[[Any], float | None]) -> Callable[[Any], Samples]:
    return lambda of: [({}, value(of))]


def by(label: str, values: Callable[[Any], Mapping[str, float | None]]) -> Callable[[Any], Samples]:
    return lambda of: [({label: name}, value) for name, value in values(of).items()]


def seconds(ms: float | None) -> float | None:
    return None if ms is None else ms / 1_000


def measured(
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
