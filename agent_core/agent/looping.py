"""The tick loop: apply what came in, tick when due, wait for whatever comes first."""

import asyncio
import contextlib
import time
from collections.abc import Sequence
from typing import Any

import structlog

from agent_core.agent.budgeting import BudgetMixin
from agent_core.agent.interrupting import InterruptMixin
from agent_core.agent.pausing import PauseMixin
from agent_core.agent.results import Quiet, StepResult, checked
from agent_core.agent.stopping import StopMixin
from agent_core.budgets.limits import spent_in
from agent_core.session.controls import Control, Interrupt, Renew
from agent_core.session.failures import described, is_own_end
from agent_core.session.log import Event
from agent_core.session.session import refuse, settle
from agent_core.session.status import Status
from reins import telemetry
from store.journal.file import Record
from store.times import now_us

_log = structlog.get_logger(__name__)


class TickYielded(BaseException):
    """The tick gave way at a safe point; it is done again when the session goes on."""


class LoopingAgentBase(BudgetMixin, InterruptMixin, PauseMixin, StopMixin):
    """An agent that ticks on its own.

    Starts with `run`, which its session calls. Wakes for mail and when the next tick is due. Ends
    when the session's status is an end, or when newer code takes its place.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.due_at = 0.0
        self._retired = False
        self._has_news = False

    async def run(self) -> None:
        while not self.ended:
            if self.session.has_mail:
                await self.apply_mail()
                self.session.hush()
            elif self.may_tick() and self.due_at <= asyncio.get_running_loop().time():
                with telemetry.tick(self.session):
                    await self.tick_once()
                self.session.hush()
            else:
                await self.session.sleep(self.due_at if self.may_tick() else None)

    @property
    def ended(self) -> bool:
        return self._retired or self.session.status.ended

    def retire(self) -> None:
        """No further tick: the loop ends after the one in flight."""
        self._retired = True

    def tick_now(self) -> None:
        self.due_at = 0.0

    def news(self) -> None:
        """Something has come up: tick at once, or right after the tick in flight.

        Not sooner after a failure: what comes up all the time would leave it no wait.
        """
        self._has_news = True
        if not self.session.failures:
            self.tick_now()
        self.session.wake()

    def tick_in(self, wait_s: float) -> None:
        self.due_at = asyncio.get_running_loop().time() + wait_s

    async def apply_mail(self) -> None:
        while not self.ended and self.session.has_mail:
            await self._apply_next()

    async def _apply_next(self) -> None:
        if (control := self.session.next_mail()) is not None:
            await self.apply(control)

    async def apply(self, control: Control) -> None:
        if isinstance(control, Renew):
            await self._renew(control)
        else:
            await super().apply(control)

    async def safe_point(self) -> None:
        """Between two parts of a tick: guidance is applied; a pause or a stop ends the tick here.

        The state must be fit to be kept at this point. A tick that ends here leaves no row; it is
        done again when the session goes on.
        """
        while self.session.has_mail:
            # Also what came in while guidance was taken in: nothing else is applied within a tick.
            if any(not isinstance(control, Interrupt) for control in self.session.waiting_mail()):
                raise TickYielded
            applying = asyncio.ensure_future(self._apply_next())
            try:
                await asyncio.shield(applying)
            except asyncio.CancelledError:
                await applying  # a row that is being written is written
                raise

    async def tick_once(self) -> None:
        """One tick: done, on record, and the next one's time set; or none, at a budget's limit."""
        session = self.session
        if (held := session.ledger.spent(session)) is not None:
            await self.hold(held)
            return
        started_at, started = now_us(), time.perf_counter()
        self._has_news = False
        session.tick_begins(started)
        try:
            try:
                result = checked(await self.tick())
                state = "" if isinstance(result, Quiet) else self.dump()
            finally:
                aborted = session.tick_ends()
                session.ledger.turns.leave(session)  # this was its turn
                session.worked_s += time.perf_counter() - started
        except TickYielded:
            self.undo()
        except BaseException as error:  # not even a panic or exit() ends the fleet
            if is_own_end(error):
                raise
            if aborted in ("guidance", "news", "stop"):
                self.undo()
            elif (spent := spent_in(error)) is not None:
                await self.spent(spent)
            else:
                why = error if aborted is None else self._too_long()
                await self._failed(why, started_at, started)
        else:
            if isinstance(result, Quiet):
                await self._rested(result)
            else:
                await self.succeeded(result, state, started_at, started)

    def _too_long(self) -> TimeoutError:
        return TimeoutError(f"the tick took longer than {self.session.schedule.tick_timeout_s:g} s")

    def records(self) -> Sequence[Record]:
        """What else is written with the tick's row, all or none."""
        return ()

    async def succeeded(
        self, result: StepResult, state: str, started_at: int, started: float
    ) -> None:
        """Put the tick on record, and set the time of the next."""
        session = self.session
        session.iteration += 1
        session.failures = 0
        session.error = None
        session.ledger.ticked(session)
        if result.tokens_in or result.tokens_out or result.cost_usd:
            session.ledger.spend(session, result.tokens_in, result.tokens_out, result.cost_usd)
        event = Event(
            "tick",
            result.text,
            payload=result.payload,
            started_at=started_at,
            latency_ms=round((time.perf_counter() - started) * 1_000, 3),
            tokens_in=result.tokens_in,
            tokens_out=result.tokens_out,
            cost_usd=result.cost_usd,
        )
        if result.done:
            session.status = Status.COMPLETED
            session.result = result.text
            await session.log.record(event, self.final(), state=state, also=self.records())
            return
        await session.log.record(event, state=state, also=self.records())
        self._wait(result.next_in_s)

    async def _rested(self, result: Quiet) -> None:
        session = self.session
        if session.failures:  # else the log would go on saying that it is tried again
            session.failures = 0
            session.error = None
            await session.log.record(Event("status", "nothing is left to be done"))
        self._wait(result.next_in_s)

    def _wait(self, asked_s: float | None) -> None:
        """Until the next tick; not at all if something came up meanwhile."""
        wait_s = self.session.schedule.after_tick(self.config.heartbeat_s, asked_s)
        if self._has_news or not wait_s:
            self.tick_now()
        else:
            self.tick_in(wait_s)

    async def _failed(self, error: BaseException, started_at: int, started: float) -> None:
        session = self.session
        self.load()
        session.ledger.ticked(session)
        session.failures += 1
        session.error = described(error)
        event = Event(
            "error",
            f"tick failed ({session.failures} in a row)",
            payload={"error_type": type(error).__name__},
            error=session.error,
            started_at=started_at,
            latency_ms=round((time.perf_counter() - started) * 1_000, 3),
        )
        _log.warning("tick failed", error_type=type(error).__name__, **session.names)
        if session.failures >= session.schedule.max_failures:
            session.status = Status.FAILED
            await session.log.record(event, self.final(error=session.error))
            return
        await session.log.record(event)
        asked_s = getattr(error, "retry_after_s", None)
        self.tick_in(session.schedule.after_failure(session.failures, asked_s))

    async def fail(self, error: str) -> None:
        """End the session as failed, whatever state it is in."""
        session = self.session
        with contextlib.suppress(ValueError):  # a state that does not load is why it failed
            self.load()
        session.status = Status.FAILED
        session.error = error
        await session.log.record(Event("error", "the session failed", error=error), self.final())

    def undo(self) -> None:
        """Forget the tick: back to the state before it, and again at once."""
        self.load()
        self.tick_now()

    async def _renew(self, control: Renew) -> None:
        session = self.session
        try:
            renewed = control.agent_class(
                session=session,
                config=control.agent_class.Config.model_validate(self.config.model_dump()),
                services=self.shared_services,
            )
            renewed.load()
        except Exception as error:  # noqa: BLE001 - the new code's fault does not end the session
            _log.warning("newer code not taken", error_type=type(error).__name__, **session.names)
            why = described(error)
            await session.log.record(Event("error", "goes on with the code it had", error=why))
            refuse(control, session, f"session {session.session_id}: {why}")
            return
        renewed.due_at = self.due_at
        session.agent = renewed
        self.retire()
        settle(control, session.seq)
