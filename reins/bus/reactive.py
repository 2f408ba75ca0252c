"""An agent that is woken by messages of topics: each has its effect once, whatever is killed."""

from collections.abc import Sequence
from typing import Any, ClassVar

from agent_core.agent.base import AgentConfig, AgentRejectedError
from agent_core.agent.looping import LoopingAgentBase, TickYielded
from agent_core.agent.results import Quiet, StepResult, checked
from agent_core.budgets.limits import spent_in
from agent_core.session.controls import Control, Resume
from agent_core.session.failures import away_in, describe
from reins.bus.delivery import Bad, Place, next_spans
from reins.bus.heard import Heard
from reins.bus.letters import dead_letter
from reins.bus.subscribing import (
    MAX_TOPICS,
    Delivery,
    ReactiveConfig,
    ReactiveState,
    mailbox,
)
from reins.bus.topics import Subscription, Topics
from store.journal.file import Record
from store.times import now_us


class ReactiveAgentBase(LoopingAgentBase):
    """Gives each message of what it subscribes to (`on`) to `receive`, several in a tick.

    A type extends `ReactiveConfig` and `ReactiveState`. Cursors are in its state, and committed
    with the tick that used the messages. A message that `receive` fails on comes again after the
    waits of a failed tick; what went well before it is committed first. After `attempts` it becomes
    a dead letter, in the commit that moves the cursor on.
    """

    Config: ClassVar[type[AgentConfig]] = ReactiveConfig

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.topics: Topics = self.services.get(Topics)
        self._subscription: Subscription | None = None
        self._trying: Place | None = None
        self._receiving = False

    # -- for types to define

    async def receive(self, message: Delivery) -> StepResult | None:
        """Use one message; None leaves nothing to be said of it."""
        raise NotImplementedError(f"{type(self).__name__} must define receive()")

    async def tick_without_message(self) -> StepResult | Quiet:
        """A tick when no message waits."""
        return Quiet()

    # -- its place

    async def admit(self) -> Sequence[Record]:
        await self.topics.load()
        if self.config.since == "new":
            there = self.topics.matching(self.config.on)
            if len(there) > MAX_TOPICS:
                raise AgentRejectedError(
                    f"{', '.join(self.config.on)} are {len(there)} topics; one agent subscribes to "
                    f"{MAX_TOPICS} at the most. Narrow the pattern, or use several agents"
                )
            self.state.cursors = {topic.name: topic.newest for topic in there}
        box = self.topics.get(mailbox(self.session.session_id))
        if box.newest:  # replays for a session of this name that has ended
            self.state.cursors[box.name] = box.newest
        await self.topics.sources.check(self.config.on)
        return await super().admit()

    async def run(self) -> None:
        box = mailbox(self.session.session_id)
        with (
            self.topics.subscribed(self.config.on, box, self.news) as self._subscription,
            self.topics.sources.running(self.session, self.config),
        ):
            await super().run()

    async def apply(self, control: Control) -> None:
        await super().apply(control)
        if isinstance(control, Resume):
            self.topics.sources.look(self.session)

    def closing_records(self) -> Sequence[Record]:
        sources = self.topics.sources.closing_records(self.session)
        return [*super().closing_records(), *sources]

    async def safe_point(self) -> None:
        """As in any tick; amid messages it gives way, and these are given again."""
        if self._receiving and self.session.mailbox:
            raise TickYielded
        await super().safe_point()

    # -- one tick

    async def tick(self) -> StepResult | Quiet:
        await self.topics.load()
        bad: Bad | None = self.state.bad
        if bad is not None and (wait_us := bad.again_at - now_us()) > 0:
            return Quiet(wait_us / 1e6)
        due = await self._due(bad)
        if not due:
            return await self.tick_without_message()
        if (error := self._failed_in_vain(due[0])) is not None:
            heard = Heard()
            self._bury(due[0], self.session.failures, error, heard)
            return heard.result()
        self._trying = due[0].source
        self._receiving = True
        try:
            result = await self._use(due)
        finally:
            self._receiving = False
        self._trying = None  # what fails from here on is no message's fault
        return result

    async def _due(self, bad: Bad | None) -> list[Delivery]:
        topics = {} if self._subscription is None else self._subscription.topics
        for each in list(topics.values()):
            await each.load()
        spans = next_spans(
            {name: each.newest for name, each in topics.items()},
            self.state.cursors,
            batch=1 if self.session.failures else self.config.batch,
            served=self.state.served,
            bad=None if bad is None else Place(bad.topic, bad.number),
        )
        found: list[Delivery] = []
        for span in spans:
            messages = await self.topics.get(span.topic).after(span.after, span.limit)
            found += [Delivery.of(span.topic, each) for each in messages]
        return found

    async def _use(self, due: Sequence[Delivery]) -> StepResult:
        heard, before = Heard(), self.save_state()
        for delivery in due:
            try:
                step = await self.receive(delivery)
                if step is not None:
                    checked(step)
                self._used(delivery.source)
                before = self.save_state()
            except Exception as error:  # the boundary of one message
                self.state = self.State.model_validate_json(before)
                shared = away_in(error) is not None or spent_in(error) is not None
                if shared and not heard.places:
                    raise
                if not shared:
                    self._failed(delivery, error, heard)
                break
            heard.add(delivery.source, step)
            if heard.ends:
                break
        if self.state.bad is None and self._has_unread():
            heard.next_in_s = 0.0
        return heard.result()

    def _used(self, place: Place) -> None:
        state: ReactiveState = self.state
        state.cursors[place.topic] = place.number
        state.served = place.topic
        state.bad = None

    def _failed(self, delivery: Delivery, error: Exception, heard: Heard) -> None:
        """It is given again later, alone; or it has been often enough."""
        source, bad = delivery.source, self.state.bad
        attempts = 1 if bad is None else bad.attempts + 1
        why = describe(error)
        if attempts >= self.config.attempts:
            self._bury(delivery, attempts, why, heard)
            return
        asked_s = getattr(error, "retry_after_s", None)
        wait_s = self.session.schedule.after_failure(attempts, asked_s)
        self.state.bad = Bad(
            topic=source.topic, number=source.number, attempts=attempts, error=why[:500],
            again_at=now_us() + int(wait_s * 1e6),
        )  # fmt: skip
        heard.notes.append(
            f"message {delivery.number} of {delivery.topic} failed "
            f"(attempt {attempts} of {self.config.attempts}): {why}"
        )
        heard.next_in_s = wait_s

    def _bury(self, delivery: Delivery, attempts: int, error: str, heard: Heard) -> None:
        session = self.session
        letter = dead_letter(
            delivery, agent_id=session.agent_id, session_id=session.session_id,
            created_at=session.created_at, attempts=attempts, error=error,
        )  # fmt: skip
        heard.effects.append(letter)
        heard.notes.append(
            f"message {delivery.number} of {delivery.topic} is a dead letter after {attempts} "
            f"attempts: {error}"
        )
        heard.next_in_s = 0.0
        self._used(delivery.source)

    def _failed_in_vain(self, first: Delivery) -> str | None:
        """The error of ticks that came to no end over this message, often enough; else None."""
        session = self.session
        most = min(self.config.attempts, session.schedule.max_failures - 1)
        if self._trying != first.source or not 0 < most <= session.failures:
            return None
        return session.error or "the tick came to no end"

    def _has_unread(self) -> bool:
        topics = {} if self._subscription is None else self._subscription.topics
        cursors = self.state.cursors
        return any(topic.newest > cursors.get(name, 0) for name, topic in topics.items())
