"""The errors of calls that are not sent, since their route is not to be called for a while."""

from reins.llm.errors import ModelError
from reins.llm.routes.open_route import OpenRoute
from reins.llm.wire.failures import ADVICE, failure


def circuit_open(route: OpenRoute, open_for_s: float) -> ModelError:
    """The route is not called for a while; its cause is that of the faults before."""
    faults = route.spec.breaker_failures
    what = (
        f"after {faults} faults in a row route {route.spec.name} is left alone for "
        f"{open_for_s:.0f} s more"
    )
    last = route.breaker.last
    advice = None if last is None else f"The last fault was of kind {last}. {ADVICE[last]}"
    error = failure("circuit_open", route.target, what, advice=advice)
    error.retry_after_s = open_for_s or None
    error.after, error.what = last or error.kind, route.metrics.last_fault or what
    return error


def asked_to_wait(route: OpenRoute, backoff_s: float) -> ModelError:
    """The provider has said when the next call may come."""
    error = failure("rate_limited", route.target, f"it asked for no calls for {backoff_s:.0f} s")
    error.retry_after_s = backoff_s
    return error
