"""Metrics of a route: counted on the loop, read from any thread."""

from dataclasses import dataclass
from typing import Literal

from reins.breaker import State
from reins.recent import Recent

RouteState = Literal["ready", "trying", "backing_off"]

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


class RouteMetrics:
    """Counters of one route; they go on over a reload. An attempt is a call here."""

    def __init__(self) -> None:
        self.calls = 0
        self.failures = 0
        self.errors: dict[str, int] = {}
        self.last_error: str | None = None
        self.last_fault = ""
        """The newest fault of the route itself, in few words."""
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
