"""The tick loop: apply what came in, tick when due, wait for whatever comes first."""

import asyncio
import contextlib
import time
from collections.abc import Coroutine, Sequence
from typing import Any

import structlog

from agent_core.agent.budgeting import BudgetMixin
from agent_core.agent.effects import NO_EFFECTS, Prepared, enter_all
from agent_core.agent.failing import FailMixin
from agent_core.agent.intending import IntendMixin
from agent_core.agent.interrupting import InterruptMixin
from agent_core.agent.listening import begin, closing, hearing, resumed
from agent_core.agent.outcomes import Aborted, Done, Failed, Held, Idle, TickOutcome, Yielded
from agent_core.agent.pausing import PauseMixin
from agent_core.agent.renewing import RenewMixin
from agent_core.agent.results import Quiet, checked
from agent_core.agent.stopping import StopMixin
from agent_core.budgets.limits import spent_in
from agent_core.session.controls import Control, Decide, Interrupt, Resume, Stop
from agent_core.session.failures import SlowModelError, is_own_end
from agent_core.session.log import Event
from agent_core.session.outages import spread
from agent_core.session.status import Status
from agent_core.session.tick_scope import Abort
from reins import telemetry
from store.journal.file import Record
from store.times import now_us

_logger = structlog.get_logger(__name__)


class TickYielded(BaseException):
    """The tick gives way at a safe point; it is done again when the session goes on.

    No error, and not for an agent's `except Exception` to catch.
    """


