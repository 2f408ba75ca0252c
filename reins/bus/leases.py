"""The messages of one topic as a group shares them: who has which, until when, what is done.

Pure rules over numbers, so that they can be tried alone. Nothing here looks at all messages: what
has never been given out is above one number, and what came back is on a heap.
"""

import heapq
from dataclasses import dataclass

WINDOW = 2_000
"""A message so far above the oldest that is not done waits: rows name what is done in between."""
_NEVER = float("inf")


@dataclass(slots=True)
class Lease:
    """A message that a member has. `begun`: it is being used; if it is lost now, that counts."""

    member: str
    until: float
    begun: bool = False


class Leases:
    """The leases of one topic. **Units**: times are seconds of one clock that never goes back."""

    def __init__(self, floor: int = 0, done: set[int] | None = None) -> None:
        self.floor = floor
        self.held: dict[int, Lease] = {}
        self.losses: dict[int, int] = {}
        self._done = set(done or ())
        self._back: list[int] = []
        self._next = floor + 1
        self._settle()

    @property
    def done_above(self) -> int:
        """How many above the floor are done."""
        return len(self._done)

    def open(self, newest: int) -> int:
        """How many nobody has, up to the message with this number."""
        fresh = max(0, min(newest, self.floor + WINDOW) + 1 - self._next)
        return fresh + len(self._back)

    def take(self, member: str, newest: int, most: int, now: float, lease_s: float) -> list[int]:
        """The lowest numbers that nobody has, and those that the member has still."""
        self.expire(now)
        taken = sorted(n for n, lease in self.held.items() if lease.member == member)[:most]
        while len(taken) < most:
            if self._back:
                number = heapq.heappop(self._back)
            elif self._next <= min(newest, self.floor + WINDOW):
                number = self._next
                self._next += 1
            else:
                break
            if number not in self._done and number > self.floor:
                taken.append(number)
        for number in taken:
            self.held[number] = Lease(member, now + lease_s)
        return sorted(taken)

    def keep(self, member: str, number: int, now: float, until: float) -> bool:
        """Hold a message that the member had, for longer; False: another has it, or it is done."""
        lease = self.held.get(number)
        if lease is not None:
            if lease.member != member or lease.until <= now:
                return False
        elif number <= self.floor or number in self._done:
            return False
        elif number in self._back:
            self._back.remove(number)
            heapq.heapify(self._back)
        elif number < self._next:
            return False
        else:  # after a restart, before it was given to anybody
            for between in range(self._next, number):
                heapq.heappush(self._back, between)
            self._next = number + 1
        self.held[number] = Lease(member, until)
        return True

    def begin(self, member: str, number: int) -> None:
        """The member uses it now."""
        self.held[number].begun = self.holds(member, [number])

    def renew(self, member: str, now: float, until: float) -> None:
        """The member is at work: what it has is its own for longer."""
        for lease in self.held.values():
            if lease.member == member and lease.until > now:
                lease.until, lease.begun = until, False

    def holds(self, member: str, numbers: list[int]) -> bool:
        """True if all of them are the member's still."""
        found = [self.held.get(number) for number in numbers]
        return all(lease is not None and lease.member == member for lease in found)

    def expire(self, now: float) -> bool:
        """Take back what was held too long; True if anything was."""
        gone = [number for number, lease in self.held.items() if lease.until <= now]
        for number in gone:
            if self.held[number].begun:
                self.losses[number] = self.losses.get(number, 0) + 1
            self._give_back(number)
        return bool(gone)

    def release(self, member: str) -> None:
        """The member has gone."""
        for number in [n for n, lease in self.held.items() if lease.member == member]:
            self._give_back(number)

    def give_back(self, member: str, numbers: list[int]) -> None:
        """The member has not begun with them, and does not soon."""
        for number in numbers:
            if self.holds(member, [number]):
                self._give_back(number)

    def until(self) -> float:
        """When the next lease runs out."""
        return min((lease.until for lease in self.held.values()), default=_NEVER)

    def commit(self, numbers: list[int]) -> None:
        """They are on their way to the disk: nobody else gets them meanwhile."""
        for number in numbers:
            self.held[number].until = _NEVER

    def finish(self, numbers: list[int]) -> None:
        """They are done, on disk."""
        for number in numbers:
            self.held.pop(number, None)
            self.losses.pop(number, None)
            if number > self.floor:
                self._done.add(number)
        self._settle()

    def learn(self, floor: int, done: set[int]) -> None:
        """Take in what the disk says, where a commit's outcome was not known."""
        for number in {*done, *(n for n in self.held if n <= floor)}:
            self.held.pop(number, None)
        self._done |= done
        self.floor = max(self.floor, floor)
        self._settle()

    def _give_back(self, number: int) -> None:
        del self.held[number]
        if number > self.floor and number not in self._done:
            heapq.heappush(self._back, number)

    def _settle(self) -> None:
        while self.floor + 1 in self._done:
            self.floor += 1
            self._done.discard(self.floor)
        self._done = {number for number in self._done if number > self.floor}
        self._next = max(self._next, self.floor + 1)
