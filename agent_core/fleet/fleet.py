"""All sessions of a worker: made, found, rebuilt after a restart."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Collection
from functools import partial
from typing import Any

import orjson
import structlog
from pydantic import ValidationError

from agent_core.agent.base import problems
from agent_core.agent.looping import LoopingAgentBase
from agent_core.agent.registry import AgentTypes
from agent_core.agent.services import Services
from agent_core.budgets.ledger import Ledger
from agent_core.budgets.limits import same_limit
from agent_core.session.controls import Release, Renew
from agent_core.session.failures import described
from agent_core.session.log import Event, SessionClosed
from agent_core.session.schedule import Schedule
from agent_core.session.session import Listener, Session
from agent_core.session.status import Status
from store import agent_state, agents_config, queue
from store.errors import JournalError
from store.journal.file import Record
from store.store import Store

_log = structlog.get_logger(__name__)

_OVERSEE_S = 5.0
_SHOWN = 5  # sessions that an error names
_CANCEL_S = 1.0
"""A tick that has not ended this long after its cancellation is left behind."""


def _any_route(_name: str) -> bool:
    return True


class SessionUnusable(Exception):  # noqa: N818
    """A stored session cannot be rebuilt; the message says why."""


class Sessions:
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
        knows_route: Callable[[str], bool] = _any_route,
    ) -> None:
        self.store = store
        self.types = types
        self.services = services
        self.schedule = schedule
        self.ledger = ledger or Ledger()
        self.ledger.made_room = partial(self.release_held, limits_changed=True)
        self.ledger.turns.let_go = _let_go
        self.knows_route = knows_route
        self.on_delta: list[Listener] = []
        self.live: dict[str, Session] = {}
        self.replayed: set[str] = set()
        """The actions that were in the queue at the start: a run before may have applied them."""
        # Of what does not live, the id alone is kept: a new one is known as new without a query.
        self._known_ids: set[str] = set()
        self._overseer: asyncio.Task[None] | None = None
        self._stopping = False
        self._start_id = ""
        self._unusable: set[str] = set()
        self._running: dict[asyncio.Task[None], Session] = {}

    # -- making

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

        `before` is the ended session of that id whose log this one continues. `own_budget`: that
        of its configuration was not handed on from its agent's.
        """
        session = self._session(agent_id, session_id, kind.agent_type)
        if before is not None:
            session.log.seq = before.seq
            session.unmarked = before.unmarked
        agent = kind(session=session, config=config, services=self.services)
        session.agent = agent
        row = created | {
            "session_id": session_id,
            "agent_id": agent_id,
            "agent_type": kind.agent_type,
            "config": config.model_dump_json(exclude_none=True),
            "created_at": session.created_at,
        }
        also = [_config_record(row), *await agent.admit()]
        session.begins(config.budget, before, is_own=own_budget)
        self.live[session_id] = session
        self._known_ids.add(session_id)
        event = Event(
            "status",
            f"created, {Status.RUNNING.value}",
            payload={"actor": created["created_by"], "config": config.model_dump(mode="json")},
            applied=[created["action_id"]],
        )
        try:
            seq = await session.log.record(event, state=agent.dump(), also=also)
        except BaseException:
            self.live.pop(session_id, None)
            raise
        self._start(session)
        self.ledger.made_room()  # by its configuration, perhaps
        return seq

    # -- finding

    async def find(self, session_id: str) -> Session | None:
        """The session, live or, if it has ended, read back from the store; None if unknown.

        One that has not ended but does not live (its type was missing) goes on.
        Raises: SessionUnusable.
        """
        if session_id in self.live:
            return self.live[session_id]
        if session_id not in self._known_ids:
            return None
        config = await self._config_of(session_id)
        if config is None:
            return None
        row = await asyncio.to_thread(
            agent_state.get_agent_state, config["agent_id"], session_id, store=self.store.reader
        )
        if row is None or session_id in self.live:
            return self.live.get(session_id)
        session = self._rebuild(row, config["config"])
        if not session.status.ended:
            self.live[session_id] = session
            await self._resume(session)
        return session

    async def own_config(self, agent_id: str) -> dict[str, Any] | None:
        """Type and configuration of the agent's own session; None if it has none."""
        session = self.live.get(agent_id)
        if session is not None and session.agent is not None:
            config = session.agent.config.model_dump(mode="json", exclude_none=True)
            return {"agent_type": session.agent_type, "config": config}
        row = await self._config_of(agent_id)
        if row is None or row["agent_id"] != agent_id:
            return None
        return row | {"config": orjson.loads(row["config"])}

    async def _config_of(self, session_id: str) -> dict[str, Any] | None:
        return await asyncio.to_thread(
            agents_config.get_agent_config, session_id, store=self.store.reader
        )

    # -- after a restart

    async def recover(self, start_id: str) -> int:
        """Rebuild every session that had not ended, each from its newest snapshot; their number.

        What is stored as running runs again, and says in its log by which start.
        """
        self._start_id = start_id
        self._overseer = asyncio.get_running_loop().create_task(self._oversee(), name="overseer")
        reader = self.store.reader
        configs = await asyncio.to_thread(agents_config.list_configs, store=reader)
        self._known_ids = set(configs)
        self.replayed = await self._unprocessed()
        unfinished = [status.value for status in Status if not status.ended]
        sessions = []
        for row in agent_state.each_agent_state(store=reader):
            self.ledger.recall(row)  # what has ended has taken its part too
            if row["status"] not in unfinished:
                continue
            if (session := self._usable(row, configs.get(row["session_id"]))) is not None:
                sessions.append(session)
        for session in sessions:
            session.forget_marked(self.replayed)
        await asyncio.gather(*(self._resume(session) for session in sessions))
        self.release_held()
        return len(sessions)

    async def _unprocessed(self) -> set[str]:
        """The ids of the actions that will be delivered again; the others are so for good."""
        await asyncio.to_thread(self.store.folder.sync)
        rows = await queue.unprocessed(self.store.queue, 1 << 31)
        return {row["action_id"] for row in rows}

    async def revive(self) -> None:
        """Rebuild what could not be rebuilt before: its type may be there by now."""
        for session_id in sorted(self._unusable):
            try:
                await self.find(session_id)
            except SessionUnusable as error:
                _log.warning("session still not rebuilt", session_id=session_id, error=str(error))
            else:
                self._unusable.discard(session_id)

    async def _resume(self, session: Session) -> None:
        """Give a rebuilt session its task; what this start changes of it is on record."""
        assert session.agent is not None
        # Its pause is on its way again. So is a destroy: a session that was stopping waits for it.
        was = session.status
        if was is Status.PAUSING:
            session.status = Status.PAUSED
        if was in (Status.RUNNING, Status.PAUSING):
            text = "resumed" if was is Status.RUNNING else session.status.value
            event = Event("status", f"{text} by start {self._start_id}", {"start": self._start_id})
            await session.log.record(event)
        session.agent.tick_in(self.schedule.after_start(session.agent.config.heartbeat_s))
        self._start(session)
        if session.held is not None:
            self.ledger.turns.join(session)

    def _usable(self, row: dict[str, Any], config: str | None) -> Session | None:
        try:
            session = self._rebuild(row, config)
        except SessionUnusable as error:
            _log.error(
                "session not rebuilt",
                agent_id=row["agent_id"],
                session_id=row["session_id"],
                step=row["iteration"],
                error=str(error),
            )
            self._unusable.add(row["session_id"])
            return None
        self.live[session.session_id] = session
        return session

    def _rebuild(self, row: dict[str, Any], config_json: str | None) -> Session:
        if config_json is None or row["snapshot"] is None:
            raise SessionUnusable("it has no configuration or no snapshot; create it anew")
        kind = self.types.get(row["agent_type"])
        if kind is None:
            raise SessionUnusable(
                f"agent type {row['agent_type']!r} is not known; "
                f"expected one of {', '.join(self.types.names())}. "
                "Bring its module back and reload the environment."
            )
        session = self._session(row["agent_id"], row["session_id"], row["agent_type"])
        try:
            session.restore(row)
            config = kind.Config.model_validate_json(config_json)
            session.agent = kind(session=session, config=config, services=self.services)
            session.agent.load()
        except Exception as error:  # an agent's own code may raise anything
            # Pydantic's own text would quote the state.
            why = problems(error) if isinstance(error, ValidationError) else described(error)
            raise SessionUnusable(
                f"its snapshot does not fit agent type {row['agent_type']}: {why}. "
                "Mend the type and reload the environment."
            ) from error
        return session

    async def _oversee(self) -> None:
        """Give up ticks that take too long, let go whose budget has room again.

        One look at all, not a timer for each.
        """
        while True:
            await asyncio.sleep(min(_OVERSEE_S, self.schedule.tick_timeout_s / 4))
            now = time.perf_counter()
            for session in list(self.live.values()):
                if session.tick_is_over_time(now):
                    session.abort_tick("timeout")
            self.release_held()

    # -- budgets

    def release_held(self, *, limits_changed: bool = False) -> None:
        """Let the sessions go on whose budget has room again.

        `limits_changed`: who is held by another limit now says so.
        """
        for session in list(self.live.values()):
            if session.held is None:
                continue
            now = self.ledger.still_held(session)
            if now is None or (limits_changed and not same_limit(now, session.held)):
                _let_go(session)

    def limit_day(self, tokens: int | None, cost_usd: float | None) -> None:
        """What all sessions together may take in a day, from now on."""
        self.ledger.limit_day(tokens, cost_usd)
        self.ledger.made_room()

    def listen_deltas(self, listener: Listener) -> Callable[[], None]:
        """Tell `listener` of each piece of an answer that a session gets, and None at the tick's
        end; on the worker's loop. Returns what ends that.
        """
        self.on_delta.append(listener)
        return lambda: self.on_delta.remove(listener)

    # -- after a reload

    async def renew(self, changed: list[str]) -> None:
        """Let live sessions of the changed types go on with the new code.

        Returns when those that do not work at the moment do so; the others follow at their next
        safe point. A session that cannot take the new code says so in its log and keeps the old.
        """
        loop = asyncio.get_running_loop()
        waits: list[asyncio.Future[Any]] = []
        for session in list(self.live.values()):
            kind = self.types.get(session.agent_type)
            if session.agent_type in changed and kind is not None:
                control = Renew("", "reload", loop.create_future(), kind)
                if not session.busy:
                    waits.append(control.done)
                session.deliver(control)
        if waits:
            await asyncio.wait(waits, timeout=self.schedule.stop_grace_s)

    def without_routes(self, there: Collection[str]) -> str | None:
        """Why these model routes, and no others, would not do; None: they would."""
        users: dict[str, list[str]] = {}
        for session in self.live.values():
            route = None if session.agent is None else session.agent.config.route
            if route is not None and route not in there:
                users.setdefault(route, []).append(session.session_id)
        if not users:
            return None
        gone = "; ".join(f"{route!r} by {_some(ids)}" for route, ids in sorted(users.items()))
        return (
            f"model routes are gone that sessions name: {gone}. "
            "Put them back into the models' file, or destroy these sessions first."
        )

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
        if self._overseer is not None:
            self._overseer.cancel()
        for session in self.live.values():
            if session.task is not None and not session.busy:
                session.task.cancel()
            elif session.agent is not None:
                session.agent.retire()
        sessions = list(self.live.values())
        await _end([*self._running, *_side_tasks(sessions)], grace_s)
        for session in self._running.values():
            _log.error("tick left behind: it swallowed its cancellation", **session.names)
        # Their ends may have left something to be written.
        for session in sessions:
            _write_rest(session)
        await _end(_side_tasks(sessions), grace_s)
        self.live.clear()

    @property
    def left_behind(self) -> int:
        """Ticks that outlived their session, or the stop of all."""
        return len(self._running)

    def start_again(self, session: Session) -> None:
        """Give an ended session that was read back its task again."""
        self.live[session.session_id] = session
        self._start(session)

    def _session(self, agent_id: str, session_id: str, agent_type: str) -> Session:
        return Session(
            agent_id=agent_id,
            session_id=session_id,
            agent_type=agent_type,
            journal=self.store.journal,
            schedule=self.schedule,
            ledger=self.ledger,
            audience=self.on_delta,
        )

    def _start(self, session: Session) -> None:
        session.start()
        assert session.task is not None
        self._running[session.task] = session
        session.task.add_done_callback(lambda task: self._ended(session, task))

    def _ended(self, session: Session, task: "asyncio.Task[None]") -> None:
        self._running.pop(task, None)
        self.ledger.turns.leave(session)
        if session.account is not None and not self._stopping:
            session.account.write_calls()
        if self.live.get(session.session_id) is session:
            del self.live[session.session_id]
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("session ended badly", error=str(error), **session.names)
            session.refuse_mail()


