"""One open route: what it was asked to be, its connection, limits, breaker and counters."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from reins.breaker import Breaker
from reins.llm.embeddings.embedder import Embedder
from reins.llm.errors import Kind, ModelConfigError
from reins.llm.limits.admission import Admission
from reins.llm.routes.metrics import RouteMetrics, RouteNow, RouteState
from reins.llm.routes.providers import Plan
from reins.llm.settings import Route, RouteSpec
from reins.llm.wire.wire import Wire
from reins.recent import percentile

PER_MILLION = 1e-6


@dataclass(frozen=True, slots=True)
class OpenRoute:
    """Made anew at a reload; admission and breaker stay while it leads to the same place."""

    spec: RouteSpec
    plan: Plan = field(repr=False)
    answering: Wire | None
    admission: Admission
    breaker: Breaker[Kind]
    metrics: RouteMetrics
    embedder: Embedder | None = None

    @property
    def wire(self) -> Wire:
        """Raises: ModelConfigError for a route of embeddings."""
        if self.answering is None:
            raise ModelConfigError(
                f"Route {self.spec.name!r} only makes embeddings. Name another route."
            )
        return self.answering

    @property
    def vectors(self) -> Embedder:
        """Raises: ModelConfigError for a route that answers calls."""
        if self.embedder is None:
            raise ModelConfigError(
                f"Route {self.spec.name!r} makes no embeddings. Name another under [embeddings]."
            )
        return self.embedder

    @property
    def target(self) -> Route:
        return self.plan.route

    def cost_usd(self, tokens_in: int, tokens_out: int, tokens_cached: int = 0) -> float:
        """The price of an attempt. `tokens_cached` are a part of `tokens_in`."""
        spec = self.spec
        cached = spec.price_in if spec.price_cached is None else spec.price_cached
        fresh = max(0, tokens_in - tokens_cached)
        paid = fresh * spec.price_in + tokens_cached * cached + tokens_out * spec.price_out
        return paid * PER_MILLION

    def likely_out(self, function: str) -> int:
        """An upper estimate of the tokens of an answer."""
        return self.spec.max_tokens or self.metrics.likely_out(function)

    def now(self, *, used_by: Sequence[str], is_default: bool) -> RouteNow:
        spec, admission, metrics = self.spec, self.admission, self.metrics
        latencies = metrics.latencies_ms.sorted()
        breaker, backoff_s = self.breaker.state, admission.backoff_s
        if breaker == "open":
            backoff_s = max(backoff_s or 0.0, self.breaker.open_for_s() or 0.0)
        state: RouteState = "trying" if breaker == "half_open" else "ready"
        if breaker == "open" or backoff_s is not None:
            state = "backing_off"
        return RouteNow(
            name=spec.name,
            provider=self.target.provider,
            model=self.target.model,
            address=self.target.address,
            demonstration=self.target.demonstration,
            state=state,
            breaker=breaker,
            in_flight=admission.taken,
            waiting=admission.waiting,
            calls=metrics.calls,
            failures=metrics.failures,
            errors=dict(metrics.errors),
            last_error=metrics.last_error,
            p50_ms=percentile(latencies, 0.5),
            p95_ms=percentile(latencies, 0.95),
            p99_ms=percentile(latencies, 0.99),
            first_token_p50_ms=percentile(metrics.first_tokens_ms.sorted(), 0.5),
            tokens_in=metrics.tokens_in,
            tokens_out=metrics.tokens_out,
            cost_usd=metrics.cost_usd,
            fallback=list(spec.fallback),
            used_by=list(used_by),
            is_default=is_default,
            limits={
                "concurrency": spec.concurrency,
                "requests_per_minute": spec.requests_per_minute,
                "tokens_per_minute": spec.tokens_per_minute,
            },
            backoff_s=backoff_s,
        )
