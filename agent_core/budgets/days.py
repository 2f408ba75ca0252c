"""Days of budgets, UTC: a day's budget is given out once, whatever the clock does.

Where the clock goes back, the days after count as well until it has come back to them. What was
taken on a day that never began, while the clock was ahead, counts on the day to which it returns.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal, TypeAlias

from agent_core.budgets.usage import NOTHING, Sums, Usage

_DAY_S = 86_400
_SLACK_S = 60.0
"""A clock that gains no more than this on the time that passed was not set ahead."""
_DAYS = 16
"""Days of which the worker's sums are kept."""
_KEPT = 2
"""Days that a session's usage keeps beside the one under way."""
_BOOT = getattr(time, "CLOCK_BOOTTIME", None)

Turn: TypeAlias = Literal["began", "ahead", "back", "undone"]
"""How a day came to be under way: as days do, by a clock that was set ahead or back, or back from a
day that never began."""


def steady() -> float:
    """Seconds that passed, whatever is set; a sleep of the machine counts where it can be told."""
    return time.monotonic() if _BOOT is None else time.clock_gettime(_BOOT)


class Calendar:
    """The day that the clock shows, and the days that began as days do: as time passed."""

    def __init__(self, clock: Callable[[], float], passed: Callable[[], float] = steady) -> None:
        self._clock = clock
        self._passed = passed
        self._begins = self.ends = 0.0
        self._wall, self._at = clock(), passed()
        self.begun: set[str] = set()
        self.today = ""
        self.left = ""
        """The day that was under way before it."""

    def turn(self) -> Turn | None:
        """Go on to the day that the clock shows; None where it is still the same."""
        now, at = self._clock(), self._passed()
        gained_s = (now - self._wall) - (at - self._at)
        self._wall, self._at = now, at
        if self._begins <= now < self.ends:
            return None
        self.left = left = self.today
        self._begins = now // _DAY_S * _DAY_S
        self.ends = self._begins + _DAY_S
        self.today = f"{datetime.fromtimestamp(now, UTC):%Y-%m-%d}"
        if self.today < left:
            return "back" if left in self.begun else "undone"
        return "ahead" if gained_s > _SLACK_S and left else "began"


class DailySums:
    """The sums of all sessions on the day under way, `today`, and on some others."""

    def __init__(self, calendar: Calendar) -> None:
        self._calendar = calendar
        self._others: dict[str, Usage] = {}
        self._ended: dict[str, Usage] = {}
        """Of days to come, by sessions that have ended: it may be long ago that they did."""
        self._later: list[Usage] = []
        self.today = Usage()

    @property
    def date(self) -> str:
        return self._calendar.today

    @property
    def ends(self) -> float:
        return self._calendar.ends

    def sums(self) -> Sums:
        """The sums that count today."""
        return added([self.today.sums(), *(each.sums() for each in self._later)])

    def spent_on(self, date: str) -> Sums:
        """The sums on a day; safe to read from any thread."""
        if date == self.date:
            return self.sums()
        past = self._others.get(date)
        return NOTHING if past is None else past.sums()

    def recall(self, day: Mapping[str, Any], *, ended: bool) -> None:
        """Count what a session took on a day before this start."""
        date = day["date"]
        if date == self.date:
            self.today.add_usage(day)
        else:
            sums = self._ended if ended and date > self.date else self._others
            _of(sums, date).add_usage(day)
            self._count_later()

    def turn(self) -> Turn | None:
        """Go on to the day that the clock shows."""
        turn = self._calendar.turn()
        if turn is None:
            return None
        left, sums = self._calendar.left, self.today.sums()
        self.today.clear()
        if turn == "undone":
            self.today.add_usage(sums)
        elif left:
            _of(self._others, left).add_usage(sums)
        for days in (self._others, self._ended):
            for date in [date for date in days if self.is_wrong(date, turn)]:
                del days[date]
            if (past := days.pop(self.date, None)) is not None:
                self.today.add_usage(past.sums())
        self._count_later()
        return turn

    def is_wrong(self, date: str, turn: Turn) -> bool:
        """True for a day of which nothing counts any more, since time has gone on to this one."""
        if turn == "began":  # as days do: it has not been before
            return date >= self.date
        return turn == "ahead" and date > self.date and date not in self._calendar.begun

    def turned(self, turn: Turn) -> None:
        """The sums of all are those of the day under way."""
        if turn == "began":
            begun = self._calendar.begun
            begun -= {date for date in begun if date > self.date}
            begun.add(self.date)

    def _count_later(self) -> None:
        self._later = [sums for date, sums in self._others.items() if date > self.date]


def _of(days: dict[str, Usage], date: str) -> Usage:
    """The sums on a day, to be added to; of more days than are kept the eldest is lost."""
    sums = days.setdefault(date, Usage())
    if len(days) > _DAYS:
        del days[min(days)]
    return sums


def added(days: Sequence[Sums]) -> Sums:
    """Their sum."""
    if len(days) == 1:
        return days[0]
    return {what: sum(day[what] for day in days) for what in NOTHING}


# -- a session's usage, in its snapshot


def taken_on(usage: Mapping[str, Any], date: str) -> Sums:
    """The sums that a session has taken on a day, and on those after it."""
    days = [day for day in days_in(usage) if day["date"] >= date]
    return added(days) if days else NOTHING


def days_in(usage: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The days that a session's usage knows, the one under way first."""
    day = usage.get("day")
    return [*([] if day is None else [day]), *(usage.get("days") or ())]


def begin_day(usage: dict[str, Any], date: str) -> dict[str, Any]:
    """Make it the day under way, with what was taken on it; a few others are kept."""
    known = days_in(usage)
    day = next((each for each in known if each["date"] == date), None) or {"date": date, **NOTHING}
    _keep(usage, [day, *(each for each in known if each["date"] != date)])
    return day


def turn_day(usage: dict[str, Any], daily: DailySums, left: str, turn: Turn) -> None:
    """Take part in a turn of the day."""
    days = [day for day in days_in(usage) if not daily.is_wrong(day["date"], turn)]
    if turn == "undone" and (wrong := [day for day in days if day["date"] == left]):
        same = [day for day in days if day["date"] == daily.date]
        moved = {"date": daily.date, **added([*wrong, *same])}
        days = [moved, *(day for day in days if day["date"] not in (left, daily.date))]
    _keep(usage, days)


def _keep(usage: dict[str, Any], days: list[dict[str, Any]]) -> None:
    usage.pop("day", None)
    usage.pop("days", None)
    if days:
        usage["day"] = days[0]
    if days[1:]:
        usage["days"] = days[1 : 1 + _KEPT]
