"""The floor of a conversation: one member composes at a time, in a fair order."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Protocol

from agent_core.conversations.turns import Turns
from reins.names.hearing import is_named

_MAX_RESTARTS = 5  # before one who composes is heard out


class Member(Protocol):
    """A participant that listens in a conversation."""

    @property
    def member_id(self) -> str: ...

    @property
    def name(self) -> str: ...

    def news(self) -> None:
        """Something was said, or whoever composed has ended: look again."""

    def restart(self) -> bool:
        """A person spoke while this one composed: read that first. False if that is too late."""


class Floor:
    """The members that listen, the one that composes, and those that wait for that.

    Who has the floor before its turn has come, waits for it there, and can lose it to whom a
    person names. `changed` is called when who composes does.
    """

    def __init__(self, changed: Callable[[], object]) -> None:
        self.composer: Member | None = None
        self.turns = Turns()
        self.wait_s = 0.0
        self._composes = False
        self._changed = changed
        self._members: dict[str, Member] = {}
        self._heard: dict[str, int] = {}
        self._waiting: set[str] = set()
        self._restarts = 0

    @contextmanager
    def listening(self, member: Member) -> Iterator[None]:
        """Tell `member` of what is said, for as long as this lasts."""
        self._members[member.member_id] = member
        try:
            yield
        finally:
            if self._members.get(member.member_id) is member:
                del self._members[member.member_id]
            self.release(member)

    def take(self, member: Member, *, at_once: bool = False) -> bool:
        """Let `member` have the floor; if another has it, it is told when that one has ended.

        It composes once its turn has come: see `wait_s`. `at_once`: that is now.
        """
        other = self.composer is not None and self.composer is not member
        if other and (self._composes or not at_once):
            self._waiting.add(member.member_id)
            return False
        if self.composer is not member:
            self.composer = member
            self._changed()
        self.wait_s = 0.0 if at_once else self.turns.wait_s
        if not self.wait_s and not self._composes:
            self._composes = True
            self.turns.begin()
        return True

    def release(self, member: Member) -> None:
        """`member` does not compose any more: those who waited look again."""
        if self.composer is not member:
            return
        self._set_free()
        waiting = [member_id for member_id in self._waiting if member_id in self._members]
        self._waiting.clear()
        for each in self._in_turn(waiting, set()):
            each.news()

    def look(self) -> None:
        """Something has changed for all."""
        if not self._composes:
            self._set_free()
        for each in self._in_turn(self._members, set()):
            each.news()

    def _set_free(self) -> None:
        self._composes = False
        if self.composer is not None:
            self.composer = None
            self._changed()

    def may_restart(self) -> bool:
        """True if a reply is composed again after another's word; counts as once more.

        Not without end: where people speak all the time, nobody else would be heard.
        """
        self._restarts += 1
        return self._restarts <= _MAX_RESTARTS

    def heard(self, member_id: str, number: int) -> None:
        """A member's newest message is this one."""
        self._heard[member_id] = number

    def tell(self, text: str, member_id: str | None) -> None:
        """A member, or a person, has said something: all others look."""
        self._waiting.clear()
        if member_id is not None:
            self._restarts = 0
        named = self._named(text) if member_id is None else set()
        if member_id is None and not self._composes:
            self._set_free()  # who waited for its turn may not be whom the person means
        for each in self._in_turn(self._members, named):
            if each.member_id != member_id:
                each.news()
        composer = self.composer
        if member_id is None and composer is not None and self._restarts < _MAX_RESTARTS:
            self._restarts += composer.restart()

    def _named(self, text: str) -> set[str]:
        names = [each.name for each in self._members.values()]
        return {m for m, each in self._members.items() if is_named(text, each.name, names)}

    def _in_turn(self, member_ids: Iterable[str], named: set[str]) -> list[Member]:
        """Those a person has named, then who was heard the longest ago."""
        order = sorted(member_ids, key=lambda m: (m not in named, self._heard.get(m, 0)))
        return [self._members[member_id] for member_id in order]
