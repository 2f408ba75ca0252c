"""The one timer of all schedules: what is due is published, and on record as run, in one commit."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

import structlog

from agent_core.actions.ids import ActionError
from agent_core.actions.payloads import ScheduleSet
from agent_core.session.session import Session
from agent_core.session.status import Status
from reins.bus.topics import Topics
from reins.loops import TaskLoop
from reins.sources.schedule import Schedule
from reins.threads import READS
from store import schedules
from store.journal.file import Record
from store.store import Store
from store.times import now_us

_logger = structlog.get_logger(__name__)

_LOOK_S = 60.0
"""The clock of the wall may jump, which no timer sees: it is looked at as often as this."""
_AT_ONCE = 200
"""Schedules that are published for at the same moment."""
_MOST_GONE = 1_000
"""Schedules of ended sessions that are kept, as long as these may be brought back."""


class UnknownScheduleError(ValueError):
    """There is no schedule of that id."""


class Scheduler(TaskLoop):
    """Publishes for each schedule when it is due, each due time once.

    `load` reads them, once, before the start. All changes are made here, one after the other.
    """

    def __init__(self, store: Store, topics: Topics, clock: Callable[[], int] = now_us) -> None:
        super().__init__("schedules")
        self._store = store
        self._topics = topics
        self._clock = clock
        self._lock = asyncio.Lock()
        self._known: dict[str, Schedule] = {}
        self._unsure: set[str] = set()
        self._owners: dict[str, Session] = {}
        self._asked: dict[str, Schedule] = {}
        self._ended: dict[str, Schedule] = {}
        self._gone: dict[str, Schedule] = {}
        self._looked_at = float("inf")  # the first look is one after a clock that went back

    async def load(self) -> None:
        """Read all schedules; one that cannot be read is reported, and left as it is."""
        rows = await READS.call(
            lambda: schedules.list_schedules(removed=True, store=self._store.reader)
        )
        for row in rows:
            try:
                each = Schedule.of(row)
                if each.removed_by is not None and each.session_id is not None:
                    self._has_ended(each)
                else:
                    self._known[each.schedule_id] = each
            except ActionError as error:
                _logger.error(  # noqa: TRY400 - its text says all
                    "a schedule is left out", schedule=row["schedule_id"], error=str(error)
                )

    # -- the timer

    async def run_once(self) -> float | None:
        async with self._lock:
            now = self._clock()
            await self._begin_own()
            if now < self._looked_at:
                await self._go_back(now)
            self._looked_at = now
            due = [
                each
                for each in self._known.values()
                if self._may_run(each) and each.next_at is not None and each.next_at <= now
            ]
            await self._publish_due(due, now)
            await self._end_again()
            waiting = [
                each.next_at
                for each in self._known.values()
                if each.next_at is not None and self._may_run(each)
            ]
        if not waiting:
            return None
        return min(_LOOK_S, max(0.001, (min(waiting) - self._clock()) / 1e6))

    def _may_run(self, schedule: Schedule) -> bool:
        """False while it is paused, or the session whose own it is does not run."""
        if schedule.next_at is None or schedule.session_id is None:
            return schedule.next_at is not None
        owner = self._owners.get(schedule.schedule_id)
        return owner is not None and owner.status is Status.RUNNING

    async def _begin_own(self) -> None:
        """Put those on record that sessions have begun since."""
        if asked := list(self._asked.values()):
            async with self._changing(*asked):
                await self._store.journal.append(*(each.record() for each in asked))
            for each in asked:
                # Where its session was brought back, it has published before.
                self._unsure.add(each.schedule_id)
                if self._asked.get(each.schedule_id) is each:
                    del self._asked[each.schedule_id]

    async def _end_again(self) -> None:
        """Take off again what ended amid its publishing, whose row came last then."""
        ended = [each for name, each in self._ended.items() if name in self._known]
        self._ended.clear()
        if ended:
            await self._store.journal.append(*(each.record() for each in ended))
            for each in ended:
                self._known.pop(each.schedule_id, None)

    async def _go_back(self, now: int) -> None:
        """The clock was set back: what is due again is looked at again, and refused by its key."""
        later = [each.settled(now) for each in self._known.values() if each.settled_at > now]
        if later:
            async with self._changing(*later):
                await self._store.journal.append(*(each.record() for each in later))

    async def _publish_due(self, due: Sequence[Schedule], now: int) -> None:
        by_topic: dict[str, list[Schedule]] = defaultdict(list)
        for each in due:
            by_topic[each.topic].append(each)
        failed: Exception | None = None
        groups = list(by_topic.items())
        for at in range(0, len(groups), _AT_ONCE):
            part = [self._publish(topic, of, now) for topic, of in groups[at : at + _AT_ONCE]]
            for found in await asyncio.gather(*part, return_exceptions=True):
                if isinstance(found, Exception):
                    failed = found
                elif isinstance(found, BaseException):
                    raise found
        if failed is not None:
            raise failed

    async def _publish(self, topic: str, of: Sequence[Schedule], now: int) -> None:
        drafts, after = [], []
        for each in of:
            times = each.due(now)
            again = each.schedule_id in self._unsure
            drafts += [each.draft(at, again=again) for at in times]
            after.append(each.settled(now, ran_at=times[-1] if times else None, due=times))
        async with self._changing(*after) as changed:
            records = [each.record() for each in changed]
            if drafts:
                await self._topics.add(topic, drafts, also=records)
            else:  # what was due is too late
                await self._store.journal.append(*records)

    @asynccontextmanager
    async def _changing(self, *changed: Schedule) -> AsyncIterator[Sequence[Schedule]]:
        """They are as given once the context has committed them."""
        names = {each.schedule_id for each in changed}
        try:
            yield changed
        except BaseException:
            self._unsure |= names  # they may be on disk all the same
            raise
        self._unsure -= names
        self._known |= {each.schedule_id: each for each in changed}

    # -- those of sessions

    def adopt(self, schedule: Schedule, owner: Session) -> None:
        """Let a session's own run while its session does; it begins where it was left."""
        known = self._known.get(schedule.schedule_id)
        if known is None or not known.goes_on_as(schedule):
            begins = self._restored(schedule) or schedule
            self._asked[schedule.schedule_id] = begins.settled(begins.settled_at)
        self._owners[schedule.schedule_id] = owner
        self._ended.pop(schedule.schedule_id, None)
        self.wake()

    def let_go(self, schedule_id: str, owner: Session) -> None:
        """Its session does not run any more."""
        if self._owners.get(schedule_id) is owner:
            del self._owners[schedule_id]

    def ended(self, schedule_ids: Sequence[str], session_id: str) -> Sequence[Record]:
        """The rows that say that a session's own have ended with it."""
        ended = []
        for name in schedule_ids:
            self._asked.pop(name, None)
            self._unsure.discard(name)
            if (known := self._known.pop(name, None)) is not None:
                self._ended[name] = replace(known, removed_by=session_id, next_at=None)
                self._has_ended(self._ended[name])
                ended.append(self._ended[name].record())
        return ended

    def _has_ended(self, schedule: Schedule) -> None:
        """Keep it for a session that is brought back; the newest of them."""
        self._gone[schedule.schedule_id] = schedule
        if len(self._gone) > _MOST_GONE:
            del self._gone[next(iter(self._gone))]

    def _restored(self, schedule: Schedule) -> Schedule | None:
        """The schedule as it ended, where its session was brought back."""
        gone = self._gone.pop(schedule.schedule_id, None)
        back = None if gone is None else replace(gone, removed_by=None)
        return back if back is not None and back.goes_on_as(schedule) else None

    # -- changes that people make

    async def set(self, asked: ScheduleSet, actor: str, action_id: str, at_us: int) -> None:
        """Begin one, or change one; what was due before it was asked for is no concern of it."""
        async with self._lock:
            before = self._known.get(asked.schedule_id)
            if before is not None and before.changed_action == action_id:
                return
            there = before is not None and before.removed_by is None
            made = Schedule(
                schedule_id=asked.schedule_id,
                topic=asked.topic,
                when=asked.when,
                zone=asked.zone,
                catch_up=asked.catch_up,
                message=asked.message,
                set_at=at_us,
                settled_at=at_us,
                created_by=before.created_by if there and before else actor,
                created_at=before.created_at if there and before else at_us,
                paused_by=before.paused_by if there and before else None,
                last_at=before.last_at if there and before else None,
                newest_due=0 if before is None else before.newest_due,
                changed_action=action_id,
            )
            await self._put(made.settled(at_us))
        self.wake()

    async def pause(self, schedule_id: str, paused_by: str | None, action_id: str) -> None:
        """Let it rest, or go on; what was due meanwhile is not made up for.

        Raises: UnknownScheduleError.
        """
        async with self._lock:
            before = self._get(schedule_id)
            if before.changed_action == action_id or before.paused_by == paused_by:
                return
            if before.paused_by is not None and paused_by is not None:
                return
            changed = replace(before, paused_by=paused_by, changed_action=action_id)
            upto = before.settled_at if paused_by is not None else self._clock()
            await self._put(changed.settled(upto))
        self.wake()

    async def remove(self, schedule_id: str, removed_by: str, action_id: str) -> None:
        """End it. Raises: UnknownScheduleError."""
        async with self._lock:
            before = self._known.get(schedule_id)
            if before is not None and before.changed_action == action_id:
                return
            before = self._get(schedule_id)
            changed = replace(before, removed_by=removed_by, changed_action=action_id)
            await self._put(changed.settled(before.settled_at))

    async def run_now(self, schedule_id: str, action_id: str) -> int:
        """Publish once more, now; returns the message's number. Raises: UnknownScheduleError."""
        async with self._lock:
            before = self._get(schedule_id)
            now = self._clock()
            draft = before.draft(now, key=f"schedule run\n{action_id}", again=True)
            async with self._changing(replace(before, last_at=now)) as changed:
                [number] = await self._topics.add(
                    before.topic, [draft], also=[each.record() for each in changed]
                )
        return number

    async def _put(self, schedule: Schedule) -> None:
        async with self._changing(schedule):
            await self._store.journal.append(schedule.record())

    def _get(self, schedule_id: str) -> Schedule:
        found = self._known.get(schedule_id)
        if found is None or found.removed_by is not None:
            raise UnknownScheduleError(
                f"there is no schedule {schedule_id!r}; see GET /api/schedules"
            )
        return found
