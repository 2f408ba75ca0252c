"""One schedule as a value: its row, and what is due by it."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any

import orjson

from agent_core.actions.payloads import CatchUp
from agent_core.actions.when import When, read_when
from reins.bus.topic import Draft, keyed_id
from store import schedules
from store.journal.file import Record
from store.times import iso, to_us

MAX_MADE_UP = 100
"""Runs that `all` makes up for at once: the newest."""
ON_TIME_US = 60_000_000
"""With `none`, what is later than this is left out."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """A topic, what is published there, and when.

    What was due up to `settled_at` is dealt with; `newest_due` is the newest of the times that were
    published. **Units**: microseconds since 1970, UTC.
    """

    schedule_id: str
    topic: str
    when: str
    set_at: int
    settled_at: int
    created_by: str
    created_at: int
    zone: str = "UTC"
    catch_up: CatchUp = "latest"
    message: Any = None
    agent_id: str | None = None
    session_id: str | None = None
    paused_by: str | None = None
    last_at: int | None = None
    next_at: int | None = None
    newest_due: int = 0
    changed_action: str | None = None
    removed_by: str | None = None
    timing: When = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        timing = read_when(self.when, self.zone, base_us=self.set_at)
        object.__setattr__(self, "timing", timing)

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> "Schedule":
        """The schedule of a stored row. Raises: ActionError."""
        known = {name: row[name] for name in schedules.TABLE.schema.names if name in _FIELDS}
        for name in schedules.TIMES:
            if isinstance(at := known[name], datetime):
                known[name] = to_us(at)
        known["message"] = None if row["message"] is None else orjson.loads(row["message"])
        return cls(**known)

    def record(self) -> Record:
        row = {name: value for name, value in asdict(self).items() if name != "timing"}
        row["message"] = None if self.message is None else orjson.dumps(self.message).decode()
        return schedules.record(row)

    def settled(
        self, upto: int, *, ran_at: int | None = None, due: Sequence[int] = ()
    ) -> "Schedule":
        """The schedule once all up to that time is dealt with, these having been published."""
        waits = self.paused_by is None and self.removed_by is None
        return replace(
            self,
            settled_at=upto,
            next_at=self.timing.after(upto) if waits else None,
            last_at=self.last_at if ran_at is None else ran_at,
            newest_due=max([self.newest_due, *due]),
        )

    def goes_on_as(self, other: "Schedule") -> bool:
        """True if it is this one: of the same life of its session, by the same entry."""
        names = ("created_at", "when", "zone", "removed_by")
        return all(getattr(self, name) == getattr(other, name) for name in names)

    def due(self, now: int) -> Sequence[int]:
        """The times to publish for now, oldest first, by its rule of catching up."""
        if self.next_at is None or self.next_at > now:
            return ()
        match self.catch_up:
            case "all":
                return self.timing.newest(self.settled_at, now, MAX_MADE_UP)
            case "latest":
                return self.timing.newest(self.settled_at, now, 1)
            case "none":
                newest = self.timing.newest(self.settled_at, now, 1)
                return [at for at in newest if now - at <= ON_TIME_US]

    def draft(self, due_at: int, *, key: str | None = None, again: bool = False) -> Draft:
        """The message of one due time, whose id is the same whenever it is made."""
        # A session of the same name has the same ids of schedules, at another time.
        life = "" if self.session_id is None else f"{self.created_at}\n"
        key = f"schedule\n{self.schedule_id}\n{life}{due_at}" if key is None else key
        return Draft(
            author=self.session_id or self.created_by,
            message=self._says(due_at) if self.message is None else self.message,
            message_id=keyed_id(self.topic, key),
            agent_id=self.agent_id,
            session_id=self.session_id,
            again=again or due_at <= self.newest_due,
            about={"source": f"schedule {self.schedule_id}"},
        )

    def _says(self, due_at: int) -> dict[str, Any]:
        source = self.when if self.zone == "UTC" else f"{self.when} {self.zone}"
        said: dict[str, Any] = {"source": source, "schedule_id": self.schedule_id}
        said["due_at"] = iso(due_at)
        first = self.timing.after(self.settled_at)
        if first is not None and first < due_at:
            said["missed_from"] = iso(first)
        return said


_FIELDS = frozenset(Schedule.__dataclass_fields__) - {"timing"}
