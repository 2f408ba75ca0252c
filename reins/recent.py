"""The newest of many values, for percentiles: added on one thread, read from any."""

NEWEST = 512
"""Values that are kept."""


class Recent:
    """The newest values, oldest overwritten. A list of fixed length can be copied in any thread."""

    __slots__ = ("_next", "_values")

    def __init__(self) -> None:
        self._values: list[float] = []
        self._next = 0

    def add(self, value: float) -> None:
        if len(self._values) < NEWEST:
            self._values.append(value)
        else:
            self._values[self._next] = value
            self._next = (self._next + 1) % NEWEST

    def sorted(self) -> list[float]:
        return sorted(self._values[:])


def quantile(ordered: list[float], share: float) -> float | None:
    """The value below which a share of the others lies; None for no values."""
    return ordered[int(share * (len(ordered) - 1))] if ordered else None


def percentile(ordered: list[float], share: float) -> float | None:
    """The same, of milliseconds for people."""
    found = quantile(ordered, share)
    return None if found is None else round(found, 2)
