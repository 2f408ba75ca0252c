"""A session: one long-lived run of an agent, with its place in the log and its task."""

import asyncio
from collections.abc import Callable, Container, Mapping, Sequence
from typing import Any, TypeAlias

import structlog

from agent_core.budgets.account import Account
from agent_core.budgets.ledger import Ledger
from agent_core.budgets.limits import Budget, SetBudget
from agent_core.budgets.usage import Reserved, Usage
from agent_core.session.controls import Control, Rejected, Release, Resume, Stop, unanswered
from agent_core.session.decisions import NoItems, SessionItems
from agent_core.session.failures import describe
from agent_core.session.lineage import Kin, Lineage, NoKin
from agent_core.session.log import Event, SessionClosedError, SessionLog
from agent_core.session.mailbox import Mailbox
from agent_core.session.node import node
from agent_core.session.outages import Outages
from agent_core.session.sameness import Sameness
from agent_core.session.schedule import Schedule
from agent_core.session.session_agent import SessionAgent
from agent_core.session.side_tasks import SideTasks
from agent_core.session.snapshot import no_usage, restore, snapshot_of
from agent_core.session.status import Status
from agent_core.session.tick_scope import Abort, TickScope
from agent_core.session.trouble import Trouble
from agent_core.session.waiting import Waiting
from store.journal.file import Record
from store.journal.journal import Journal
from store.times import now_us

_logger = structlog.get_logger(__name__)

_BY_DAY = ("day", "days")
Listener: TypeAlias = "Callable[[Session, Any], object]"


