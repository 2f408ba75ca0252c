"""How long the loops of the index rest between two rounds."""

LOOK_S = 1.0
"""A search looks through what came since by itself."""
_REST = 20
"""Parts of rest to one of work while the loop of the sessions lags."""


def rest_s(worked_s: float, *, more: bool, busy: bool) -> float:
    """Seconds until the next round."""
    if busy:
        return max(LOOK_S, _REST * worked_s)
    return worked_s if more else LOOK_S
