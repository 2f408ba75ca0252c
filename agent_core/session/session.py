"""A session: the mailbox, the place in the log and the task of one long-lived run of an agent."""

import asyncio
from collections.abc import Callable, Container, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import orjson
import structlog

from agent_core.budgets.account import Account
from agent_core.budgets.ledger import Ledger
from agent_core.budgets.limits import Budget, SetBudget
from agent_core.budgets.usage import Tally
from agent_core.session.controls import Applied, Control, Rejected, Stop
from agent_core.session.failures import described
from agent_core.session.log import Event, SessionClosed, SessionLog
from agent_core.session.schedule import Schedule
from agent_core.session.status import Status
from store.journal.journal import Journal
from store.times import now_us

if TYPE_CHECKING:
    from agent_core.agent.looping import LoopingAgentBase

_log = structlog.get_logger(__name__)

Abort = Literal["guidance", "news", "stop", "timeout"]
Listener: TypeAlias = "Callable[[Session, Any], object]"


class Session:
    """Everything about one run but what the agent itself does.

    **Units**: times are microseconds since 1970, UTC; waits are seconds.
    """

    __slots__ = (
        "__weakref__",
        "_aborts",
        "_armed",
        "_mail",
        "_side_tasks",
        "_taken",
        "_waiter",
        "account",
        "agent",
        "agent_id",
        "agent_type",
        "audience",
        "created_at",
        "error",
        "failures",
        "guide_scope",
        "guided",
        "held",
        "iteration",
        "ledger",
        "limits",
        "log",
        "result",
        "schedule",
        "session_id",
        "status",
        "task",
        "tick_began",
        "ticking",
        "unmarked",
        "usage",
        "waited_s",
        "worked_s",
    )

    def __init__(
        self,
        *,
        agent_id: str,
        session_id: str,
        agent_type: str,
        journal: Journal,
        schedule: Schedule,
        ledger: Ledger | None = None,
        audience: Sequence[Listener] = (),
    ) -> None:
        self.agent_id = agent_id
        self.session_id = session_id
        self.agent_type = agent_type
        self.log = SessionLog(journal, self)
        self.schedule = schedule
        self.ledger = ledger or Ledger()
        self.audience = audience
        self.account: Account | None = None
        self.limits: dict[str, Any] | None = None
        self.held: dict[str, Any] | None = None
        self.agent: LoopingAgentBase | None = None
        self.task: asyncio.Task[None] | None = None
        self.status = Status.RUNNING
        self.iteration = 0
        self.failures = 0
        self.guided = 0
        self.error: str | None = None
        self.result: str | None = None
        self.usage: dict[str, Any] = _no_usage()
        self.worked_s = 0.0
        self.waited_s = 0.0
        self.created_at = now_us()
        self.unmarked: dict[str, int] = {}
        self.guide_scope: asyncio.Timeout | None = None
        self.ticking = False
        self.tick_began = 0.0
        self._aborts: list[Abort] | None = None
        self._mail: list[Control] = []  # short, and an empty list is small
        self._taken: Control | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._side_tasks: set[asyncio.Task[None]] | None = None
        self._armed: asyncio.TimerHandle | None = None

    # -- mailbox

    def deliver(self, control: Control) -> None:
        """Take a request in; it is applied in its turn, at the next safe point."""
        if self.status.ended or self.agent is None:
            refuse(control, self)
            return
        self._mail.append(control)
        self.agent.noticed(control)
        self.wake()

    @property
    def has_mail(self) -> bool:
        return bool(self._mail)

    def next_mail(self) -> Control | None:
        self._taken = self._mail.pop(0) if self._mail else None
        return self._taken

    def waiting_mail(self) -> Iterable[Control]:
        return self._mail

    def refuse_mail(self) -> None:
        """Answer whoever still waits for a session that has ended."""
        for control in (self._taken, *self._mail):
            if control is not None:
                refuse(control, self)
        self._taken = None
        self._mail.clear()

    def wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def sleep(self, until: float | None) -> None:
        """Wait for mail or until the loop's time `until`, whichever is first; None: for mail."""
        if self._mail:
            return
        loop = asyncio.get_running_loop()
        self._waiter = loop.create_future()
        timer = None if until is None else loop.call_at(until, self.wake)
        try:
            await self._waiter
        finally:
            self._waiter = None
            if timer is not None:
                timer.cancel()

    @property
    def seq(self) -> int:
        """The number of the newest row of its log."""
        return self.log.seq

    @property
    def busy(self) -> bool:
        """Whether the agent's own code runs, so that mail has to wait for a safe point."""
        return self.ticking or self.guide_scope is not None

    def tick_begins(self, now: float) -> None:
        self.tick_began = now
        self.waited_s = 0.0
        self._aborts = None
        self.ticking = True

    def abort_tick(self, why: Abort) -> None:
        """End the tick at its next await, and nothing around it; never called from the tick.

        As asyncio.timeout does it, without a timer for each tick. A tick that swallows its
        cancellation is cancelled once more for each further reason.
        """
        if self.ticking and self.task is not None and why not in (self._aborts or ()):
            self._aborts = [*(self._aborts or ()), why]
            self.task.cancel()

    def tick_is_over_time(self, now: float) -> bool:
        """Whether it takes longer than it may; in line before a model it takes no time."""
        if not self.ticking:
            return False
        since = None if self.account is None else self.account.waits_since
        waited_s = self.waited_s + (0.0 if since is None else now - max(since, self.tick_began))
        return now - self.tick_began - waited_s > self.schedule.tick_timeout_s

    def tick_ends(self) -> Abort | None:
        """Why the tick was aborted last. What cancellation then remains is somebody else's."""
        self.ticking = False
        if self._aborts is None or self.task is None:
            return None
        for _ in self._aborts:
            self.task.uncancel()
        return self._aborts[-1]

    def abort_guidance(self) -> None:
        """End the taking in of guidance at its next await."""
        if self.guide_scope is not None and not self.guide_scope.expired():
            self.guide_scope.reschedule(asyncio.get_running_loop().time())

    def stop_guide_clock(self) -> float | None:
        """Let the time limit of guidance wait; gives what is left of it. None: there is none."""
        scope = self.guide_scope
        when = None if scope is None or scope.expired() else scope.when()
        now = asyncio.get_running_loop().time()
        if scope is None or when is None or when <= now:  # the end that it was given is heeded
            return None
        scope.reschedule(None)
        return when - now

    def start_guide_clock(self, left_s: float) -> None:
        """Let it run again, unless the guidance was given up or is over."""
        scope = self.guide_scope
        if scope is not None and not scope.expired() and scope.when() is None:
            scope.reschedule(asyncio.get_running_loop().time() + left_s)

    async def until_over(self) -> bool:
        """Whether the session has ended; where its end is under way, once that is on record."""
        stops = [control.done for control in self._mail if isinstance(control, Stop)]
        if stops:
            await asyncio.wait(stops)
        if not self.status.ended:
            return False
        if self.task is not None and not await self.log.is_closed():
            await asyncio.wait([self.task])
        return True

    # -- what it takes

    @property
    def caller(self) -> Account:
        """Its account with the models, opened at first use."""
        if self.account is None:
            self.account = Account(self)
        return self.account

    def begins(
        self, budget: Budget | None, before: "Session | None", *, is_own: bool = False
    ) -> None:
        """The limits of its configuration (`is_own`: not its agent's), and what its earlier lives
        took.
        """
        self.ledger.begin(self, budget, is_own=is_own)
        if before is not None:
            lives = Tally()
            lives.add_usage(before.usage.get("before") or {})
            lives.add_usage(before.usage)
            self.usage["before"] = lives.sums()
            if (day := before.usage.get("day")) is not None:
                self.usage["day"] = day

    def set_budget(self, asked: SetBudget) -> str:
        """Change limits; gives in a line what has changed."""
        did = self.ledger.set_budget(self, asked)
        if self.held is not None:  # the snapshot tells of the limit as it is now
            self.held = self.ledger.still_held(self) or self.held
        return did

    def hush(self) -> None:
        """What was being said in pieces is over."""
        if self.account is not None:
            self.account.hush()

    # -- what the log keeps of it

    def count(self, event: Event, seq: int) -> None:
        """Take into account what a row that is about to be written brings."""
        for action_id in event.applied:
            self.unmarked[action_id] = seq
        if event.kind == "tick":
            self.result = event.text

    def snapshot(self) -> dict[str, Any]:
        """What is needed to go on in another process, but for the agent's state and result."""
        snapshot = {
            "agent_type": self.agent_type,
            "status": self.status,
            "failures": self.failures,
            "error": self.error,
            "created_at": self.created_at,
            "guided": self.guided,
            "usage": self.usage,
            "unmarked": self.unmarked,
        }
        if self.limits is not None:
            snapshot["limits"] = self.limits
        if self.held is not None and self.status is Status.PAUSED:
            snapshot["held"] = self.held
        return snapshot

    def restore(self, row: dict[str, Any]) -> None:
        """Take over where the row of `agent_state` left off. Raises: KeyError, ValueError."""
        snapshot = orjson.loads(row["snapshot"])
        self.status = Status(snapshot["status"])
        self.log.seq = orjson.loads(row["history"])["seq"]
        self.iteration = row["iteration"]
        self.result = row["result"]
        self.failures = snapshot["failures"]
        self.error = snapshot["error"]
        self.created_at = snapshot["created_at"]
        self.guided = snapshot["guided"]
        # What an older Reins did not count.
        self.usage = _no_usage() | {"ticks": self.iteration} | snapshot["usage"]
        self.limits = snapshot.get("limits")
        self.held = snapshot.get("held")
        self.unmarked = snapshot["unmarked"]
        self.log.state = orjson.dumps(snapshot["agent"]).decode()

    def marked(self, action_id: str) -> None:
        """The action is on disk as processed: a replay of it is impossible from now on."""
        self.unmarked.pop(action_id, None)

    def forget_marked(self, replayed: Container[str]) -> None:
        """Of the actions applied before a restart, keep only those that will be replayed."""
        self.unmarked = {k: seq for k, seq in self.unmarked.items() if k in replayed}

    # -- task

    @property
    def side_tasks(self) -> "Iterable[asyncio.Task[None]]":
        return self._side_tasks or ()

    def start(self) -> None:
        self.task = asyncio.get_running_loop().create_task(
            self._main(), name=f"session {self.session_id}"
        )

    async def _main(self) -> None:
        try:
            await self._run_agents()
        except SessionClosed:
            pass  # it was ended by force while its tick did not end
        finally:
            self.disarm()
            self.hush()
        # A session that only gives way to a shutdown keeps its mail: the queue has it still.
        if self.status.ended:
            self.refuse_mail()

    async def _run_agents(self) -> None:
        """Run the agent, and the one that takes its place after a reload, until the end."""
        agent = None
        while self.agent is not agent and self.agent is not None:
            agent = self.agent
            try:
                await agent.run()
            except SessionClosed:
                raise
            except Exception as error:  # noqa: BLE001 - one session's fault ends no other
                _log.exception("session loop failed", **self.names)
                await agent.fail(described(error))

    def side_task(self, work: Any, name: str) -> None:
        """Run `work` beside the session, held until it ends and its failure reported."""
        if self._side_tasks is None:
            self._side_tasks = set()
        task = asyncio.get_running_loop().create_task(work, name=f"{name} {self.session_id}")
        self._side_tasks.add(task)
        task.add_done_callback(self._side_task_done)

    def _side_task_done(self, task: "asyncio.Task[None]") -> None:
        if self._side_tasks is not None:
            self._side_tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("side task failed", task=task.get_name(), error=str(error), **self.names)

    def arm(self, delay_s: float, callback: Any) -> None:
        """Call back after a time limit; at most one is armed, the first stays."""
        if self._armed is None:
            self._armed = asyncio.get_running_loop().call_later(delay_s, callback)

    def disarm(self) -> None:
        if self._armed is not None:
            self._armed.cancel()
            self._armed = None

    @property
    def names(self) -> dict[str, Any]:
        """What each line of the log about this session carries."""
        return {
            "agent_id": self.agent_id,
            "session_id": self.session_id,
            "step": self.iteration,
        }


def _no_usage() -> dict[str, Any]:
    return {"tokens_in": 0, "tokens_out": 0, "cost_usd": 0.0, "ticks": 0, "wall_s": 0.0}


def settle(control: Control, seq: int) -> None:
    if not control.done.done():
        control.done.set_result(Applied(seq))


def refuse(control: Control, session: Session, error: str | None = None) -> None:
    if not control.done.done():
        control.done.set_result(
            Rejected(
                error
                or f"session {session.session_id} is {session.status}; "
                "expected one that has not ended"
            )
        )
