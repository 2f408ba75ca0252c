"""A fleet: sessions and dispatcher over a real store, in the test's own loop."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import queue_imp
from agent_core.agent.registry import AgentTypes
from agent_core.agent.services import Services
from agent_core.conversations.conversations import Conversations
from agent_core.dispatch.dispatcher import Dispatcher
from agent_core.dispatch.handlers import Context
from agent_core.fleet.fleet import Fleet as Sessions
from agent_core.session.schedule import Schedule
from agent_core.session.session import Session
from store.agent_state import get_agent_state
from store.agent_steps import list_steps
from store.store import Store
from tests.support import data_folder
from tests.support.waiting import until_async

QUICK = Schedule(
    heartbeat_s=0.02, jitter=0.0, tick_timeout_s=20, retry_wait_s=0.02, max_failures=3,
    stop_grace_s=0.3,
)  # fmt: skip


class Fleet:
    """What the Runtime builds, without a model, and ways to talk to it."""

    def __init__(
        self,
        folder: Path,
        schedule: Schedule = QUICK,
        *,
        modules: tuple[str, ...] = ("tests.support.odd_agents",),
        services: Services | None = None,
        **parts: Any,
    ) -> None:
        self.folder = folder
        self.schedule = schedule
        self.modules = modules
        self.services = services or Services()
        self.parts = parts
        self.reloads: list[Exception] = []

    async def start(self, start_id: str = "start-1") -> None:
        self.store = Store(self.folder, flush_s=0.2)
        self.make_parts(self.store)
        self.types = AgentTypes(self.modules)
        self.types.take(self.types.read())
        self.sessions = Sessions(
            store=self.store, types=self.types, services=self.services, schedule=self.schedule,
            **self.parts,
        )  # fmt: skip
        await self.store.start()
        await self.begin()
        self.rebuilt = await self.sessions.recover(start_id)
        self.dispatcher = Dispatcher(
            context=Context(self.sessions, Conversations(self.store), self._reload),
            poll_s=1.0,
        )
        self.dispatcher.start()

    def make_parts(self, store: Store) -> None:
        """For fleets with services of the store."""

    async def begin(self) -> None:
        """For what begins before the sessions are rebuilt."""

    async def stop(self, grace_s: float = 2.0) -> None:
        for session in self.sessions.live.values():
            session.agent.released = True
        await self.dispatcher.stop()
        await self.sessions.stop(grace_s)
        await self.store.stop()

    async def _reload(self) -> str:
        if self.reloads:
            raise self.reloads.pop()
        return "reloaded"

    def quicken(self, **changes: Any) -> None:
        self.sessions.reconfigure(replace(self.schedule, **changes))

    async def ask(self, helper: Any, *args: Any, **kwargs: Any) -> str:
        return await asyncio.to_thread(helper, *args, **kwargs)

    async def receipt(self, action_id: str) -> dict[str, Any]:
        return await asyncio.to_thread(queue_imp.wait_for_action, action_id, 20)

    async def do(self, helper: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        return await self.receipt(await self.ask(helper, *args, **kwargs))

    async def create(self, agent_id: str = "a", **config: Any) -> Session | None:
        """The new session; None if it has ended already."""
        got = await self.do(
            queue_imp.agent_create, agent_id, "tester", agent_type="odd", config=config
        )
        assert got["outcome"] == "applied", got
        return self.sessions.live.get(agent_id)

    def log(self, session_id: str = "a") -> list[dict[str, Any]]:
        return list_steps(session_id, store=self.store.reader)

    def kinds(self, session_id: str = "a") -> list[str]:
        return [row["kind"] for row in self.log(session_id)]

    def state(self, session_id: str = "a") -> dict[str, Any]:
        row = get_agent_state(session_id, store=self.store.reader)
        assert row is not None
        return row

    async def until_row(self, kind: str, session_id: str = "a") -> dict[str, Any]:
        return await until_async(
            lambda: next((r for r in self.log(session_id) if r["kind"] == kind), None),
            f"a row of kind {kind}",
        )


@pytest.fixture
def data(tmp_path, monkeypatch):
    folder = tmp_path / "data"
    monkeypatch.setenv("REINS_DATA", str(folder))
    return folder


@pytest.fixture
async def fleet(data):
    made = Fleet(data)
    await made.start()
    yield made
    await made.stop()
    await asyncio.to_thread(data_folder.verified, data)
