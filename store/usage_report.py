"""One answer to "what did it cost, what failed, what waited": sums over time, and by something."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal

from store.reading import Reader
from store.usage import MINUTES, Usage, Width
from store.usage_reading import by_session, read_usage

By = Literal["route", "type", "conversation", "session"]
BY: tuple[By, ...] = ("route", "type", "conversation", "session")
Step = Literal["minute", "hour", "day"]
STEPS: dict[Step, timedelta] = {
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
}
MOST_STEPS = 1_500
"""A minute for each of a day's, and an hour for each of a month's."""
_GROUP = {"route": "route", "type": "agent_type", "conversation": "conversation_id"}


@dataclass(slots=True)
class Summed:
    """A sum, and its parts: `parts[n]` is of the step that begins `n` steps after the first."""

    total: Usage = field(default_factory=Usage)
    parts: dict[int, Usage] = field(default_factory=dict)

    def add(self, at: int, part: Usage) -> None:
        row = part.stored()
        self.total.add(row)
        self.parts.setdefault(at, Usage()).add(row)


@dataclass(frozen=True, slots=True)
class UsageReport:
    """Sums of the calls from `since` until `until`, in all and by each name of `by`.

    A name is None where the calls have none: no conversation, or a record from before it was kept.
    """

    since: datetime
    until: datetime
    step: timedelta
    total: Summed
    groups: dict[str | None, Summed]

    @property
    def steps(self) -> int:
        return -(-(self.until - self.since) // self.step)

    def ordered(self) -> list[tuple[str | None, Summed]]:
        """The dearest first, then those with the most calls."""

        def rank(pair: tuple[str | None, Summed]) -> tuple[float, int, str]:
            return -pair[1].total.cost_usd, -pair[1].total.calls, pair[0] or ""

        return sorted(self.groups.items(), key=rank)


def usage_report(
    by: By, since: datetime, until: datetime | None = None, step: Step = "hour", *, store: Reader
) -> UsageReport:
    """The sums from `since`, in steps that begin there, as a viewer's day does.

    Exact to the minute for two days; before them to the hour, and `since` is then the hour's
    beginning. By session it is as exact as the calls, and reaches as far back as they are kept.
    Raises: ValueError, where there are more than `MOST_STEPS` steps, or none.
    """
    now = datetime.now(UTC)
    width: Width = "hour" if by != "session" and _by_hours(since, step, now) else "minute"
    since = _floor(since, width)
    until = now if until is None else until
    report = UsageReport(since, until, STEPS[step], Summed(), {})
    if not 0 < report.steps <= MOST_STEPS:
        raise ValueError(
            f"since {since.isoformat()} until {until.isoformat()} are {max(report.steps, 0)} steps "
            f"of one {step}; expected 1 to {MOST_STEPS}: give a later since, or longer steps"
        )
    for at, name, part in _parts(by, width, since, until, store):
        step_at = (at - since) // report.step
        report.total.add(step_at, part)
        report.groups.setdefault(name, Summed()).add(step_at, part)
    return report


def _by_hours(since: datetime, step: Step, now: datetime) -> bool:
    """True if hours do, or minutes are not kept any more; they are a sixtieth of the rows."""
    if since < now - timedelta(days=MINUTES.retained_days or 0):
        return True
    return step != "minute" and since == _floor(since, "hour")


def _parts(
    by: By, width: Width, since: datetime, until: datetime, store: Reader
) -> Iterator[tuple[datetime, str | None, Usage]]:
    if by == "session":
        found: Iterable[tuple[str, datetime, Usage]] = by_session(since, until, store=store)
        yield from ((at, name, part) for name, at, part in found)
        return
    for group, part in read_usage(width, since, until, store=store):
        yield group.at, getattr(group, _GROUP[by]), part


def _floor(at: datetime, width: Width) -> datetime:
    at = at.astimezone(UTC).replace(second=0, microsecond=0)
    return at.replace(minute=0) if width == "hour" else at
