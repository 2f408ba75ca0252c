"""Random waits, so that what failed together is not tried again together."""

import random


def between(low: float, high: float) -> float:
    """A random number from `low` to `high`."""
    return random.uniform(low, high)  # noqa: S311 - no secret
