"""A prompt kept within what its model takes: sent again with less, where that was too much."""

from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

from reins.llm import ModelError

LEAST_TOKENS = 100
SHARE = 0.9
"""Of what would have fitted, as estimates differ."""

T = TypeVar("T")


class Fits(Protocol):
    """A state that keeps how many tokens its model takes, where that is less than was allowed."""

    fits_tokens: int | None


async def within(
    limit_tokens: int,
    state: Fits,
    send: Callable[[int], Awaitable[T]],
    *,
    beside_tokens: int = 0,
) -> T:
    """Send within the limit; where that is more than the model takes, twice more with less.

    `beside_tokens` are sent beside what the limit counts. What fitted in the end is kept to from
    then on. Raises: whatever `send` raises in the end.
    """
    tokens = min(limit_tokens, state.fits_tokens or limit_tokens)
    try:
        return await send(tokens)
    except ModelError as error:
        tokens = shorter(tokens, error, beside_tokens)
    try:
        sent = await send(tokens)
    except ModelError as error:
        tokens = shorter(tokens, error, beside_tokens)
        sent = await send(tokens)
    state.fits_tokens = tokens
    return sent


def shorter(tokens: int, error: ModelError, beside_tokens: int = 0) -> int:
    """The tokens to send where up to so many were too many.

    Raises: the error, where sending less mends nothing.
    """
    if error.kind != "context_too_long" or tokens <= LEAST_TOKENS:
        raise error
    given, limit = error.given_tokens, error.limit_tokens
    if given is None:
        return max(LEAST_TOKENS, tokens // 2)
    # There may have been less to send than was allowed.
    sent = min(tokens + beside_tokens, given)
    fits = sent // 2 if limit is None else min(sent * limit // given, limit)
    return max(LEAST_TOKENS, min(int(fits * SHARE) - beside_tokens, tokens * 3 // 4))