class Session:
    """Everything about one run but what the agent itself does.

    `make_agent` is called once all else stands, so that neither is ever without the other.
    **Units**: times are microseconds since 1970, UTC; waits are seconds.
    """

    __slots__ = (
        "__weakref__", "account", "agent", "agent_id", "agent_type", "audience", "beside", "clock",
        "created_at", "demonstration", "error", "failures", "guided", "held", "inbox", "iteration",
        "kin", "ledger", "limits", "lineage", "log", "mailbox", "outages", "reading", "result",
        "sameness", "schedule", "scope", "session_id", "status", "task", "trouble", "unmarked",
        "usage", "waits", "worked_s",
    )  # fmt: skip

    def __init__(
        self,
        *,
        agent_id: str,
        session_id: str,
        agent_type: str,
        journal: Journal,
        schedule: Schedule,
        make_agent: "Callable[[Session], SessionAgent]",
        ledger: Ledger | None = None,
        outages: Outages | None = None,
        audience: Sequence[Listener] = (),
        inbox: SessionItems | None = None,
        kin: Kin | None = None,
    ) -> None:
        self.agent_id = agent_id
        self.session_id = session_id
        self.agent_type = agent_type
        self.log = SessionLog(journal, self)
        self.mailbox = Mailbox()
        self.scope = TickScope()
        self.schedule = schedule
        self.ledger = ledger or Ledger()
        self.outages = Outages() if outages is None else outages  # one that is empty is false
        self.audience = audience
        self.inbox = inbox or NoItems()
        self.kin = kin or NoKin()
        self.lineage: Lineage | None = None
        self.reading: dict[str, Any] | None = None
        """The topics that it hears (`on`), and the newest message of each that it has taken in."""
        self.account: Account | None = None
        self.limits: dict[str, Any] | None = None
        self.held: dict[str, Any] | None = None
        self.waits: Waiting | None = None
        self.trouble: Trouble | None = None
        self.sameness: Sameness | None = None
        self.task: asyncio.Task[None] | None = None
        self.status = Status.RUNNING
        self.iteration = 0
        self.failures = 0
        self.demonstration = False
        self.guided = 0
        self.error: str | None = None
        self.result: str | None = None
        self.usage: dict[str, Any] = no_usage()
        self.worked_s = 0.0
        self.created_at = now_us()
        self.clock = now_us
        """The time that goes into its state; a replay gives that of the row at hand."""
        self.unmarked: dict[str, int] = {}
        self.beside = SideTasks(self)
        self.agent = make_agent(self)

    @property
    def seq(self) -> int:
        """The number of the newest row of its log."""
        return self.log.seq

    @property
    def ended(self) -> bool:
        return self.status.ended

    @property
    def names(self) -> dict[str, Any]:
        """The fields that each line of the worker's log about this session carries."""
        return {"agent_id": self.agent_id, "session_id": self.session_id, "step": self.iteration}

    # -- requests

    def deliver(self, control: Control) -> None:
        """Take a request in; it is applied in its turn, at the next safe point."""
        if self.status.ended and not self.comes_back:
            self.refuse(control)
            return
        self.mailbox.put(control)
        self.agent.on_control(control)
        self.mailbox.wake()

    def refuse(self, control: Control, error: str | None = None) -> None:
        """Reject a request; without an error, because the session has ended."""
        ended = f"session {self.session_id} is {self.status}; expected one that has not ended"
        control.settle(Rejected(error or ended))

    def refuse_mail(self) -> None:
        """Answer whoever still waits for a session that has ended."""
        for control in self.mailbox.drain():
            self.refuse(control)

    def release(self) -> None:
        """Let it go on, if the budget that holds it has room; asked once until it is heard."""
        if not any(isinstance(control, Release) for control in self.mailbox.waiting()):
            self.deliver(Release("", "budget", unanswered()))

    def abort_work(self) -> None:
        """End the tick, the work between ticks, or the taking in of guidance, for a stop."""
        self.scope.abort("stop")
        self.agent.let_go()
        self.scope.abort_guidance()

    @property
    def is_halting(self) -> bool:
        """True if a pause or a stop waits for the tick in flight."""
        return self.status is Status.PAUSING or self.status is Status.STOPPING

    def give_way(self) -> None:
        """End what only waits to call a model, so that a pause or a stop takes at once."""
        account = self.account
        if not self.is_halting or account is None:
            return
        if account.only_waits:
            self.scope.abort("pause")
        if waiting := account.waiting_beside:
            self.agent.let_go(waiting)

    def over_time(self, now: float) -> Abort | None:
        """The reason to end its tick, which takes longer than it may; None where it does not."""
        account, limit_s = self.account, self.schedule.tick_timeout_s
        waits_since = None if account is None else account.waits_since
        if not self.scope.is_over_time(now, limit_s, waits_since):
            return None
        slow = account is not None and account.in_call_s(now) > limit_s / 2
        return "slow model" if slow else "timeout"

    @property
    def comes_back(self) -> bool:
        """True if it has failed, and what waited behind its last tick lets it run or stop."""
        return self.status is Status.FAILED and any(
            isinstance(control, Resume | Stop) for control in self.mailbox.waiting()
        )

    async def until_over(self) -> bool:
        """True if the session has ended; where its end is under way, once that is on record."""
        stops = [control.done for control in self.mailbox.waiting() if isinstance(control, Stop)]
        if stops:
            await asyncio.wait(stops)
        if not self.status.ended or self.comes_back:
            return False
        if self.task is not None and not await self.log.is_closed():
            await asyncio.wait([self.task])
        return True

    # -- something that is away

    def wake_within(self, spread_s: float) -> None:
        """Try again soon: what it waits for is there for others."""
        self.agent.tick_within(spread_s)
        self.mailbox.wake()

    def end_wait(self) -> None:
        """It waits no longer, whatever came of it."""
        if self.waits is not None:
            self.waits = None
            self.outages.leave(self)

    # -- its tree

    @property
    def root(self) -> str:
        """The session at the root of its tree: itself, where it is nobody's child."""
        return self.session_id if self.lineage is None else self.lineage.root

    # -- budgets

    @property
    def caller(self) -> Account:
        """Its account with the models, opened at first use."""
        if self.account is None:
            self.account = Account(self, self.ledger)
        return self.account

    @property
    def route(self) -> str | None:
        """The model route that its configuration names."""
        route: str | None = self.agent.config.route
        return route

    @property
    def node(self) -> str | None:
        """The piece of work between ticks that asks; None where a tick does."""
        return node.get()

    @property
    def in_flight(self) -> Reserved | None:
        """The amounts that its calls in flight hold back."""
        return None if self.account is None else self.account.reserved

    def begin_budget(
        self, budget: Budget | None, before: "Session | None", *, is_own: bool = False
    ) -> None:
        """Set the limits of its configuration, and count what its earlier lives took.

        `is_own`: the configuration is this session's, not handed on from its agent's.
        """
        self.ledger.begin(self, budget, is_own=is_own)
        if before is not None:
            lives = Usage()
            lives.add_usage(before.usage.get("before") or {})
            lives.add_usage(before.usage)
            self.usage["before"] = lives.sums()
            self.usage |= {name: before.usage[name] for name in _BY_DAY if name in before.usage}

    def set_budget(self, asked: SetBudget) -> str:
        """Change limits; gives in a line what has changed."""
        did = self.ledger.set_budget(self, asked)
        if self.held is not None and (now := self.ledger.still_held(self)) is not None:
            self.held = now | {"since": self.held.get("since")}  # as it is now
        return did

    def end_stream(self) -> None:
        """No further piece of an answer comes in this tick."""
        if self.account is not None:
            self.account.end_stream()

    # -- its place in the log

    def heard(self, topic: str, number: int) -> None:
        """The row that is about to be written takes a message of a topic in."""
        if self.reading is not None:
            self.reading["cursors"][topic] = number

    def count(self, event: Event, seq: int) -> None:
        """Take into account what a row that is about to be written brings."""
        for action_id in event.applied:
            self.unmarked[action_id] = seq
        if event.kind == "tick":
            self.result = event.text

    def snapshot(self) -> dict[str, Any]:
        """Enough to go on in another process, but for the agent's state and the result."""
        return snapshot_of(self)

    def restore(self, row: Mapping[str, Any]) -> None:
        """Take over where the row of `agent_state` left off. Raises: KeyError, ValueError."""
        restore(self, row)

    def closing_records(self) -> Sequence[Record]:
        return [*self.agent.closing_records(), *self.inbox.closing_records(self.session_id)]

    def write_beside(self, records: Sequence[Record]) -> None:
        """Write records that belong to no row, without waiting for it."""
        self.beside.run(self.log.write(records), "write calls")

    def marked(self, action_id: str) -> None:
        """The action is on disk as processed: a replay of it is impossible from now on."""
        self.unmarked.pop(action_id, None)

    def forget_marked(self, replayed: Container[str]) -> None:
        """Of the actions applied before a restart, keep only those that will be replayed."""
        self.unmarked = {k: seq for k, seq in self.unmarked.items() if k in replayed}

    # -- its task

    def start(self) -> "asyncio.Task[None]":
        self.task = asyncio.get_running_loop().create_task(
            self._main(), name=f"session {self.session_id}"
        )
        return self.task

    async def _main(self) -> None:
        # In one coroutine with its own loop: each is 240 bytes of a session that sleeps.
        agent = None
        try:
            # Another takes its place after a reload; a resume or a stop behind a failure is heard.
            while self.agent is not agent or self.comes_back:
                agent = self.agent
                try:
                    await agent.run()
                except SessionClosedError:
                    raise
                except Exception as error:
                    _logger.exception("session loop failed", **self.names)
                    await agent.fail(describe(error))
                    if (taken := self.mailbox.give_up()) is not None:
                        self.refuse(taken)
        except SessionClosedError:
            pass  # it was ended by force while its tick did not end
        finally:
            self.beside.disarm()
            self.end_stream()
        # A session that only gives way to a shutdown keeps its mail: the queue has it still.
        if self.status.ended:
            self.refuse_mail()
