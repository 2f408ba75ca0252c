"""All sessions of a worker: made, found, rebuilt after a restart."""

import asyncio
import time
from typing import Any

import orjson
import structlog
from pydantic import ValidationError

from agent_core.base import problems
from agent_core.controls import Renew
from agent_core.failures import described
from agent_core.log import Event
from agent_core.looping import LoopingAgentBase
from agent_core.registry import AgentTypes
from agent_core.schedule import Schedule
from agent_core.services import Services
from agent_core.session import Session
from agent_core.status import Status
from store import agent_state, agents_config, queue
from store.journal_file import Record
from store.store import Store

_log = structlog.get_logger(__name__)

_OVERSEE_S = 5.0
_CANCEL_S = 1.0
"""A tick that has not ended this long after its cancellation is left behind."""


class SessionUnusable(Exception):  # noqa: N818
    """A stored session cannot be rebuilt; the message says why."""


class Sessions:
    """The sessions that live in this process, by `session_id`.

    Ended sessions are not kept in memory; they are read back when somebody addresses them.
    """

    def __init__(
        self, *, store: Store, types: AgentTypes, services: Services, schedule: Schedule
    ) -> None:
        self.store = store
        self.types = types
        self.services = services
        self.schedule = schedule
        self.live: dict[str, Session] = {}
        self.replayed: set[str] = set()
        """The actions that were in the queue at the start: a run before may have applied them."""
        # Of what does not live, the id alone is kept: a new one is known as new without a query.
        self._known_ids: set[str] = set()
        self._overseer: asyncio.Task[None] | None = None
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
    ) -> int:
        """Start a session; returns the `seq` at which it is on record.

        `before` is the ended session of that id whose log this one continues.
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
        sessions = [
            session
            for row in agent_state.each_agent_state(unfinished, store=reader)
            if (session := self._usable(row, configs.get(row["session_id"]))) is not None
        ]
        for session in sessions:
            session.forget_marked(self.replayed)
        await asyncio.gather(*(self._resume(session) for session in sessions))
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
        """Give up ticks that take too long: one look at all, not a timer for each tick."""
        while True:
            await asyncio.sleep(min(_OVERSEE_S, self.schedule.tick_timeout_s / 4))
            now = time.perf_counter()
            for session in list(self.live.values()):
                limit_s = session.schedule.tick_timeout_s
                if session.ticking and now - session.tick_began > limit_s:
                    session.abort_tick("timeout")

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
        if self._overseer is not None:
            self._overseer.cancel()
        for session in self.live.values():
            if session.task is not None and not session.busy:
                session.task.cancel()
            elif session.agent is not None:
                session.agent.retire()
        side_tasks = [task for session in self.live.values() for task in session.side_tasks]
        await _end([*self._running, *side_tasks], grace_s)
        for session in self._running.values():
            _log.error("tick left behind: it swallowed its cancellation", **session.names)
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
        )

    def _start(self, session: Session) -> None:
        session.start()
        assert session.task is not None
        self._running[session.task] = session
        session.task.add_done_callback(lambda task: self._ended(session, task))

    def _ended(self, session: Session, task: "asyncio.Task[None]") -> None:
        self._running.pop(task, None)
        if self.live.get(session.session_id) is session:
            del self.live[session.session_id]
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("session ended badly", error=str(error), **session.names)
            session.refuse_mail()


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
