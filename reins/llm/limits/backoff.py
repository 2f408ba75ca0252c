"""How long to wait between attempts: jitter, and the Retry-After header (RFC 9110, 10.2.3).

tenacity is not used: it inspects its callables anew for each call, which cost a third of the CPU of
a call that succeeds at once (measured: 300 µs of 950).
"""

import random
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

FIRST_S = 0.5
LONGEST_S = 20.0
LONGEST_BACKOFF_S = 600.0
"""A Retry-After may ask for years; a longer one is taken for this."""


def wait_s(attempt: int, asked_s: float | None) -> float:
    """Seconds to wait after an attempt, counted from 1; at least what the server asked for.

    A server that asks for no wait gets the usual one.
    """
    jittered = random.uniform(0, min(LONGEST_S, FIRST_S * 2 ** (attempt - 1)))  # noqa: S311 - jitter is no secret
    if asked_s is None:
        return jittered
    # A little jitter here too: a thousand sessions told "1 second" must not come back together.
    return max(jittered, asked_s + min(jittered, 0.1 * asked_s + 0.05))


def asked_s(header: str | None, *, now: datetime | None = None) -> float | None:
    """Seconds that a header asks for, at most `LONGEST_BACKOFF_S`; None for one without sense."""
    if header is None:
        return None
    header = header.strip()
    if header.isascii() and header.isdigit():
        return min(float(header[:9]), LONGEST_BACKOFF_S)
    try:
        at = parsedate_to_datetime(header)
        at = at if at.tzinfo else at.replace(tzinfo=UTC)
        asked = (at - (now or datetime.now(UTC))).total_seconds()
    except (ValueError, ArithmeticError, LookupError, TypeError, AttributeError):
        # A date of absurd numbers raises more than its parser says.
        return None
    return min(max(0.0, asked), LONGEST_BACKOFF_S)
