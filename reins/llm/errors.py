"""The two errors of the model layer. Neither ever carries a prompt, an answer or a key."""

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


class ModelError(Exception):
    """A call failed. `kind` says how, `retryable` whether the same call may succeed later.

    `sent_tokens` and `fits_tokens` are for "context_too_long": what was sent, by our own estimate,
    and how much of it would have done, as far as that was told.
    """

    def __init__(
        self,
        message: str,
        *,
        kind: Kind,
        retryable: bool,
        retry_after_s: float | None = None,
        sent_tokens: int | None = None,
        fits_tokens: int | None = None,
    ) -> None:
        super().__init__(message)
        self.kind: Kind = kind
        self.retryable = retryable
        self.retry_after_s = retry_after_s
        self.sent_tokens = sent_tokens
        self.fits_tokens = fits_tokens


class ModelConfigError(Exception):
    """The settings or the prompts cannot work as they stand; the message says what to change."""


def place_of(error: BaseException) -> str:
    """The type of an exception and where it was raised. Its words may quote a prompt or a key."""
    frames = extract_tb(error.__traceback__)
    at = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return type(error).__name__ + at
