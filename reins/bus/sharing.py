"""One member's side of a group: which messages it gets, and what becomes of those that it had."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from agent_core.agent.results import Quiet, StepResult
from agent_core.session.session import Session
from agent_core.session.status import Status
from reins.bus.delivery import Bad, Place, Span
from reins.bus.group import Group, Member
from reins.bus.heard import Heard
from reins.bus.topic import Topic


class Share:
    """The share of one member; mailboxes are not shared."""

    def __init__(self, group: Group, member: Member, session: Session, config: Any) -> None:
        self._group = group
        self._member = member
        self._session = session
        self._config = config

    async def keeps(self, bad: Bad | None) -> bool:
        """True unless the message that is to be tried again is another member's now, or done."""
        await self._group.load()
        if bad is None or bad.topic.startswith("@"):
            return True
        return self._group.keep(self._member, Place(bad.topic, bad.number))

    def take(self, most: int, served: str) -> Sequence[Span]:
        """Its next messages."""
        if most < 1:
            return ()
        places = self._group.take(self._member, most, served)
        return [Span(place.topic, place.number - 1, 1) for place in places]

    def begin(self, place: Place) -> str | None:
        """None: it is to be used. Empty: it was lost. Else why it is given up without a try."""
        if place.topic.startswith("@"):
            return None
        if not self._group.begin_one(self._member, place):
            return ""
        losses = self._group.losses(place)
        if losses < self._config.attempts:
            return None
        self.end(place)
        return f"{losses} members began with it and came to no end within their lease"

    def end(self, place: Place) -> None:
        """It is used, has failed or was given up; what comes now is no fault of the message."""
        if not place.topic.startswith("@"):
            self._group.end_one(place)

    def hold(self, place: Place, wait_s: float) -> None:
        """Nobody else gets it before it is tried again."""
        if not place.topic.startswith("@"):
            self._group.keep(self._member, place, wait_s)

    def give_back(self, places: Sequence[Place]) -> None:
        """Messages of this tick that it does not come to."""
        own = [place for place in places if not place.topic.startswith("@")]
        if own:
            self._group.give_back(self._member, own)

    def add_finished(self, heard: Heard) -> bool:
        """Put what is done on record with the tick; False if there is nothing to be said."""
        done = [place for place in heard.finished if not place.topic.startswith("@")]
        if done:
            heard.effects.append(self._group.finished(self._member, done))
        return bool(heard.finished or heard.notes or heard.steps)

    @property
    def has_open(self) -> bool:
        """True if there is a message that nobody has."""
        return self._group.has_open(self._member)

    def until_free(self, result: StepResult | Quiet) -> StepResult | Quiet:
        """A look again when the next lease runs out, where that is before the next tick."""
        left_s = self._group.expires_in(self._member)
        if left_s is None or not isinstance(result, Quiet):
            return result
        own_s = self._config.heartbeat_s
        asked_s = result.next_in_s
        if asked_s is None:
            asked_s = self._session.schedule.heartbeat_s if own_s is None else own_s
        return Quiet(min(asked_s, left_s + 0.01))


@contextmanager
def shared(
    group: Group,
    session: Session,
    config: Any,
    topics: Mapping[str, Topic],
    wake: Callable[[], object],
) -> Iterator[Share]:
    """The share of a session in its group, for as long as this lasts."""

    def can_take() -> bool:
        running = session.status is Status.RUNNING and session.held is None
        return running and not session.failures and session.waits is None

    member = Member(session.session_id, config.lease_s, wake, can_take, topics)
    with group.joined(member):
        yield Share(group, member, session, config)