class LoopingAgentBase(
    FailMixin, RenewMixin, BudgetMixin, InterruptMixin, PauseMixin, IntendMixin, StopMixin
):
    """An agent that ticks on its own.

    Starts with `run`, which its session calls. Wakes for mail and when the next tick is due. Ends
    when the session's status is an end, or when newer code takes its place.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.due_at = 0.0
        self._retired = False
        self._has_news = False

    async def begin(self) -> Sequence[Record]:
        """A new session: from where it reads its topics, and what its type needs to `admit` it.

        Raises: AgentRejectedError.
        """
        await begin(self)
        return await self.admit()

    async def run(self) -> None:
        session, loop = self.session, asyncio.get_running_loop()
        with hearing(self):
            while not self.ended:
                if session.mailbox:
                    await self.apply_mail()
                    session.end_stream()
                elif self.may_tick() and (not self.due_at or self.due_at <= loop.time()):
                    if telemetry.on:
                        with telemetry.tick(session):
                            await self.tick_once()
                    else:
                        await self.tick_once()
                    session.end_stream()
                else:
                    self.before_sleep()
                    await session.mailbox.sleep(self.due_at if self.may_tick() else None)

    def before_sleep(self) -> None:
        """Nothing is due, and no request waits; a type may begin here what else is to run."""

    @property
    def ended(self) -> bool:
        session = self.session
        return self._retired or (session.status.ended and not session.comes_back)

    @property
    def retired(self) -> bool:
        """No further tick is to come from it in this process."""
        return self._retired

    def retire(self) -> None:
        """No further tick: the loop ends after the one in flight."""
        self._retired = True

    # -- when the next tick is due

    def tick_now(self) -> None:
        self.due_at = 0.0

    def tick_in(self, wait_s: float) -> None:
        self.due_at = asyncio.get_running_loop().time() + wait_s

    def tick_within(self, spread_s: float) -> None:
        """Within a heartbeat or so many seconds, at a time that is drawn; never later than it is
        due anyway.
        """
        schedule, own_s = self.session.schedule, self.config.heartbeat_s
        heartbeat_s = schedule.heartbeat_s if own_s is None else own_s
        wait_s = spread(heartbeat_s, spread_s, schedule.retry_wait_max_s)
        self.due_at = min(self.due_at, asyncio.get_running_loop().time() + wait_s)

    def news(self) -> None:
        """Something has come up: tick at once, or right after the tick in flight.

        Not sooner after a failure: news that keep coming would leave it no wait.
        """
        self._has_news = True
        if not self.session.failures and self.session.waits is None:
            self.tick_now()
        self.session.mailbox.wake()

    def _wait(self, asked_s: float | None) -> None:
        """Until the next tick; not at all if something came up meanwhile."""
        schedule, first, self.is_first = self.session.schedule, self.is_first, False
        wait_s = schedule.after_tick(self.config.heartbeat_s, asked_s, first=first)
        if self._has_news or not wait_s:
            self.tick_now()
        else:
            self.tick_in(wait_s)

    # -- requests

    async def apply(self, control: Control) -> None:
        await super().apply(control)
        if isinstance(control, Resume):
            resumed(self)

    def closing_records(self) -> Sequence[Record]:
        return [*super().closing_records(), *closing(self)]

    async def apply_mail(self) -> None:
        while not self.ended and self.session.mailbox:
            await self._apply_next()

    async def _apply_next(self) -> None:
        session = self.session
        if (control := session.mailbox.take()) is None:
            return
        if session.status is Status.FAILED and not isinstance(control, Resume | Stop):
            session.refuse(control)  # it has failed since
        else:
            await self.apply(control)

    async def safe_point(self) -> None:
        """Between two parts of a tick: guidance is applied; a pause or a stop ends the tick here.

        The state must be fit to be kept at this point. A tick that ends here leaves no row; it is
        done again when the session goes on.
        """
        mailbox = self.session.mailbox
        while mailbox:
            # Also what came in while guidance was taken in: nothing else is applied within a tick.
            if any(not isinstance(control, Interrupt | Decide) for control in mailbox.waiting()):
                raise TickYielded
            applying = asyncio.ensure_future(self._apply_next())
            try:
                await asyncio.shield(applying)
            except asyncio.CancelledError:
                await applying  # a row that is being written is written
                raise

    # -- a tick

    async def tick_once(self) -> None:
        """One tick, attempted and settled: on record, and the next one's time set."""
        try:
            await self.settle(await self.attempt())
        finally:
            self.after_tick()

    async def give_up_tick(self) -> None:
        """One tick that comes to nothing, as when the worker ends in it: for replays."""
        await self.attempt()
        self.load_state()

    def after_tick(self) -> None:
        """The tick is over, whatever became of it; a type may give back here what it took."""

    async def attempt(self) -> TickOutcome:
        """Run `tick` within its limits; whatever it does, its outcome is a value."""
        session = self.session
        if (held := session.ledger.spent(session)) is not None:
            return Held(held)
        started_at, began = now_us(), time.perf_counter()
        self._has_news = False
        session.scope.begin(began, session.task)
        try:
            try:
                result = checked(await self.tick())
                state = "" if isinstance(result, Quiet) else self.save_state()
            finally:
                aborted = session.scope.end()
                session.ledger.waitlist.leave(session)  # it has had the room that it waited for
                took_s = time.perf_counter() - began
                session.worked_s += took_s
        except TickYielded:
            return Yielded()
        except BaseException as error:  # not even a panic or exit() ends the fleet
            if is_own_end(error):
                raise
            return self._ended_badly(error, aborted, started_at, _ms(took_s))
        if isinstance(result, Quiet):
            return Idle(result)
        return Done(result, state, started_at, _ms(took_s))

    def _ended_badly(
        self, error: BaseException, aborted: Abort | None, started_at: int, latency_ms: float
    ) -> TickOutcome:
        if aborted in ("guidance", "news", "stop", "pause"):
            return Aborted(aborted)
        if (spent := spent_in(error)) is not None:
            return Held(spent.held)
        limit_s = self.session.schedule.tick_timeout_s
        if aborted == "timeout":
            error = TimeoutError(f"the tick took longer than {limit_s:g} s")
        elif aborted == "slow model":
            error = SlowModelError(f"the tick took longer than {limit_s:g} s, in a model's call")
        return Failed(error, started_at, latency_ms)

    def settle(self, outcome: TickOutcome) -> Coroutine[Any, Any, None]:
        """Put the outcome on record, if it leaves a row, and set the time of the next tick.

        Awaited by the caller: one frame less for each session that waits for its row.
        """
        match outcome:
            case Done() if not outcome.result.effects:
                return self._commit(outcome, NO_EFFECTS)
            case Done():
                return self._settle_with_effects(outcome)
            case Idle(result):
                return self._settle_idle(result)
            case Yielded() | Aborted():
                return self._settle_undone()
            case Held(held):
                return self.settle_held(held)
            case Failed():
                return self.settle_failed(outcome)

    async def _settle_undone(self) -> None:
        self.undo()
        session = self.session
        if session.trouble is not None and session.trouble.kind == "slow":
            session.trouble = None
            await session.log.record(Event("status", f"{session.status}: the tick was given up"))

    def undo(self) -> None:
        """Forget the tick: back to the state before it, and again at once."""
        self.load_state()
        self.tick_now()

    async def _settle_with_effects(self, done: Done) -> None:
        async with contextlib.AsyncExitStack() as stack:
            try:
                prepared = await enter_all(done.result.effects, stack)
            except Exception as error:  # noqa: BLE001 - a tick whose effect cannot be has failed
                await self.settle_failed(Failed(error, done.started_at, done.latency_ms))
                return
            if prepared is None:
                self.undo()
            else:
                await self._commit(done, prepared)

    async def _commit(self, done: Done, prepared: Prepared) -> None:
        session, result = self.session, done.result
        session.end_wait()
        session.failures = 0
        session.error = session.trouble = None
        session.ledger.ticked(session)
        if result.tokens_in or result.tokens_out or result.cost_usd:
            session.ledger.spend(session, result.tokens_in, result.tokens_out, result.cost_usd)
        payload = result.payload
        event = Event(
            "tick",
            result.text,
            payload={**(payload or {}), **prepared.payload} if prepared.payload else payload,
            started_at=done.started_at,
            latency_ms=done.latency_ms,
            tokens_in=result.tokens_in,
            tokens_out=result.tokens_out,
            cost_usd=result.cost_usd,
        )
        if result.waits is not None:
            session.waits = result.waits
        events = [event]
        if result.failed is not None:
            session.status, session.error = Status.FAILED, result.failed
            events.append(self.final(error=result.failed, ticks=1))
        elif result.done:
            session.status, session.result = Status.COMPLETED, result.text
            events.append(self.final(ticks=1))
        await session.log.record(*events, state=done.state, also=prepared.records)
        if len(events) == 1:
            self._wait(result.next_in_s)

    async def _settle_idle(self, result: Quiet) -> None:
        session = self.session
        if session.failures or session.waits is not None or session.trouble is not None:
            session.end_wait()  # else the log would go on saying so
            session.failures = 0
            session.error = session.trouble = None
            await session.log.record(Event("status", "nothing is left to be done"))
        self._wait(result.next_in_s)


def _ms(took_s: float) -> float:
    return int(took_s * 1e6) / 1_000  # round() takes ten times as long
