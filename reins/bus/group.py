"""A group of subscribers that share the messages of their topics: each is done by one of them.

Leases are in memory, since one worker has all members: after a restart nobody has any, and what was
not committed is given out again. What is done is a row of the member's, in the commit of its tick.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

from agent_core.agent.effects import Prepared
from reins.bus.delivery import Place
from reins.bus.leases import Leases
from reins.bus.topic import Topic
from reins.threads import READS
from store import group_reads
from store.journal.file import Record
from store.reading import Reader


@dataclass(eq=False, slots=True)
class Member:
    """One live member. `can_take`: it would tick now if it were woken."""

    session_id: str
    lease_s: float
    wake: Callable[[], object]
    can_take: Callable[[], bool]
    topics: Mapping[str, Topic]
    renewed: float = 0.0


class Group:
    """The members of a group, and who has which message. Lives on the worker's loop."""

    def __init__(self, name: str, reader: Callable[[], Reader]) -> None:
        self.name = name
        self._reader = reader
        self._leases: dict[str, Leases] = {}
        self._marks: dict[str, dict[str, set[int]]] = {}
        self._members: list[Member] = []
        self._idle: dict[Member, None] = {}
        self._woken: set[Member] = set()
        self._loaded = False
        self._lock = asyncio.Lock()

    # -- what is on record

    async def load(self) -> None:
        """Read what is done, once; and again where a commit's outcome is not known."""
        if self._loaded:
            return
        async with self._lock:
            if not self._loaded:
                self._take(
                    await READS.call(group_reads.list_group_reads, self.name, store=self._reader())
                )
                self._loaded = True

    def _take(self, rows: Sequence[Mapping[str, object]]) -> None:
        floors: dict[str, int] = {}
        done: dict[str, set[int]] = {}
        for row in rows:
            topic, floor = str(row["topic"]), int(str(row["floor"]))
            own = group_reads.done_of(row)
            floors[topic] = max(floors.get(topic, 0), floor)
            done.setdefault(topic, set()).update(own)
            self._marks.setdefault(topic, {})[str(row["session_id"])] = own
        for topic, floor in floors.items():
            if topic in self._leases:
                self._leases[topic].learn(floor, done[topic])
            else:
                self._leases[topic] = Leases(floor, done[topic])

    def begin(self, topics: Sequence[Topic]) -> list[Record]:
        """Begin with what comes from now on, of topics that the group has not read yet."""
        new = [each for each in topics if each.name not in self._leases]
        for topic in new:
            self._leases[topic.name] = Leases(topic.newest)
        return [group_reads.record(self.name, each.name, "", each.newest) for each in new]

    def floor(self, topic: str) -> int:
        """The number up to which all is done."""
        return self.of(topic).floor

    def of(self, topic: str) -> Leases:
        leases = self._leases.get(topic)
        if leases is None:
            leases = self._leases[topic] = Leases()
        return leases

    # -- its members

    @contextmanager
    def joined(self, member: Member) -> Iterator[Member]:
        """A member for as long as this lasts; then others get what it has."""
        self._members.append(member)
        try:
            yield member
        finally:
            self._members.remove(member)
            self._idle.pop(member, None)
            self._woken.discard(member)
            for leases in self._leases.values():
                leases.release(member.session_id)
            self.wake()

    def wake(self) -> None:
        """Wake as many idle members as there are messages, who has waited longest first."""
        self._woken = {member for member in self._woken if member.can_take()}
        open_now = self._open(self._members)
        for member in list(self._idle):
            if len(self._woken) >= open_now:
                return
            del self._idle[member]
            if member.can_take():
                self._woken.add(member)
                member.wake()
        if len(self._woken) < open_now:  # nobody is idle: whoever is at work looks again after it
            for member in self._members:
                if member not in self._woken and member.can_take():
                    member.wake()

    def _open(self, members: Sequence[Member]) -> int:
        topics = {name: topic for each in members for name, topic in each.topics.items()}
        return sum(
            self.of(name).open(topic.newest)
            for name, topic in topics.items()
            if not name.startswith("@")
        )

    # -- taking

    def take(self, member: Member, batch: int, served: str) -> list[Place]:
        """The member's next messages: its share, so that the others have theirs.

        Topics take turns. A member that gets none is woken when there is one again.
        """
        self._idle.pop(member, None)
        self._woken.discard(member)
        now = member.renewed = time.monotonic()
        topics = sorted(name for name in member.topics if not name.startswith("@"))
        for name in topics:
            self.of(name).expire(now)
        able = 1 + sum(each is not member and each.can_take() for each in self._members)
        share = min(batch, max(1, -(-self._open([member]) // able)))
        taken: list[Place] = []
        for name in [n for n in topics if n > served] + [n for n in topics if n <= served]:
            numbers = self.of(name).take(
                member.session_id, member.topics[name].newest, share - len(taken), now,
                member.lease_s,
            )  # fmt: skip
            taken += [Place(name, number) for number in numbers]
        if not taken:
            self._idle[member] = None
        return taken

    def has_open(self, member: Member) -> bool:
        """True if there is a message that nobody has."""
        return self._open([member]) > 0

    def expires_in(self, member: Member) -> float | None:
        """Seconds until the next lease runs out, whose message would then be free."""
        until = min((self.of(name).until() for name in member.topics), default=float("inf"))
        return None if until == float("inf") else max(0.0, until - time.monotonic())

    def losses(self, place: Place) -> int:
        """How often a member has begun this message, and lost it."""
        return self.of(place.topic).losses.get(place.number, 0)

    def keep(self, member: Member, place: Place, wait_s: float = 0.0) -> bool:
        """Hold a message for so long, and a lease more; False: it is not the member's any more."""
        now = time.monotonic()
        until = now + wait_s + member.lease_s
        return self.of(place.topic).keep(member.session_id, place.number, now, until)

    def begin_one(self, member: Member, place: Place) -> bool:
        """The member begins with a message; False: it has lost it."""
        now, leases = time.monotonic(), self.of(place.topic)
        if now > member.renewed + member.lease_s / 4:
            member.renewed = now
            for each in self._leases.values():
                each.renew(member.session_id, now, now + member.lease_s)
        if not leases.holds(member.session_id, [place.number]):
            return False
        leases.held[place.number].begun = True
        return True

    def end_one(self, place: Place) -> None:
        """It is used; what is lost from now on is no fault of the message."""
        lease = self.of(place.topic).held.get(place.number)
        if lease is not None:
            lease.begun = False

    def give_back(self, member: Member, places: Sequence[Place]) -> None:
        """Others get these now: the member comes to a stop before them."""
        for place in places:
            self.of(place.topic).give_back(member.session_id, [place.number])
        self.wake()

    # -- what a tick has done

    def finished(self, member: Member, places: Sequence[Place]) -> "Finished":
        """The effect that puts messages on record as done, if they are the member's still."""
        by_topic: dict[str, list[int]] = {}
        for place in places:
            by_topic.setdefault(place.topic, []).append(place.number)
        return Finished(self, member, by_topic)

    def holds(self, member: Member, by_topic: Mapping[str, list[int]]) -> bool:
        now = time.monotonic()
        for name in by_topic:
            self.of(name).expire(now)
        return all(
            self.of(name).holds(member.session_id, numbers) for name, numbers in by_topic.items()
        )

    def records(self, member: Member, by_topic: Mapping[str, list[int]]) -> list[Record]:
        """The member's rows with these numbers; nobody else gets them from now on."""
        records = []
        for name, numbers in by_topic.items():
            leases = self.of(name)
            leases.commit(numbers)
            before = self._marks.setdefault(name, {}).get(member.session_id, set())
            marks = {number for number in (*before, *numbers) if number > leases.floor}
            records.append(
                group_reads.record(self.name, name, member.session_id, leases.floor, marks)
            )
        return records

    def settle(self, member: Member, by_topic: Mapping[str, list[int]]) -> None:
        """They are on disk."""
        for name, numbers in by_topic.items():
            self._marks[name].setdefault(member.session_id, set()).update(numbers)
            self.of(name).finish(numbers)
            own = self._marks[name][member.session_id]
            self._marks[name][member.session_id] = {n for n in own if n > self.of(name).floor}

    def doubt(self, by_topic: Mapping[str, list[int]]) -> None:
        """They may be on disk or not: what is there is read before anything is given out."""
        self._loaded = False
        for name, numbers in by_topic.items():
            for number in numbers:
                lease = self.of(name).held.get(number)
                if lease is not None:
                    lease.until = 0.0


@dataclass(frozen=True, slots=True)
class Finished:
    """An effect: messages are done, fenced by their leases.

    Where one was lost the tick has been overtaken: another member has the message, or will.
    """

    group: Group
    member: Member
    by_topic: Mapping[str, list[int]]

    @property
    def key(self) -> str:
        return f"group {self.group.name}"

    @asynccontextmanager
    async def prepare(self) -> AsyncIterator[Prepared | None]:
        if not self.group.holds(self.member, self.by_topic):
            yield None
            return
        try:
            yield Prepared(self.group.records(self.member, self.by_topic))
        except BaseException:
            self.group.doubt(self.by_topic)
            raise
        self.group.settle(self.member, self.by_topic)
