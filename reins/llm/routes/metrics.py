"""Metrics of a route: counted on the loop, read from any thread."""

from dataclasses import dataclass
from typing import Literal

from reins.llm.limits.breaker import State

RouteState = Literal["ready", "trying", "backing_off"]

NEWEST = 512
"""Attempts that succeeded and are kept for the percentiles."""

LEAST_OUT = 256
"""Tokens that an answer is thought to take before longer ones were seen."""


@dataclass(frozen=True, slots=True)
class RouteNow:
    """A route as it stands, fit for pages: plain values, and no secret."""

    name: str
    provider: str
    model: str
    address: str
    demonstration: bool
    state: RouteState
    breaker: State
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
    limits: dict[str, int | None]
    backoff_s: float | None


class Recent:
    """The newest values, oldest overwritten. A list of fixed length can be copied in any thread."""

    __slots__ = ("_next", "_values")

    def __init__(self) -> None:
        self._values: list[float] = []
        self._next = 0

    def add(self, value: float) -> None:
        if len(self._values) < NEWEST:
            self._values.append(value)
        else:
            self._values[self._next] = value
            self._next = (self._next + 1) % NEWEST

    def sorted(self) -> list[float]:
        return sorted(self._values[:])


class RouteMetrics:
    """Counters of one route; they go on over a reload. An attempt is a call here."""

    def __init__(self) -> None:
        self.calls = 0
        self.failures = 0
        self.errors: dict[str, int] = {}
        self.last_error: str | None = None
        self.tokens_in = 0
        self.tokens_out = 0
        self.cost_usd = 0.0
        self.latencies_ms = Recent()
        self.first_tokens_ms = Recent()
        self._longest: dict[str, int] = {}

    def took(self, function: str, tokens_in: int, tokens_out: int, cost_usd: float) -> None:
        self.calls += 1
        self.tokens_in += tokens_in
        self.tokens_out += tokens_out
        self.cost_usd += cost_usd
        if tokens_out > self._longest.get(function, LEAST_OUT):
            self._longest[function] = tokens_out

    def succeeded(self, latency_ms: float, first_token_ms: float | None) -> None:
        self.latencies_ms.add(latency_ms)
        if first_token_ms is not None:
            self.first_tokens_ms.add(first_token_ms)

    def failed(self, kind: str, message: str | None) -> None:
        self.failures += 1
        self.errors[kind] = self.errors.get(kind, 0) + 1
        if message is not None:
            self.last_error = message

    def likely_out(self, function: str) -> int:
        """The estimate for an answer without a limit: the tokens of the longest one so far."""
        return self._longest.get(function, LEAST_OUT)


def percentile(ordered: list[float], share: float) -> float | None:
    """The value below which a share of the others lies; None for no values."""
    return round(ordered[int(share * (len(ordered) - 1))], 2) if ordered else None
