"""A folder with rows in its tables, and others that wait for their flush; no worker runs."""

import asyncio
import shutil

import pytest

import queue_imp
from reins.settings import load_settings
from reins.sql.runner import SqlRunner
from store.folder import DataFolder
from store.store import Store
from tests.integration.store.support import message, step

TEXTS = ("the moon", "Köln 東京 🙂", 'say "quoted", and; DROP TABLE', "", "=1+1")


@pytest.fixture(scope="module")
def data(empty_folder, tmp_path_factory):
    """Rows 1 to 3 of `finn` are flushed, 4 and 5 wait; an action is in the queue."""
    folder = shutil.copytree(empty_folder, tmp_path_factory.mktemp("sql") / "data")
    rows = [step("finn", seq, text=text) for seq, text in enumerate(TEXTS, start=1)]

    async def flushed():
        store = Store(folder)
        await store.start()
        await store.journal.append(*rows[:3])
        await store.stop()

    asyncio.run(flushed())
    log = DataFolder(folder).open_log("process")
    log.append([*rows[3:], message("room", 1, "hello")])
    log.close()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REINS_DATA", str(folder))
        queue_imp.agent_create("finn", "ann", "cats")
    return folder


@pytest.fixture(scope="module")
def runner(data):
    """One child for all tests of a file."""
    made = SqlRunner(load_settings(data=data, sql="on"))
    yield made
    made.stop()


@pytest.fixture
def make_runner(data):
    """Runners with bounds of their own."""
    made = []

    def make(**bounds):
        made.append(SqlRunner(load_settings(**({"data": data, "sql": "on"} | bounds))))
        return made[-1]

    yield make
    for each in made:
        each.stop()
