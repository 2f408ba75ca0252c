"""How long to wait between attempts: jitter, and at least what the server asked for.

tenacity is not used: it inspects its callables anew for each call, which cost a third of the CPU of
a call that succeeds at once (measured: 300 µs of 950).
"""

from reins import jitter

FIRST_S = 0.5
LONGEST_S = 20.0
LONGEST_BACKOFF_S = 600.0
"""A server may ask for years; a longer wait is taken for this."""


def wait_s(attempt: int, asked_s: float | None) -> float:
    """Seconds to wait after an attempt, counted from 1; at least what the server asked for.

    A server that asks for no wait gets the usual one.
    """
    jittered = jitter.between(0, min(LONGEST_S, FIRST_S * 2 ** (attempt - 1)))
    if asked_s is None:
        return jittered
    # A little jitter here too: a thousand sessions told "1 second" must not come back together.
    return max(jittered, asked_s + min(jittered, 0.1 * asked_s + 0.05))
