"""An agent that is woken by messages of topics: each has its effect once, whatever is killed."""

from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any, ClassVar

from agent_core.agent.base import AgentConfig, AgentRejectedError
from agent_core.agent.effects import Prepared
from agent_core.agent.looping import LoopingAgentBase, TickYielded
from agent_core.agent.outcomes import Done, Failed
from agent_core.agent.results import Quiet, StepResult, checked
from agent_core.budgets.limits import spent_in
from agent_core.session.controls import Control, Resume
from agent_core.session.failures import away_in, describe
from agent_core.session.status import Status
from reins.bus.bounds import TopicFullError
from reins.bus.delivery import Bad, Place, next_spans
from reins.bus.heard import Gap, Heard
from reins.bus.letters import dead_letter
from reins.bus.sharing import Share, shared
from reins.bus.subscribing import (
    MAX_TOPICS,
    Delivery,
    ReactiveConfig,
    ReactiveState,
    mailbox,
)
from reins.bus.subscription import Subscription
from reins.bus.topics import Topics
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
    receives = True

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.topics: Topics = self.services.get(Topics)
        self._subscription: Subscription | None = None
        self._trying: Place | None = None
        self._alone: Place | None = None
        self._receiving = False
        self._share: Share | None = None
        self.recorded: Sequence[Delivery] | None = None
        """In place of what its topics have: a replay gives what a row has used."""

    # -- for types to define

    async def receive(self, message: Delivery) -> StepResult | None:
        """Use one message; None leaves nothing to be said of it."""
        raise NotImplementedError(f"{type(self).__name__} must define receive()")

    async def receive_gap(self, topic: str, first: int, last: int) -> StepResult | None:
        """Messages of a topic, from `first` to `last`, were dropped unread: this was too far
        behind. The row says so, whatever a type does about it.
        """
        del topic, first, last
        return None

    async def tick_without_message(self) -> StepResult | Quiet:
        """A tick when no message waits."""
        return Quiet()

    # -- its place

    async def admit(self) -> Sequence[Record]:
        await self.topics.load()
        if self.state.on:  # it comes back, and reads on where it was
            return await super().admit()
        self.state.on, self.state.group = [*self.config.on], self.config.group
        records: list[Record] = []
        if self.config.since == "new":
            there = self.topics.matching(self.config.on)
            if len(there) > MAX_TOPICS:
                raise AgentRejectedError(
                    f"{', '.join(self.config.on)} are {len(there)} topics; one agent subscribes to "
                    f"{MAX_TOPICS} at the most. Narrow the pattern, or use several agents"
                )
            if self.config.group is None:
                self.state.cursors = {topic.name: topic.newest for topic in there}
            else:
                records = (await self.topics.group(self.config.group)).begin(there)
        box = self.topics.get(mailbox(self.session.session_id))
        if box.newest:  # replays for a session of this name that has ended
            self.state.cursors[box.name] = box.newest
        await self.topics.sources.check(self.config.on)
        return [*await super().admit(), *records]

    async def run(self) -> None:
        name, box = self.config.group, mailbox(self.session.session_id)
        group = None if name is None else await self.topics.group(name)
        with ExitStack() as stack:
            self._subscription = stack.enter_context(
                self.topics.subscribed(
                    self.config.on,
                    box,
                    self.news,
                    cursors=self.state.cursors,
                    is_paused=lambda: self.session.status is Status.PAUSED,
                    group=group,
                )
            )
            if group is not None:
                self._share = stack.enter_context(
                    shared(group, self.session, self.config, self._subscription.topics, self.news)
                )
            stack.enter_context(self.topics.sources.running(self.session, self.config))
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

    async def _commit(self, done: Done, prepared: Prepared) -> None:
        await super()._commit(done, prepared)
        if self._subscription is not None:
            self.topics.moved(self._subscription, dict(self.state.cursors))
        for gap in (done.result.payload or {}).get("gaps", ()):
            self.topics.dropped[gap["topic"]] += gap["last"] - gap["first"] + 1

    async def settle_failed(self, failed: Failed) -> None:
        if isinstance(failed.error, TopicFullError):  # what it leads to cannot be
            self._trying = self._alone
        await super().settle_failed(failed)

    def note_failed(self) -> None:
        """Put the message on record with the failure: a kill may come before the next try."""
        self.state.trying = self._trying
        self.keep_state()

    # -- one tick

    async def tick(self) -> StepResult | Quiet:
        self._trying = None
        await self.topics.load()
        bad: Bad | None = self.state.bad
        if bad is not None and (wait_us := bad.again_at - now_us()) > 0:
            return Quiet(wait_us / 1e6)
        heard = Heard()
        await self._skip(heard)
        due = await self._due()
        if not due and not heard.gaps:
            result = await self.tick_without_message()
            return result if self._share is None else self._share.until_free(result)
        if not due:
            return heard.result()
        if (error := self._failed_in_vain(due[0])) is not None:
            self._bury(due[0], self.session.failures, error, heard)
            return self._result(heard)
        self._trying = due[0].source
        self._alone = due[0].source if len(due) == 1 else None
        self._receiving = True
        try:
            await self._use(due, heard)
        finally:
            self._receiving = False
        result = self._result(heard)
        self._trying = None  # what fails from here on is no message's fault
        return result

    async def _skip(self, heard: Heard) -> None:
        """Move on to what the topics keep for it, and say what was dropped."""
        topics = {} if self._subscription is None else self._subscription.topics
        for topic in list(topics.values()):
            await topic.load()
            if self._share is not None and not topic.name.startswith("@"):
                continue  # a group passes over nothing: its messages are jobs
            cursor = self.state.cursors.get(topic.name, 0)
            kept = await self.topics.rooms.first_kept(topic, cursor)
            if kept > cursor:
                self._move_on(topic.name, kept)
                gap = Gap(topic.name, cursor + 1, kept)
                heard.missed(gap, await self.receive_gap(*gap))

    def _move_on(self, topic: str, kept: int) -> None:
        state: ReactiveState = self.state
        state.cursors[topic] = kept
        if state.bad is not None and state.bad.topic == topic and state.bad.number <= kept:
            state.bad = None

    async def _due(self) -> list[Delivery]:
        if self.recorded is not None:
            return [*self.recorded]
        topics = {} if self._subscription is None else self._subscription.topics
        share, state = self._share, self.state
        if share is not None and not await share.keeps(state.bad):
            state.bad = None  # another has it, or has done it
        bad = None if state.bad is None else Place(state.bad.topic, state.bad.number)
        batch = 1 if self.session.failures else self.config.batch
        spans = next_spans(
            {n: t.newest for n, t in topics.items() if share is None or n.startswith("@")},
            state.cursors,
            batch=batch,
            served=state.served,
            bad=bad,
        )
        if share is not None and bad is None:
            spans = [*spans, *share.take(batch - sum(each.limit for each in spans), state.served)]
        found: list[Delivery] = []
        for span in spans:
            messages = await self.topics.get(span.topic).after(span.after, span.limit)
            found += [Delivery.of(span.topic, each) for each in messages]
        return found

    async def _use(self, due: Sequence[Delivery], heard: Heard) -> None:
        before = self.save_state()
        for number, delivery in enumerate(due, 1):
            if not self._begins(delivery, heard):
                continue
            try:
                step = await self._give(delivery, heard)
                before = self.save_state()
            except Exception as error:  # the boundary of one message
                self.state = self.State.model_validate_json(before)
                heard.take_back(delivery.source)
                shared = away_in(error) is not None or spent_in(error) is not None
                if shared and not heard.places:
                    raise
                if not shared:
                    self._failed(delivery, error, heard)
                self._leave(due[number:])
                break
            heard.add(delivery.source, step)
            if heard.ends:
                self._leave(due[number:])
                break
        if self.state.bad is None and self._has_unread():
            heard.next_in_s = 0.0

    def _leave(self, rest: Sequence[Delivery]) -> None:
        """Others of the group need not wait until this one goes on."""
        if self._share is not None:
            self._share.give_back([each.source for each in rest])

    def _begins(self, delivery: Delivery, heard: Heard) -> bool:
        """False of a message that another member has now, or on which too many were lost."""
        if self._share is None or (vain := self._share.begin(delivery.source)) is None:
            return True
        if vain:
            self._bury(delivery, self.config.attempts, vain, heard)
        return False

    async def _give(self, delivery: Delivery, heard: Heard) -> StepResult | None:
        try:
            step = await self.receive(delivery)
        finally:
            if self._share is not None:
                self._share.end(delivery.source)
        if step is not None:
            checked(step)
        self._used(delivery.source, heard)
        return step

    def _result(self, heard: Heard) -> StepResult | Quiet:
        if self._share is not None and not self._share.add_finished(heard):
            return Quiet(0.0)  # all was lost before it was begun
        return heard.result()

    def _used(self, place: Place, heard: Heard) -> None:
        state: ReactiveState = self.state
        heard.finished.append(place)
        if self.config.group is None or place.topic.startswith("@"):
            state.cursors[place.topic] = place.number
        state.served = place.topic
        state.bad = state.trying = None

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
        if self._share is not None:
            self._share.hold(source, wait_s)

    def _bury(self, delivery: Delivery, attempts: int, error: str, heard: Heard) -> None:
        session = self.session
        letter = dead_letter(
            delivery, agent_id=session.agent_id, session_id=session.session_id,
            created_at=session.created_at, attempts=attempts, error=error,
            waiting=self.topics.dead,
        )  # fmt: skip
        heard.effects.append(letter)
        heard.notes.append(
            f"message {delivery.number} of {delivery.topic} is a dead letter after {attempts} "
            f"attempts: {error}"
        )
        heard.next_in_s = 0.0
        self._used(delivery.source, heard)

    def _failed_in_vain(self, first: Delivery) -> str | None:
        """The error of ticks that came to no end over this message, often enough; else None."""
        session = self.session
        most = min(self.config.attempts, session.schedule.max_failures - 1)
        if self.state.trying != first.source or not 0 < most <= session.failures:
            return None
        return session.error or "the tick came to no end"

    def _has_unread(self) -> bool:
        topics = {} if self._subscription is None else self._subscription.topics
        if self._share is not None and self._share.has_open:
            return True
        cursors = self.state.cursors
        return any(
            topic.newest > cursors.get(name, 0)
            for name, topic in topics.items()
            if self._share is None or name.startswith("@")
        )
