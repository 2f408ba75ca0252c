"""A fleet with documents, in the test's own loop."""

import asyncio

import pytest

import reins.documents.acting  # noqa: F401 - hands its handlers in
from agent_core.agent.services import Services
from reins.bus.topics import Topics
from reins.documents.documents import Documents
from reins.settings import load_settings
from tests.integration.bus.fleet import Bus
from tests.support import data_folder


class Library(Bus):
    def make_parts(self, store):
        self.topics = Topics(store)
        self.settings = load_settings(data=store.folder.path)
        self.documents = Documents(store, lambda: self.settings)
        self.services = Services(self.topics, self.documents)


@pytest.fixture
def data(tmp_path, monkeypatch):
    monkeypatch.setenv("REINS_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


@pytest.fixture
async def fleet(data):
    made = Library(data)
    await made.start()
    yield made
    await made.stop()
    await asyncio.to_thread(data_folder.verified, data)
