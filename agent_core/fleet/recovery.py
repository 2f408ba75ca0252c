"""Sessions rebuilt from the store: all that had not ended at a start, one by one later."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import orjson
import structlog
from pydantic import ValidationError

from agent_core.agent.guidance import problems
from agent_core.agent.looping import LoopingAgentBase
from agent_core.agent.registry import AgentTypes
from agent_core.budgets.ledger import Ledger
from agent_core.fleet.sharing import SharedConfigs
from agent_core.session.failures import describe
from agent_core.session.log import Event
from agent_core.session.session import Session
from agent_core.session.status import Status
from reins.threads import READS
from reins.together import Together
from store import agent_state, agents_config
from store.lance.memory import give_back
from store.queue import reading as queue_reading
from store.store import Store

_logger = structlog.get_logger(__name__)

_UNFINISHED = frozenset(status.value for status in Status if not status.ended)


class SessionUnusableError(Exception):
    """A stored session cannot be rebuilt; the message says why."""


class Build(Protocol):
    """A new session of a type, not yet started."""

    def __call__(
        self, kind: type[LoopingAgentBase], config: Any, *, agent_id: str, session_id: str
    ) -> Session: ...


class Recovery:
    """Reads sessions back, each from its newest snapshot."""

    def __init__(
        self, *, store: Store, types: AgentTypes, build: Build, shared: SharedConfigs
    ) -> None:
        self._store = store
        self._types = types
        self._build = build
        self._shared = shared
        self._stored = Together(self._read_stored)
        self.start_id = ""
        self.unusable: set[str] = set()
        """Sessions that could not be rebuilt; a reload may bring what they lack."""

    async def configs(self) -> dict[str, str]:
        """The configuration of every session there ever was, by `session_id`."""
        return await READS.call(agents_config.list_configs, store=self._store.reader)

    async def config_of(self, session_id: str) -> dict[str, Any] | None:
        """The row of `agents_config`."""
        return await READS.call(
            agents_config.get_agent_config, session_id, store=self._store.reader
        )

    async def own_config(self, agent_id: str) -> dict[str, Any] | None:
        """Type and configuration of the agent's own session; None if it has none."""
        row = await self.config_of(agent_id)
        if row is None or row["agent_id"] != agent_id:
            return None
        return row | {"config": orjson.loads(row["config"])}

    async def unprocessed(self) -> set[str]:
        """The ids of the actions that will be delivered again; the others are so for good."""
        rows = await queue_reading.unprocessed(self._store.folder, self._store.queue)
        return {row["action_id"] for row in rows}

    def unfinished(self, configs: Mapping[str, str], ledger: Ledger) -> list[Session]:
        """Every session that had not ended; the ledger recalls what all of them took."""
        sessions = []
        for row in agent_state.each_agent_state(store=self._store.reader):
            if row["agent_id"] == row["session_id"]:
                row["agent_id"] = row["session_id"]  # one text for whatever keeps them
            ledger.recall(row)  # what has ended has taken its part too
            if row["status"] in _UNFINISHED:
                session = self._usable(row, configs.get(row["session_id"]))
                if session is not None:
                    sessions.append(session)
        give_back()  # in the thread that has read the whole table, which keeps that otherwise
        return sessions

    async def read(self, session_id: str) -> Session | None:
        """One session as it is stored; None if there is none. Raises: SessionUnusableError."""
        stored = await self._stored.get(session_id)
        return None if stored is None else self._rebuild(*stored)

    def _read_stored(self, session_ids: Sequence[str]) -> dict[str, tuple[dict[str, Any], str]]:
        """The newest state of each session, and its configuration."""
        store = self._store.reader
        configs = agents_config.get_agent_configs(session_ids, store=store)
        states = agent_state.get_agent_states([*configs], store=store)
        return {name: (row, configs[name]["config"]) for name, row in states.items()}

    async def put_on_record(self, session: Session) -> None:
        """Write into its log what this start changes of a rebuilt session."""
        # Its pause is on its way again. So is a destroy: a session that was stopping waits for it.
        was = session.status
        if was is Status.PAUSING:
            session.status = Status.PAUSED
        if was in (Status.RUNNING, Status.PAUSING):
            text = "resumed" if was is Status.RUNNING else session.status.value
            event = Event("status", f"{text} by start {self.start_id}", {"start": self.start_id})
            await session.log.record(event)

    def _usable(self, row: dict[str, Any], config: str | None) -> Session | None:
        try:
            return self._rebuild(row, config)
        except SessionUnusableError as error:
            why = str(error)
        _logger.error(
            "session not rebuilt",
            agent_id=row["agent_id"],
            session_id=row["session_id"],
            step=row["iteration"],
            error=why,
        )
        self.unusable.add(row["session_id"])
        return None

    def _rebuild(self, row: dict[str, Any], config_json: str | None) -> Session:
        if config_json is None or row["snapshot"] is None:
            raise SessionUnusableError("it has no configuration or no snapshot; create it anew")
        kind = self._types.get(row["agent_type"])
        if kind is None:
            raise SessionUnusableError(
                f"agent type {row['agent_type']!r} is not known; "
                f"expected one of {', '.join(self._types.names())}. "
                "Bring its module back and reload the environment."
            )
        try:
            config = self._shared.get(
                kind, config_json, lambda: kind.Config.model_validate_json(config_json)
            )
            session = self._build(
                kind, config, agent_id=row["agent_id"], session_id=row["session_id"]
            )
            session.restore(row)
            session.agent.load_state()
        except Exception as error:  # an agent's own code may raise anything
            # Pydantic's own text would quote the state.
            why = problems(error) if isinstance(error, ValidationError) else describe(error)
            raise SessionUnusableError(
                f"its snapshot does not fit agent type {row['agent_type']}: {why}. "
                "Mend the type and reload the environment."
            ) from error
        return session
