"""All sessions of a worker: made, found, reached together, ended."""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import structlog

from agent_core.agent.building import build_session
from agent_core.agent.looping import LoopingAgentBase
from agent_core.agent.registry import AgentTypes
from agent_core.agent.services import Services
from agent_core.budgets.ledger import Ledger
from agent_core.children.children import Children
from agent_core.fleet.ending import ask_to_end, end_tasks, side_tasks, write_rest
from agent_core.fleet.holding import release_held
from agent_core.fleet.overseer import Overseer
from agent_core.fleet.recovery import Recovery, SessionUnusableError
from agent_core.fleet.reloading import missing_routes, renew
from agent_core.fleet.sharing import SharedConfigs
from agent_core.inbox.inbox import Inbox
from agent_core.session.lineage import Lineage
from agent_core.session.log import Event
from agent_core.session.outages import Outages
from agent_core.session.schedule import Schedule
from agent_core.session.session import Listener, Session
from agent_core.session.status import Status
from reins.names.known_ids import KnownIds
from store import agents_config
from store.journal.file import Record
from store.store import Store

_logger = structlog.get_logger(__name__)


class Fleet:
    """The sessions that live in this process, by `session_id`.

    Ended sessions are not kept in memory; they are read back when somebody addresses them.
    """

    def __init__(
        self,
        *,
        store: Store,
        types: AgentTypes,
        services: Services,
        schedule: Schedule,
        ledger: Ledger | None = None,
        inbox: Inbox | None = None,
        children: Children | None = None,
        knows_route: Callable[[str], bool] = lambda _: True,
    ) -> None:
        self.store = store
        self.types = types
        self.services = services
        self.schedule = schedule
        self.ledger = ledger or Ledger()
        self.ledger.made_room = partial(self.release_held, limits_changed=True)
        self.ledger.waitlist.release = lambda session: session.release()
        self.outages = Outages()
        self.inbox = inbox or Inbox(store)
        self.children = children or Children()
        self.children.open(self)
        self.knows_route = knows_route
        self.live: dict[str, Session] = {}
        self.ledger.spenders = self.live.values
        self.replayed: set[str] = set()
        """Actions that were in the queue at the start: a run before may have applied them."""
        self._delta_listeners: list[Listener] = []
        # Of what does not live, the id alone is kept: a new one is known as new without a query.
        self.ids = KnownIds()
        self._configs = SharedConfigs()
        self.recovery = Recovery(store=store, types=types, build=self.build, shared=self._configs)
        self._overseer = Overseer(
            self.live,
            store=store.reader,
            schedule=lambda: self.schedule,
            release_held=self.release_held,
        )
        self._stopping = False
        self._running: dict[asyncio.Task[None], Session] = {}
        self._on_end = self._ended  # one for all: each look at a method makes another

    async def create(
        self,
        kind: type[LoopingAgentBase],
        config: Any,
        *,
        agent_id: str,
        session_id: str,
        before: Session | None,
        created: dict[str, Any],
        own_budget: bool = False,
    ) -> int:
        """Start a session; returns the `seq` at which it is on record.

        `before` is the ended session whose log this one continues. `own_budget`: the budget in its
        configuration was not handed on from its agent's.
        """
        session, event, also = await self._new(
            kind,
            config,
            agent_id=agent_id,
            session_id=session_id,
            before=before,
            created=created,
            own_budget=own_budget,
        )
        try:
            seq = await session.log.record(event, state=session.agent.save_state(), also=also)
        except BaseException:
            self.live.pop(session_id, None)
            raise
        self._begin(session)
        return seq

    @asynccontextmanager
    async def creating(
        self,
        kind: type[LoopingAgentBase],
        config: Any,
        *,
        session_id: str,
        lineage: Lineage,
        created: dict[str, Any],
    ) -> AsyncIterator[Sequence[Record]]:
        """The first rows of a child, to be committed within the context; left normally it starts.

        Raises: AgentRejectedError.
        """
        session, event, also = await self._new(
            kind,
            config,
            agent_id=session_id,
            session_id=session_id,
            before=None,
            created=created,
            own_budget=True,
            lineage=lineage,
        )
        state = session.agent.save_state()
        try:
            async with session.log.committed_by_another(event, state=state, also=also) as records:
                yield records
        except BaseException:
            self.live.pop(session_id, None)
            raise
        self._begin(session)

    async def _new(
        self,
        kind: type[LoopingAgentBase],
        config: Any,
        *,
        agent_id: str,
        session_id: str,
        before: Session | None,
        created: dict[str, Any],
        own_budget: bool,
        lineage: Lineage | None = None,
    ) -> tuple[Session, Event, list[Record]]:
        """A session that is found by others from now on, its first row, and what goes with it."""
        as_json = config.model_dump_json(exclude_none=True)
        config = self._configs.get(kind, as_json, lambda: config)
        session = self.build(kind, config, agent_id=agent_id, session_id=session_id)
        session.lineage = lineage
        if before is not None:
            session.log.seq = before.seq
            session.unmarked = before.unmarked
        row = created | {
            "session_id": session_id,
            "agent_id": agent_id,
            "agent_type": kind.agent_type,
            "config": as_json,
            "created_at": session.created_at,
        }
        if lineage is not None:
            row |= {"parent_session_id": lineage.parent, "root_session_id": lineage.root}
        also = [agents_config.record(row), *await session.agent.begin()]
        session.begin_budget(config.budget, before, is_own=own_budget)
        self.live[session_id] = session
        self.ids.add(session_id)
        applied = [created["action_id"]] if "action_id" in created else []
        event = Event(
            "status",
            f"created, {Status.RUNNING.value}",
            payload={"actor": created["created_by"], "config": config.model_dump(mode="json")},
            applied=applied,
        )
        return session, event, also

    def _begin(self, session: Session) -> None:
        self.children.joined(session)
        self._start(session)
        budget = session.agent.config.budget
        if budget is not None and (budget.agent is not None or budget.tree is not None):
            self.ledger.made_room()  # perhaps

    def build(
        self, kind: type[LoopingAgentBase], config: Any, *, agent_id: str, session_id: str
    ) -> Session:
        """A session of this fleet, which nobody finds and which does not run yet."""
        return build_session(
            kind,
            config,
            agent_id=session_id if agent_id == session_id else agent_id,  # one text, not two
            session_id=session_id,
            services=self.services,
            journal=self.store.journal,
            schedule=self.schedule,
            ledger=self.ledger,
            outages=self.outages,
            audience=self._delta_listeners,
            inbox=self.inbox,
            kin=self.children,
        )

    # -- finding

    def is_known(self, session_id: str) -> bool:
        """True if there is, or was, a session of this id."""
        return session_id in self.ids

    async def find(self, session_id: str) -> Session | None:
        """The session, live or, if it has ended, read back from the store; None if unknown.

        One that has not ended but does not live (its type was missing) goes on.
        Raises: SessionUnusableError.
        """
        session_id = self.ids.stored(session_id)
        if session_id in self.live:
            return self.live[session_id]
        if session_id not in self.ids:
            return None
        session = await self.recovery.read(session_id)
        if session is None or session_id in self.live:
            return self.live.get(session_id)
        if not session.status.ended:
            self.live[session_id] = session
            await self._resume(session)
            await self.children.reconcile([session])
        return session

    async def find_usable(self, session_id: str) -> Session | None:
        """As `find`; None also where it cannot be rebuilt, which a reload may mend."""
        try:
            return await self.find(session_id)
        except SessionUnusableError:
            return None

    async def own_config(self, agent_id: str) -> dict[str, Any] | None:
        """Type and configuration of the agent's own session; None if it has none."""
        session = self.live.get(agent_id)
        if session is None:
            return await self.recovery.own_config(agent_id)
        config = session.agent.config.model_dump(mode="json", exclude_none=True)
        return {"agent_type": session.agent_type, "config": config}

    # -- after a restart

    async def recover(self, start_id: str) -> int:
        """Rebuild every session that had not ended, each from its newest snapshot; their number.

        What is stored as running runs again, and says in its log by which start.
        """
        self.recovery.start_id = start_id
        self._overseer.start()
        configs = await self.recovery.configs()
        self.replayed = await self.recovery.unprocessed()
        sessions = self.recovery.unfinished(configs, self.ledger)
        self.ids = KnownIds([*(each.session_id for each in sessions), *configs])  # no text twice
        for session in sessions:
            self.live[session.session_id] = session
            session.forget_marked(self.replayed)
        await asyncio.gather(*(self._resume(session) for session in sessions))
        await self.children.reconcile(sessions)
        self.release_held()
        return len(sessions)

    async def revive(self) -> None:
        """Rebuild what could not be rebuilt before: its type may be there by now."""
        unusable = self.recovery.unusable
        for session_id in sorted(unusable):
            try:
                await self.find(session_id)
            except SessionUnusableError as error:
                why = str(error)
                _logger.warning("session still not rebuilt", session_id=session_id, error=why)
            else:
                unusable.discard(session_id)

    async def _resume(self, session: Session) -> None:
        await self.recovery.put_on_record(session)
        self.go_on(session)

    def go_on(self, session: Session) -> None:
        """Let a session that was read back live, from where it was."""
        self.live[session.session_id] = session
        self.children.joined(session)
        agent = session.agent
        agent.tick_in(self.schedule.after_start(agent.config.heartbeat_s))
        agent.is_first = True
        self._start(session)
        if session.held is not None:
            self.ledger.waitlist.join(session)
        elif session.waits is not None and not session.waits.is_stuck:
            self.outages.join(session, ())

    def start_again(self, session: Session) -> None:
        """Give an ended session that was read back its task again."""
        self.live[session.session_id] = session
        self.children.joined(session)
        self._start(session)

    # -- budgets

    def release_held(self, *, limits_changed: bool = False) -> None:
        """Let go on whose budget has room again; `limits_changed`: who is held by another now."""
        release_held(self.live.values(), self.ledger, limits_changed=limits_changed)

    def limit_day(self, tokens: int | None, cost_usd: float | None) -> None:
        """Set the most that all sessions together may take in a day, from now on."""
        self.ledger.limit_day(tokens, cost_usd)
        self.ledger.made_room()

    # -- all together

    def listen_deltas(self, listener: Listener) -> Callable[[], None]:
        """Tell `listener` of each piece of an answer that a session gets, and None at the tick's
        end; on the worker's loop. Returns what ends that.
        """
        self._delta_listeners.append(listener)
        return lambda: self._delta_listeners.remove(listener)

    async def renew(self, changed: Collection[str]) -> None:
        """Let live sessions of the changed types go on with the new code, as `reloading.renew`."""
        await renew(list(self.live.values()), self.types, changed, self.schedule.stop_grace_s)

    def without_routes(self, there: Collection[str]) -> str | None:
        """The reason why these model routes, and no others, would not do; None: they would."""
        return missing_routes(self.live.values(), there)

    def reconfigure(self, schedule: Schedule) -> None:
        """Use this schedule from the next wait on."""
        self.schedule = schedule
        for session in self.live.values():
            session.schedule = schedule

    # -- ending

    async def stop(self, grace_s: float) -> None:
        """End every session's task: ticks in flight are given `grace_s`, then given up.

        A second stop does nothing.
        """
        self._stopping = True
        await self._overseer.stop()
        sessions = list(self.live.values())
        ask_to_end(sessions)
        await end_tasks([*self._running, *side_tasks(sessions)], grace_s)
        for session in self._running.values():
            _logger.error("tick left behind: it swallowed its cancellation", **session.names)
        for session in sessions:  # their ends may have left something to be written
            write_rest(session)
        await end_tasks(side_tasks(sessions), grace_s)
        self.live.clear()

    @property
    def left_behind(self) -> int:
        """Ticks that outlived their session, or the stop of all."""
        return len(self._running)

    def _start(self, session: Session) -> None:
        task = session.start()
        self._running[task] = session
        task.add_done_callback(self._on_end)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        session = self._running.pop(task)
        self.ledger.waitlist.leave(session)
        self.outages.leave(session)
        if session.account is not None and not self._stopping:
            session.account.write_calls()
        if self.live.get(session.session_id) is session:
            del self.live[session.session_id]
        if not task.cancelled() and (error := task.exception()) is not None:
            _logger.error("session ended badly", error=str(error), **session.names)
            session.refuse_mail()
        if not self._stopping:
            self.children.ended(session)
