"""The two errors of the model layer. Neither ever carries a prompt, an answer or a key."""

from collections.abc import Sequence
from pathlib import Path
from traceback import extract_tb
from typing import Literal

Kind = Literal[
    "rate_limited",  # 429
    "overloaded",  # 503, 529
    "server",  # other 5xx
    "unreachable",  # no connection, or it broke before the answer was complete
    "timeout",  # the deadline of the call, or the server's own (408, 504)
    "auth",  # 401, 402, 403: the key, its rights or its credit
    "bad_request",  # other 4xx
    "not_found",  # 404: the model's name or the address
    "garbage",  # an answer that is not of the provider's shape
    "refused",  # stopped by a safety filter
    "truncated",  # cut off at the model's limit of tokens
    "context_too_long",  # more was sent than the model can take
    "too_long",  # more text than a step may hold
    "empty",  # nothing but white space
    "unfit",  # structured, and not of the type asked for, also when told what was wrong
    "circuit_open",  # the route failed several times in a row and is not called for a while
]

SHARED: frozenset[Kind] = frozenset(
    {"rate_limited", "overloaded", "server", "unreachable", "timeout", "auth", "circuit_open"}
)
"""The kinds of which no caller is the cause: of the route, its server, the network, the account."""

COUNTED: frozenset[Kind] = frozenset(
    {"overloaded", "server", "unreachable", "timeout", "garbage", "auth"}
)
"""The kinds of failure that are the route's fault; the others are the call's."""


_ANSWERED = "it answered "


class ModelError(Exception):
    """A call failed. `kind` says how, `retryable` whether the same call may succeed later.

    `routes` are those that were to answer: the one that was asked for, and its fallbacks.
    `waits_for` names what is away, where one of them is; None where the call itself is at fault.
    `what` happened, in few words. `after`: its kind, or that of the faults for which calls are
    paused.
    `given_tokens` and `limit_tokens` are for "context_too_long": what was sent and what the model
    takes, as the server counts, the latter where it was told. The message has both.
    """

    def __init__(
        self,
        message: str,
        *,
        kind: Kind,
        retryable: bool,
        retry_after_s: float | None = None,
        what: str = "",
        given_tokens: int | None = None,
        limit_tokens: int | None = None,
    ) -> None:
        super().__init__(message)
        self.kind: Kind = kind
        self.retryable = retryable
        self.retry_after_s = retry_after_s
        self.what = what
        self.after: Kind = kind
        self.routes: tuple[str, ...] = ()
        self.waits_for: str | None = "model" if kind in SHARED else None
        self.given_tokens = given_tokens
        self.limit_tokens = limit_tokens

    @property
    def shared_cause(self) -> tuple[str, str, str] | None:
        """A key that is the same for all who meet it, words, and the route; None without a route.

        Calls that are paused have the cause for which they are.
        """
        if not self.routes:
            return None
        route, told = self.routes[0], self.what or str(self)
        words = f"Route {route}: {told}"
        if told.startswith(_ANSWERED):
            status = told.removeprefix(_ANSWERED)
            refused = self.after == "auth" and status in ("401", "403")
            words = f"Route {route}: key refused ({status})" if refused else ""
            words = words or f"Route {route} answers {status}"
        return f"route:{route}:{self.after}", words, route


class ModelConfigError(Exception):
    """The settings or the prompts cannot work as they stand; the message says what to change."""


def summed_up(failed: Sequence[tuple[str, ModelError]]) -> ModelError:
    """One error for all routes: that of the first, which is the route that was asked for."""
    (_, first), *rest = failed
    in_all = first
    if rest:
        others = "; ".join(f"{route}: {error.kind}" for route, error in rest)
        waits = [error.retry_after_s for _, error in failed if error.retry_after_s is not None]
        in_all = ModelError(
            f"{first} Its fallbacks failed too ({others}).",
            kind=first.kind,
            retryable=any(error.retryable for _, error in failed),
            retry_after_s=min(waits, default=None),
            given_tokens=first.given_tokens,
            limit_tokens=first.limit_tokens,
        )
    in_all.what, in_all.after = first.what, first.after
    in_all.routes = tuple(route for route, _ in failed)
    in_all.waits_for = next((e.waits_for for _, e in failed if e.waits_for), None)
    return in_all


def place_of(error: BaseException) -> str:
    """The type of an exception and where it was raised. Its words may quote a prompt or a key."""
    frames = extract_tb(error.__traceback__)
    at = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return type(error).__name__ + at
