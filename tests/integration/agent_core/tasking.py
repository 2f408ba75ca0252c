"""A fleet of task sessions with a scripted model, for the tests beside."""

import asyncio
import json

import pytest

import queue_imp as q
import reins.bus.acting  # noqa: F401 - hands its handlers in
from agent_core.agent.services import Services
from agent_core.inbox.inbox import Inbox
from reins.bus.hearing import listening
from reins.bus.topics import Topics
from reins.llm import Model
from reins.tools.toolbox import Toolbox
from store import inbox
from tests.integration.agent_core.conftest import Fleet
from tests.support import data_folder
from tests.support.handiwork import Handiwork, ScriptedModel
from tests.support.waiting import until_async


class Tasks(Fleet):
    """A fleet of task sessions with one scripted model and one set of tools."""

    def __init__(self, folder, *answers, **parts):
        self.model, self.hands = ScriptedModel(*answers), Handiwork()
        self.toolbox = Toolbox(self.hands.registry)
        super().__init__(folder, modules=("agents_impl.task",), **parts)

    def make_parts(self, store):
        self.inbox, self.topics = Inbox(store), Topics(store)
        self.services = Services(
            self.toolbox,
            store.reader,
            self.inbox,
            self.topics,
            listening(self.topics),
            *self.more(store),
            per_session={Model: lambda _: self.model},
        )
        self.parts = {"inbox": self.inbox}

    def more(self, store):
        """For fleets with further services of the store."""
        return ()

    async def begin(self):
        await self.inbox.start(self.sessions.live)

    async def stop(self, grace_s=2.0):
        await self.topics.stop()
        await self.inbox.stop()
        await super().stop(grace_s)

    async def until_asked(self):
        return await until_async(
            lambda: next(iter(q.inbox_items(session_id="a")), None), "an open item"
        )

    async def decide(self, item, decision, **parts):
        return await self.do(q.inbox_decide, item["item_id"], "ann", decision, **parts)

    def item(self, item_id):
        return inbox.get_item(item_id, store=self.store.reader)

    async def task(self, **config):
        config = {"goal": "count to one", "tools": ["test"], "approvals": "allow_medium"} | config
        got = await self.do(q.agent_create, "a", "tester", agent_type="task", config=config)
        assert got["outcome"] == "applied", got
        return self.sessions.live.get("a")

    def acts(self):
        """Calls with their outcomes: the ticks of the log that have one."""
        found = []
        for row in self.log():
            payload = json.loads(row["payload"] or "{}")
            if row["kind"] == "tick" and "outcome" in payload:
                found.append((payload["call"], payload["outcome"]))
        return found


@pytest.fixture
async def tasks(data):
    made = Tasks(data)
    await made.start()
    yield made
    await made.stop()
    await asyncio.to_thread(data_folder.verified, data)


async def again(tasks, *answers):
    """The same folder in another process: its own model and its own tools."""
    made = Tasks(tasks.folder, *answers)
    await made.start("start-2")
    return made
