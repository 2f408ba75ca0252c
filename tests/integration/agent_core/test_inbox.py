"""The inbox: what sessions ask of people, and what a decision leads to."""

import asyncio
from typing import Any

import pytest

import queue_imp
from agent_core.agent.services import Services
from agent_core.inbox.inbox import Inbox
from store import approval_rules, inbox
from store.store import Store
from tests.integration.agent_core.conftest import Fleet
from tests.support import data_folder
from tests.support.waiting import until_async


class Asking(Fleet):
    """A fleet of agents that ask."""

    def __init__(self, folder) -> None:
        super().__init__(folder, modules=("tests.support.asking_agents",))

    def make_parts(self, store: Store) -> None:
        self.inbox = Inbox(store)
        self.services = Services(self.inbox)
        self.parts = {"inbox": self.inbox}

    async def begin(self) -> None:
        await self.inbox.start(self.sessions.live)

    async def stop(self, grace_s: float = 2.0) -> None:
        await self.inbox.stop()
        await super().stop(grace_s)

    async def asking(self, agent_id: str = "a", **config: Any) -> dict[str, Any]:
        """A new session, and what it asks."""
        got = await self.do(
            queue_imp.agent_create, agent_id, "tester", agent_type="asking", config=config
        )
        assert got["outcome"] == "applied", got
        return await self.until_asked(agent_id)

    async def until_asked(self, session_id: str = "a") -> dict[str, Any]:
        return await until_async(
            lambda: next(iter(queue_imp.inbox_items(session_id=session_id)), None), "an open item"
        )

    async def until_state(self, item_id: str, state: str) -> dict[str, Any]:
        def there() -> dict[str, Any] | None:
            row = inbox.get_item(item_id)
            return row if row is not None and row["state"] == state else None

        return await until_async(there, f"state {state}")

    async def decide(self, item: dict[str, Any], decision: str, **parts: Any) -> dict[str, Any]:
        return await self.do(queue_imp.inbox_decide, item["item_id"], "ann", decision, **parts)

    def agent(self, session_id: str = "a") -> Any:
        return self.sessions.live[session_id].agent


@pytest.fixture
async def asking(data):
    made = Asking(data)
    await made.start()
    yield made
    await made.stop()
    await asyncio.to_thread(data_folder.verified, data)


async def test_approve(asking):
    """An approval lets the call go once; the item says that it ran, and in which row."""
    item = await asking.asking()
    assert asking.state()["waits"] is not None
    got = await asking.decide(item, "approve")
    assert got["outcome"] == "applied", got
    row = await asking.until_state(item["item_id"], "ran")
    assert row["decided_by"] == "ann"
    assert asking.agent().state.done == [{"text": "hello"}]
    assert asking.state()["waits"] is None
    assert approval_rules.list_rules() == []
