"""Times: stored in UTC, journalled as microseconds since 1970, shown in ISO 8601."""

import time
from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def now_us() -> int:
    """Microseconds since 1970."""
    return time.time_ns() // 1_000


def from_us(microseconds: int) -> datetime:
    """The time, in UTC, that is so many microseconds after 1970 began."""
    return EPOCH + timedelta(microseconds=microseconds)


def to_us(at: datetime) -> int:
    """Microseconds since 1970, without rounding through a float."""
    return (at - EPOCH) // _MICROSECOND


def iso(at: datetime | int | None) -> str | None:
    """A stored time (a datetime) or a journalled one (microseconds since 1970) in ISO 8601."""
    if isinstance(at, int):
        at = from_us(at)
    return None if at is None else at.isoformat(timespec="microseconds")


def literal(at: datetime) -> str:
    """The time as a literal of a LanceDB filter."""
    return f"timestamp '{at.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}'"
