"""When something is due: cron expressions in a time zone, and intervals; pure arithmetic."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, tzinfo
from typing import Protocol
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from agent_core.actions.ids import ActionError
from store.times import from_us, now_us, to_us

MAX_WHEN = 128
_SECOND_US = 1_000_000
_UNITS_S = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_LONGEST_S = 366 * 86_400
_FIELDS = 5
_FIRST_LOOK_US = 3_600 * _SECOND_US
_FURTHER = 8
_FORMS = "expected every: and an interval (every:5m), or cron: and five fields (cron:0 9 * * 1-5)"


class When(Protocol):
    """The times at which something is due. **Units**: microseconds since 1970, UTC."""

    def after(self, at_us: int) -> int | None:
        """The first time above `at_us`; None if there is none."""

    def newest(self, after_us: int, upto_us: int, limit: int) -> Sequence[int]:
        """The newest times above `after_us` and not above `upto_us`, oldest first."""


@dataclass(frozen=True, slots=True)
class Every:
    """Each so many microseconds, counted from `base_us`."""

    interval_us: int
    base_us: int

    def after(self, at_us: int) -> int | None:
        passed = max(0, (at_us - self.base_us) // self.interval_us)
        return self.base_us + (passed + 1) * self.interval_us

    def newest(self, after_us: int, upto_us: int, limit: int) -> Sequence[int]:
        first = self.after(after_us) or 0
        last = self.base_us + (upto_us - self.base_us) // self.interval_us * self.interval_us
        first = max(first, last - (limit - 1) * self.interval_us)
        return range(first, last + 1, self.interval_us)


@dataclass(frozen=True, slots=True)
class Cron:
    """A cron expression in a time zone, as Debian's cron takes it.

    What is due at a time of day that a change of clocks leaves out is due once, when the clocks
    have changed; at one that comes twice, once, at the first. Hours or minutes that begin with a
    star count time that passes, and take no notice of the clocks.
    """

    fields: str
    zone: tzinfo

    def after(self, at_us: int) -> int | None:
        # Several times that are left out are due at one moment, and one that comes twice lies
        # before a start between the two: only what is later counts.
        times = CronSim(self.fields, from_us(at_us).astimezone(self.zone))
        return next((us for each in times if (us := to_us(each)) > at_us), None)

    def newest(self, after_us: int, upto_us: int, limit: int) -> Sequence[int]:
        look_us = _FIRST_LOOK_US
        while True:  # from ever further back: years of minutes are not walked through
            start_us = max(after_us, upto_us - look_us)
            found = self._between(start_us, upto_us)
            if len(found) >= limit or start_us == after_us:
                return found[-limit:]
            look_us *= _FURTHER

    def _between(self, after_us: int, upto_us: int) -> list[int]:
        found: list[int] = []
        for each in CronSim(self.fields, from_us(after_us).astimezone(self.zone)):
            us = to_us(each)
            if us > upto_us:
                break
            if us > (found[-1] if found else after_us):
                found.append(us)
        return found


def read_when(text: object, zone: str = "UTC", *, base_us: int | None = None) -> When:
    """The times that `every:…` or `cron:…` means; an interval counts from `base_us`, or from now.

    Raises: ActionError.
    """
    if not isinstance(text, str) or len(text) > MAX_WHEN:
        raise ActionError(f"when is {text!r:.160}; {_FORMS}")
    if text.startswith("every:"):
        read_zone(zone)
        return Every(read_interval_us(text), now_us() if base_us is None else base_us)
    if text.startswith("cron:"):
        return _cron(text, zone)
    raise ActionError(f"when is {text!r:.160}; {_FORMS}")


def read_interval_us(text: str) -> int:
    """The microseconds of `every:5m`: a whole number of s, m, h or d. Raises: ActionError."""
    found = re.fullmatch(r"every:([1-9][0-9]{0,8})([smhd])", text)
    seconds = int(found[1]) * _UNITS_S[found[2]] if found else 0
    if not 1 <= seconds <= _LONGEST_S:
        raise ActionError(
            f"the interval is {text!r:.80}; expected every: and a whole number of s, m, h or d, "
            "from every:1s to every:366d"
        )
    return seconds * _SECOND_US


def read_zone(name: str) -> tzinfo:
    """The time zone of that name. Raises: ActionError."""
    if name == "UTC":
        return UTC  # CronSim has no changes of clocks to heed there
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ActionError(
            f"zone is {name!r:.80}; expected UTC, or a name such as Europe/Berlin"
        ) from None


def _cron(text: str, zone: str) -> Cron:
    fields = text.removeprefix("cron:").split()
    if len(fields) != _FIELDS:
        raise ActionError(
            f"when is {text!r:.160}, with {len(fields)} fields; expected minute, hour, day of "
            "month, month and day of week. The time zone goes into `zone`; in an agent's `on` "
            "it may follow them"
        )
    made = Cron(" ".join(fields), read_zone(zone))
    try:
        first = made.after(now_us())
    except CronSimError as error:
        raise ActionError(f"when is {text!r:.160}: {error}; {_FORMS}") from None
    if first is None:
        raise ActionError(f"when is {text!r:.160}, which never comes; check day and month")
    return made


def own_when(entry: str) -> tuple[str, str]:
    """The `when` and the zone of an agent's entry: `cron:0 9 * * 1-5 Europe/Berlin`."""
    kind, _, rest = entry.partition(":")
    fields = rest.split()
    if kind == "cron" and len(fields) == _FIELDS + 1:
        return f"cron:{' '.join(fields[:-1])}", fields[-1]
    return entry, "UTC"