def _some(ids: list[str]) -> str:
    """A few of them, and how many there are."""
    shown = ", ".join(sorted(ids)[:_SHOWN])
    return f"{shown} and {len(ids) - _SHOWN} more" if len(ids) > _SHOWN else shown


def _let_go(session: Session) -> None:
    if not any(isinstance(control, Release) for control in session.waiting_mail()):
        session.deliver(Release("", "budget", asyncio.get_running_loop().create_future()))


def _side_tasks(sessions: list[Session]) -> list["asyncio.Task[None]"]:
    return [task for session in sessions for task in session.side_tasks]


def _write_rest(session: Session) -> None:
    """What was taken by a tick that was given up has no row yet, and would not be counted."""
    account = session.account
    if account is None:
        return
    if account.has_unwritten and not session.status.ended:
        text = f"{session.status.value}: a tick was given up for a stop of the worker"
        session.side_task(_record(session, Event("status", text)), "write the rest")
    else:
        account.write_calls()


async def _record(session: Session, event: Event) -> None:
    with contextlib.suppress(JournalError):
        try:
            await session.log.record(event)
        except SessionClosed:
            await session.log.write(session.caller.take_calls(None))


async def _end(tasks: list["asyncio.Task[None]"], grace_s: float) -> None:
    if not tasks:
        return
    _, late = await asyncio.wait(tasks, timeout=grace_s)
    for task in late:
        task.cancel()
    if late:
        await asyncio.wait(late, timeout=_CANCEL_S)


def _config_record(row: dict[str, Any]) -> Record:
    columns = agents_config.TABLE.schema.names
    return Record("agents_config", orjson.dumps({k: row[k] for k in columns if k in row}))
