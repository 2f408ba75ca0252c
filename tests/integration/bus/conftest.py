"""A fleet with topics, in the test's own loop."""

import asyncio

import pytest

import reins.bus.acting  # noqa: F401 - hands its handlers in
from tests.integration.bus.fleet import Bus
from tests.support import data_folder
from tests.support.topic_agents import CounterAgent


@pytest.fixture
async def bus(tmp_path, monkeypatch):
    monkeypatch.setenv("REINS_DATA", str(tmp_path / "data"))
    CounterAgent.given.clear()
    CounterAgent.poisonous, CounterAgent.away = True, False
    CounterAgent.late = asyncio.Event()
    made = Bus(tmp_path / "data")
    await made.start()
    yield made
    await made.stop()
    await asyncio.to_thread(data_folder.verified, tmp_path / "data")
