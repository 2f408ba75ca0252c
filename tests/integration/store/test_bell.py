"""The bell that a loop hears by the kernel: the first ring, and the next one after `again`."""

import asyncio
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import uvloop

import queue_imp
from store.queue import intake as queue_intake
from store.queue import watch as queue_watch
from store.queue.bell import Bell
from store.queue.intake import Intake
from store.queue.writer import QueueWriter
from store.store import Store

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="inotify is Linux's")


class Rung:
    """How many times a bell was heard."""

    def __init__(self):
        self.times, self._heard = 0, asyncio.Event()

    def __call__(self):
        self.times += 1
        self._heard.set()

    async def once_more(self):
        async with asyncio.timeout(20):
            await self._heard.wait()
        self._heard.clear()


async def settled():
    for _ in range(5):
        await asyncio.sleep(0.01)


@pytest.mark.parametrize("make_loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_rings_are_one_until_the_next_is_asked_for(tmp_path, make_loop):
    async def rings():
        rung, bells = Rung(), queue_watch.Bells(tmp_path)
        bell = Bell(queue_watch.hung(tmp_path, "enqueued"), asyncio.get_running_loop(), rung)
        for _ in range(3):
            bells.ring("enqueued")
        await rung.once_more()
        bells.ring("enqueued")
        await settled()
        assert rung.times == 1
        bell.again()
        await settled()
        assert rung.times == 1  # what rang before is known
        bells.ring("enqueued")
        await rung.once_more()
        bells.ring("enqueued")
        bell.close()
        await settled()
        assert rung.times == 2
        bells.close()

    with asyncio.Runner(loop_factory=make_loop) as runner:
        runner.run(rings())


def descriptors():
    return sorted(path.name for path in Path("/proc/self/fd").iterdir())


async def test_a_bell_that_is_not_there_is_an_error_and_leaves_no_descriptor(tmp_path):
    before = descriptors()
    with pytest.raises(FileNotFoundError, match="a watch on"):
        Bell(tmp_path / "none", asyncio.get_running_loop(), lambda: None)
    assert descriptors() == before


async def test_a_loop_that_hears_nothing_is_an_error_and_leaves_no_descriptor(tmp_path):
    def refuses(*_):
        raise NotImplementedError

    path = queue_watch.hung(tmp_path, "enqueued")
    before = descriptors()
    with pytest.raises(NotImplementedError):
        Bell(path, SimpleNamespace(add_reader=refuses), lambda: None)
    assert descriptors() == before


def _refused(*_):
    raise OSError("no inotify here")


@pytest.mark.parametrize("hears", [True, False], ids=["the kernel tells", "a library watches"])
async def test_what_another_process_enqueues_is_taken_up_without_a_look(
    tmp_path, monkeypatch, hears
):
    if not hears:
        monkeypatch.setattr(queue_intake, "Bell", _refused)
    store = Store(tmp_path, flush_s=60.0)
    await store.start()
    intake, woken = Intake(store.folder, store.adopt_actions), asyncio.Event()
    intake.start(woken.set)
    await intake.take()
    others = QueueWriter(tmp_path)  # as another process has one: it hands nothing over
    for agent_id in ("one", "two", "three"):
        woken.clear()
        others.append(queue_imp.create_action("agent_resume", "ann", agent_id=agent_id))
        async with asyncio.timeout(20):
            taken = []
            while not taken:
                await woken.wait()
                woken.clear()
                taken = await intake.take()
        intake.taken()
        assert [each.row["agent_id"] for each in taken] == [agent_id]
    await intake.stop()
    await store.stop()
