"""A fleet with boards, in the test's own loop."""

import asyncio

import pytest

import reins.blackboard.acting
import reins.bus.acting  # noqa: F401 - hand their handlers in
from agent_core.agent.services import Services
from reins.blackboard.boards import Boards
from reins.bus.topics import Topics
from store import kv
from store.topics import list_topic_messages
from tests.integration.bus.fleet import Bus
from tests.support import data_folder
from tests.support.board_agents import AdderAgent


class Blackboard(Bus):
    modules = ("tests.support.topic_agents", "tests.support.board_agents")

    def make_parts(self, store):
        self.topics = Topics(store)
        self.boards = Boards(store, self.topics)
        self.services = Services(self.topics, self.boards)

    def value(self, board, key):
        row = kv.get_value(board, key, store=self.store.reader)
        return None if row is None else row["value"]

    def announced(self, board):
        return list_topic_messages(kv.topic_of(board), store=self.store.reader)


@pytest.fixture
def data(tmp_path, monkeypatch):
    monkeypatch.setenv("REINS_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


@pytest.fixture
async def fleet(tmp_path, monkeypatch):
    monkeypatch.setenv("REINS_DATA", str(tmp_path / "data"))
    AdderAgent.begun = 0
    made = Blackboard(tmp_path / "data")
    await made.start()
    yield made
    await made.stop()
    await asyncio.to_thread(data_folder.verified, tmp_path / "data")
