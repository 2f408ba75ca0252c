"""Agents that work between their ticks: a tick commits what has ended since the row before."""

from abc import abstractmethod
from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from typing import Any

from agent_core.agent.effects import Prepared
from agent_core.agent.interrupting import is_now
from agent_core.agent.looping import LoopingAgentBase
from agent_core.agent.outcomes import Done
from agent_core.agent.results import Quiet, StepResult
from agent_core.session.controls import (
    Control,
    Decide,
    Interrupt,
    Pause,
    Renew,
    Resume,
    Stop,
)
from agent_core.session.status import Status
from agent_core.session.work import Ended, Told, Work

_TICKING = (Status.RUNNING, Status.PAUSING, Status.STOPPING)
GIVEN_UP_S = 1.0
"""A piece that has not ended this long after its cancellation is abandoned."""


class WorkingAgentBase(LoopingAgentBase):
    """An agent whose pieces of work run side by side, and end when they do.

    `wanted` says which pieces should run, by the state that is on record; each is begun once the
    row is on disk, and again after a crash. `fold` takes the ends in, as a tick. A pause begins no
    further piece and takes effect once all have ended and are on record; so does newer code. A
    destroy cancels them after its time; guidance of mode `now` cancels them at once, and they are
    begun again after it.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.work = Work(self.session, self.session.scope, self.news, self.before_cancel)
        self._is_quiescing = False
        self._folded: tuple[Ended, ...] = ()

    @abstractmethod
    def wanted(self) -> Mapping[str, Callable[[], Coroutine[Any, Any, Any]]]:
        """The pieces that should run now, by their names, each with how it is begun."""

    @abstractmethod
    async def fold(self, ends: Sequence[Ended]) -> StepResult | Quiet:
        """Take the ends of pieces into the state, in the order in which they came; a tick.

        Where it does not come to a row, it is given them again.
        """

    @classmethod
    @abstractmethod
    def told(cls, payload: Mapping[str, Any]) -> Sequence[Told]:
        """The pieces of which a tick's row tells, by its payload, in the order of their ends."""

    def before_cancel(self, name: str) -> None:
        """A piece is about to be cancelled."""

    def hold(self) -> None:
        """The session is about to be held by a budget: no end is taken in before it is let go."""

    def rest(self) -> None:
        """Let go what need not be waited for before all is at rest; asked again at each end."""

    # -- the loop

    async def run(self) -> None:
        try:
            if self.is_first:  # after a restart all begin spread out, as their first ticks do
                await self.session.mailbox.sleep(self.due_at)
            self.begin_wanted()
            await super().run()
            if self.retired and not self.session.status.ended:
                await self._quiesce()  # the worker stops, and gives them their time
        finally:
            await self.work.close(GIVEN_UP_S)

    def retire(self) -> None:
        super().retire()
        self.session.mailbox.wake()

    async def tick(self) -> StepResult | Quiet:
        if self.session.waits is not None and not self.work.ends:
            self._begin()  # another try of what was away
            while self.work.running and not self.work.ends:
                await self.work.change()
        self._folded = tuple(self.work.ends)
        return await self.fold(self._folded)

    async def _commit(self, done: Done, prepared: Prepared) -> None:
        await super()._commit(done, prepared)
        self._forget_folded()

    async def _settle_idle(self, result: Quiet) -> None:
        await super()._settle_idle(result)
        self._forget_folded()

    def _forget_folded(self) -> None:
        self.work.forget(self._folded)
        self._folded = ()

    async def _hold(self, held: dict[str, Any]) -> None:
        self.hold()
        await super()._hold(held)

    def after_tick(self) -> None:
        super().after_tick()
        self.begin_wanted()

    def before_sleep(self) -> None:
        super().before_sleep()
        if self.work.freed:
            self.work.freed = False
            self.begin_wanted()

    def keep_folded(self) -> None:
        """The tick in flight takes no ends in: the next one is given them again."""
        self._folded = ()

    # -- requests

    def on_control(self, control: Control) -> None:
        if is_now(control):
            self.work.let_go()
        super().on_control(control)
        self.work.look()  # whoever waits for it to come to rest

    def let_go(self, names: Collection[str] | None = None) -> None:
        self.work.let_go(names)

    async def apply(self, control: Control) -> None:
        if isinstance(control, Pause | Stop | Renew):
            if not await self._quiesce(control):
                self.session.refuse(control, "it was taken back by a resume before it took effect")
                return
            if not self._still_takes(control):
                self.session.refuse(control)
                return
        await super().apply(control)
        await self.work.settle(GIVEN_UP_S)  # what was let go for it
        self.begin_wanted()

    async def _quiesce(self, control: Control | None = None) -> bool:
        """Begin nothing, and put each end on record, until nothing runs.

        Guidance that comes meanwhile is applied. False: a resume takes the pause back.
        """
        self._is_quiescing = True
        try:
            await self._commit_ends()
            await self._come_to_rest()
            while self.work.running and not self.session.status.ended:
                following = next(iter(self.session.mailbox.waiting()), None)
                if isinstance(control, Pause) and isinstance(following, Resume):
                    return False
                if isinstance(control, Pause | Renew) and isinstance(following, Interrupt | Decide):
                    await self._apply_next()
                    self.session.mailbox.retake(control)
                else:
                    await self.work.change()
                await self._commit_ends()
                await self._come_to_rest()
            await self._commit_ends()  # what has ended while the row before was written
        finally:
            self._is_quiescing = False
        return True

    async def _come_to_rest(self) -> None:
        self.rest()
        await self.work.settle(GIVEN_UP_S)

    async def _commit_ends(self) -> None:
        session = self.session
        # Of one that is paused, or held, they wait until it goes on.
        if self.work.ends and session.held is None and session.status in _TICKING:
            await self.tick_once()

    def _still_takes(self, control: Control) -> bool:
        """False of a request that does not fit what has become of the session meanwhile."""
        if self.retired:
            return False
        status = self.session.status
        return not status.ended or (status is Status.FAILED and isinstance(control, Stop))

    def begin_wanted(self) -> None:
        """Begin the pieces that should run and do not, if the session may have any begun."""
        session = self.session
        waits = session.held is not None or session.waits is not None
        if session.status is Status.RUNNING and not (waits or self._is_quiescing or self.retired):
            self._begin()

    def _begin(self) -> None:
        for name, piece in self.wanted().items():
            if not self.work.knows(name):
                self.work.start(name, piece())
