"""`--since` of `reins usage`: moments as a person names them."""

import os
import time
from datetime import UTC, datetime

import pytest

from reins.cli import usage


class At(datetime):
    """A clock that stands at noon, UTC, on a day of its own."""

    day = (2026, 3, 29)

    @classmethod
    def now(cls, tz=None):
        at = cls(*cls.day, 12, tzinfo=UTC)
        return at.astimezone(tz) if tz else at.astimezone().replace(tzinfo=None)


@pytest.mark.parametrize(
    ("day", "begins"),
    [
        ((2026, 3, 29), datetime(2026, 3, 28, 23, tzinfo=UTC)),
        ((2026, 10, 25), datetime(2026, 10, 24, 22, tzinfo=UTC)),
        ((2026, 11, 1), datetime(2026, 10, 31, 23, tzinfo=UTC)),
    ],
)
def test_today_begins_at_its_midnight(day, begins, monkeypatch):
    """Also on a day on which the hour changes: midnight is told in the zone's time of then."""
    monkeypatch.setitem(os.environ, "TZ", "Europe/Berlin")
    monkeypatch.setattr(At, "day", day)
    monkeypatch.setattr(usage, "datetime", At)
    time.tzset()
    try:
        assert usage._since("today") == begins
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize("given", ["999999999999d", "9" * 30 + "h", "²d", "0001-01-01", "", "soon"])
def test_what_is_no_moment_is_refused(given, monkeypatch):
    """With what would be one, wherever the clock is."""
    monkeypatch.setitem(os.environ, "TZ", "Pacific/Kiritimati")
    time.tzset()
    try:
        with pytest.raises(ValueError, match="give today, a span as 24h or 7d, or ISO 8601"):
            usage._since(given)
    finally:
        monkeypatch.undo()
        time.tzset()
