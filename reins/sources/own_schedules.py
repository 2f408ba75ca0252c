"""Schedules in the `on` of sessions: each publishes into its session's mailbox."""

from collections.abc import Callable, Sequence

from agent_core.actions.scheduling import own_schedule_id
from agent_core.actions.when import own_when
from agent_core.session.session import Session
from reins.bus.sourcing import Entries
from reins.bus.subscribing import mailbox
from reins.sources.schedule import Schedule
from reins.sources.scheduler import Scheduler
from store.journal.file import Record


class OwnSchedules:
    """`cron:…` and `every:…`. They rest while their session does, and end with it."""

    prefixes = ("cron:", "every:")

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler

    async def check(self, entry: str) -> None:
        """Each that is well formed may be."""

    def begin(self, session: Session, entries: Entries, since: str) -> Callable[[], object]:
        """See `SourceKind.begin`; intervals count from the session's creation."""
        del since  # it concerns messages that were there before
        made = [_own(session, place, entry) for place, entry in entries.items()]
        for each in made:
            self._scheduler.adopt(each, session)

        def end() -> None:
            for each in made:
                self._scheduler.let_go(each.schedule_id, session)

        return end

    def look(self, session: Session) -> None:
        del session  # one timer has them all
        self._scheduler.wake()

    def closing_records(self, session: Session) -> Sequence[Record]:
        on = getattr(session.agent.config, "on", ())
        names = [
            own_schedule_id(session.session_id, place)
            for place, entry in enumerate(on)
            if entry.startswith(self.prefixes)
        ]
        return self._scheduler.ended(names, session.session_id)


def _own(session: Session, place: int, entry: str) -> Schedule:
    when, zone = own_when(entry)
    return Schedule(
        schedule_id=own_schedule_id(session.session_id, place),
        topic=mailbox(session.session_id),
        when=when,
        zone=zone,
        agent_id=session.agent_id,
        session_id=session.session_id,
        set_at=session.created_at,
        settled_at=session.created_at,
        created_by=session.session_id,
        created_at=session.created_at,
    )
