"""A fleet whose sessions are woken by schedules, files and addresses, in the test's own loop."""

import asyncio

import pytest

import reins.bus.acting  # noqa: F401 - hands its handlers in
from agent_core.agent.services import Services
from reins.bus.hearing import listening
from reins.bus.sourcing import Sources
from reins.bus.topics import Topics
from reins.settings import load_settings
from reins.sources import acting  # noqa: F401 - the same
from reins.sources.addresses import Addresses
from reins.sources.folders import Folders
from reins.sources.own_schedules import OwnSchedules
from reins.sources.scheduler import Scheduler
from store.times import now_us
from tests.integration.bus.fleet import Bus
from tests.support import data_folder
from tests.support.waiting import until_async


class Woken(Bus):
    """`ahead_us`: by how much the clock of the schedules is ahead."""

    modules = ("tests.support.waking_agents", "tests.support.odd_agents")

    def __init__(self, folder):
        super().__init__(folder)
        self.ahead_us = 0
        self.settings = load_settings()

    def make_parts(self, store):
        self.topics = Topics(store)
        self.scheduler = Scheduler(store, self.topics, lambda: now_us() + self.ahead_us)
        self.folders = Folders(store, self.topics, lambda: self.settings)
        self.addresses = Addresses(store, self.topics, lambda: self.settings)
        own = OwnSchedules(self.scheduler)
        self.topics.sources = Sources(own, self.folders, self.addresses)
        self.services = Services(self.topics, listening(self.topics), self.scheduler)

    async def begin(self):
        await self.scheduler.load()
        self.scheduler.start()

    async def stop(self, grace_s=2.0):
        await self.scheduler.stop()
        await self.folders.stop()
        await self.addresses.stop()
        await super().stop(grace_s)

    async def again(self):
        """The worker ends, and another begins."""
        await self.stop()
        await self.start()

    async def ahead(self, **of):
        """The clock of the schedules jumps."""
        seconds = sum({"s": 1, "m": 60, "h": 3_600, "d": 86_400}[n] * v for n, v in of.items())
        self.ahead_us += int(seconds * 1e6)
        self.scheduler.wake()

    def got(self, session_id):
        return self.state_of(session_id)["got"]

    async def until_got(self, session_id, count):
        return await until_async(
            lambda: (got := self.got(session_id)) and len(got) >= count and got,
            f"{session_id} has got {count}",
        )


@pytest.fixture
async def woken(tmp_path, monkeypatch):
    monkeypatch.setenv("REINS_DATA", str(tmp_path / "data"))
    made = Woken(tmp_path / "data")
    await made.start()
    yield made
    await made.stop()
    await asyncio.to_thread(data_folder.verified, tmp_path / "data")
