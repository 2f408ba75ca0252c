"""Watches of sessions: each looks at something, and tells its session what has changed.

What was seen last is on record in the commit of the message that tells of it: a change is told
once, also of what has changed while no worker ran.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import orjson
import structlog

from agent_core.session.session import Session
from agent_core.session.status import Status
from reins.bus.subscribing import mailbox
from reins.bus.topic import Draft, keyed_id
from reins.bus.topics import Topics
from reins.loops import TaskLoop
from reins.threads import READS
from store import sightings
from store.journal.file import Record
from store.store import Store
from store.times import now_us

_logger = structlog.get_logger(__name__)

BEGUN = ""
"""The item whose sighting says that the first look is over."""
TROUBLE = "!"
"""The item that says why it cannot be looked at."""
_AT_ONCE = 200
"""Changes of one commit."""


class Change(NamedTuple):
    """Something seen anew; `says` is the message about it, None where nobody is told."""

    item: str
    seen: dict[str, Any]
    says: dict[str, Any] | None


@dataclass(slots=True)
class Seen:
    """An item as it was seen last, and how often it was seen anew."""

    seen: dict[str, Any] = field(default_factory=dict)
    times: int = 0


class Watch(TaskLoop):
    """One entry of one session's `on`; it looks while the session runs, and rests with it."""

    def __init__(
        self, session: Session, entry: str, *, since: str, store: Store, topics: Topics
    ) -> None:
        super().__init__(f"{entry} of {session.session_id}"[:120])
        self.session = session
        self.entry = entry
        self.tells_first = since == "all"
        self.known: dict[str, Seen] = {}
        self._store = store
        self._topics = topics
        self._source_id = f"{session.session_id}\n{session.created_at}\n{entry}"
        self._loaded = False
        self._unsure = True  # one before may have been ended amid its commit

    async def look(self) -> float | None:
        """Look, and tell what has changed; returns the seconds until the next look."""
        raise NotImplementedError

    async def run_once(self) -> float | None:
        if self.session.status is not Status.RUNNING:
            return None  # until it is resumed
        if not self._loaded:
            rows = await READS.call(
                sightings.list_sightings, self._source_id, store=self._store.reader
            )
            for item, row in rows.items():
                self.known[item] = Seen(orjson.loads(row["seen"]), row["times"])
            self._loaded = True
        return await self.look()

    @property
    def has_begun(self) -> bool:
        """True once the first look is on record."""
        return BEGUN in self.known

    async def tell(self, changes: Sequence[Change]) -> None:
        """Put changes on record, each with its message in one commit."""
        for at in range(0, len(changes), _AT_ONCE):
            await self._tell(changes[at : at + _AT_ONCE])
        if not self.has_begun:
            await self._tell([Change(BEGUN, {}, None)])

    async def tell_trouble(self, why: str | None) -> None:
        """Say once why it cannot be looked at, and once that it can be again."""
        before = self.known.get(TROUBLE, Seen()).seen.get("trouble")
        if why == before:
            return
        says = {"source": self.entry, "trouble": why}
        await self._tell([Change(TROUBLE, {"trouble": why}, says)])

    async def _tell(self, changes: Sequence[Change]) -> None:
        anew = [(each, self.known.get(each.item, Seen()).times + 1) for each in changes]
        drafts = [self._draft(each, times) for each, times in anew if each.says is not None]
        records = [self._record(each, times) for each, times in anew]
        try:
            if drafts:
                await self._topics.add(mailbox(self.session.session_id), drafts, also=records)
            else:
                await self._store.journal.append(*records)
        except BaseException:
            self._unsure = True  # they may be on disk all the same
            raise
        self._unsure = False
        for each, times in anew:
            self.known[each.item] = Seen(each.seen, times)

    def _draft(self, change: Change, times: int) -> Draft:
        session, topic = self.session, mailbox(self.session.session_id)
        return Draft(
            author=session.session_id,
            message=change.says,
            message_id=keyed_id(topic, f"watch\n{self._source_id}\n{change.item}\n{times}"),
            agent_id=session.agent_id,
            session_id=session.session_id,
            again=self._unsure,
            about={"source": self.entry},
        )

    def _record(self, change: Change, times: int) -> Record:
        return sightings.record(
            {
                "source_id": self._source_id,
                "session_id": self.session.session_id,
                "item": change.item,
                "seen": orjson.dumps(change.seen).decode(),
                "times": times,
                "seen_at": now_us(),
            }
        )


class Watches:
    """The watches of one kind, of all sessions."""

    def __init__(self) -> None:
        self._watches: dict[str, list[Watch]] = {}
        self._ending: set[asyncio.Task[None]] = set()

    def begin(self, session: Session, watches: Sequence[Watch]) -> Callable[[], None]:
        """Start them; returns what ends them."""
        self._watches[session.session_id] = list(watches)
        for each in watches:
            each.start()

        def end() -> None:
            if self._watches.get(session.session_id) == list(watches):
                del self._watches[session.session_id]
            for each in watches:
                task = asyncio.get_running_loop().create_task(each.stop(), name=f"end {each.name}")
                self._ending.add(task)
                task.add_done_callback(self._ending.discard)

        return end

    def look(self, session: Session) -> None:
        """Let those of a session look at once."""
        for each in self._watches.get(session.session_id, ()):
            each.wake()

    async def stop(self) -> None:
        """Return once those that were told to end have ended; a second stop does nothing."""
        left = [each for of in self._watches.values() for each in of]
        await asyncio.gather(*(each.stop() for each in left), *self._ending)
