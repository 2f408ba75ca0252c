"""The start and stop contract, one stress for every loop: they leave nothing behind."""

import asyncio
import contextlib
import gc
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest
from flask import Flask

from agent_core.agent.building import build_session
from agent_core.agent.registry import AgentTypes
from agent_core.agent.services import Services
from agent_core.conversations.conversations import Conversations
from agent_core.dispatch.dispatcher import Dispatcher
from agent_core.dispatch.handlers import Context
from agent_core.fleet.fleet import Fleet
from agent_core.inbox.inbox import Inbox
from agent_core.loop_monitor import LoopMonitor
from agent_core.session.schedule import Schedule
from agent_core.session.status import Status
from agents import Runtime
from reins.bus.topics import Topics
from reins.runtime_thread import RuntimeThread
from reins.settings import load_settings
from reins.sources.scheduler import Scheduler
from reins.web.application import Web
from reins.web.bridge import Bridge
from reins.web.live.feed import Feed
from reins.web.live.rooms import Rooms
from reins.web.live.sockets import make_socketio
from reins.web.live.sse import Streams
from reins.web.server import Server, listen
from reins.web.views.follower import ViewFollower
from reins.web.views.participants import Participants
from reins.web.views.sessions import SessionIndex
from store.flush import Flush
from store.journal.journal import Journal
from store.store import Store
from tests.support.odd_agents import OddAgent, OddConfig
from tests.support.waiting import until_async

TIMES = 50


class OfJournal:
    """A journal on a file of its own."""

    def __init__(self, folder: Path, _store: Store) -> None:
        self.it = Journal(folder / "journal.sqlite")

    async def start(self) -> None:
        self.it.start()

    async def stop(self) -> None:
        await self.it.stop()


class OfFlush:
    """A flush beside the store's own journal."""

    def __init__(self, _folder: Path, store: Store) -> None:
        self.it = Flush(
            folder=store.folder,
            journal=store.journal,
            tables={},
            highest={},
            synced={},
            every_s=60,
        )

    async def start(self) -> None:
        self.it.start()

    async def stop(self) -> None:
        await asyncio.to_thread(self.it.stop)


class OfLoopMonitor:
    def __init__(self, _folder: Path, _store: Store) -> None:
        self.it = LoopMonitor()

    async def start(self) -> None:
        self.it.start()

    async def stop(self) -> None:
        self.it.stop()


class OfDispatcher:
    """A dispatcher over the store's queue."""

    def __init__(self, _folder: Path, store: Store) -> None:
        fleet = Fleet(
            store=store, types=AgentTypes(["tests.support.odd_agents"]), services=Services(),
            schedule=Schedule(),
        )  # fmt: skip
        self.it = Dispatcher(context=Context(fleet, Conversations(store), lambda: None), poll_s=60)

    async def start(self) -> None:
        self.it.start()

    async def stop(self) -> None:
        await self.it.stop()


class OfInbox:
    """The inbox, which lets time run for what is open."""

    def __init__(self, _folder: Path, store: Store) -> None:
        self.it = Inbox(store)

    async def start(self) -> None:
        await self.it.start({})

    async def stop(self) -> None:
        await self.it.stop()


class OfScheduler:
    """The timer of all schedules."""

    def __init__(self, _folder: Path, store: Store) -> None:
        self.it = Scheduler(store, Topics(store))

    async def start(self) -> None:
        await self.it.load()
        self.it.start()

    async def stop(self) -> None:
        await self.it.stop()


class OfSession:
    """One session that ticks as fast as it can, ended by the stop of all."""

    def __init__(self, _folder: Path, store: Store) -> None:
        self.fleet = Fleet(
            store=store, types=AgentTypes([]), services=Services(), schedule=Schedule()
        )
        self.it = build_session(
            OddAgent, OddConfig(), agent_id="a", session_id="a", services=Services(),
            journal=store.journal, schedule=Schedule(heartbeat_s=0.001),
        )  # fmt: skip

    async def start(self) -> None:
        if self.it.task is not None:
            raise RuntimeError("started twice")
        self.fleet.start_again(self.it)

    async def stop(self) -> None:
        await self.fleet.stop(1.0)
        assert self.it.status is Status.RUNNING


class OfRuntime:
    """The whole worker, on a folder of its own."""

    times = 15

    def __init__(self, folder: Path, _store: Store) -> None:
        self.it = Runtime(load_settings(data=folder / "own"))

    async def start(self) -> None:
        await self.it.start()

    async def stop(self) -> None:
        await self.it.stop()


class OfRuntimeThread:
    """The whole worker on a loop in a thread of its own."""

    times = 15

    def __init__(self, folder: Path, _store: Store) -> None:
        self.it = RuntimeThread(Runtime(load_settings(data=folder / "own")))

    async def start(self) -> None:
        await asyncio.to_thread(self.it.start)

    async def stop(self) -> None:
        await asyncio.to_thread(self.it.stop)


class OfServer:
    """The HTTP server on a free port."""

    times = 15

    def __init__(self, _folder: Path, _store: Store) -> None:
        with listen("127.0.0.1", 0) as listening:
            self.it = Server(listening, lambda *_: [])

    async def start(self) -> None:
        self.it.start()

    async def stop(self) -> None:
        await asyncio.to_thread(self.it.stop)


class OfWeb:
    """All that serves a folder: feed, rooms, streams, guard; here beside no worker."""

    times = 15

    def __init__(self, folder: Path, _store: Store) -> None:
        self.it = Web(load_settings(data=folder / "data"), None, port=1, token=None)

    async def start(self) -> None:
        self.it.start()

    async def stop(self) -> None:
        await asyncio.to_thread(self.it.stop)


class OfFeed:
    """The feed beside a worker, followed by somebody."""

    times = 15

    def __init__(self, _folder: Path, store: Store) -> None:
        settings = load_settings(data=store.folder.path)
        sessions = SimpleNamespace(listen_deltas=lambda _: lambda: None)
        worker = SimpleNamespace(store=store, conversations=Conversations(store), fleet=sessions)
        bridge = Bridge(settings, worker)
        index, participants = SessionIndex(bridge.store), Participants(bridge.store)
        self.follower = ViewFollower(store=bridge.store, index=index, participants=participants)
        self.it = Feed(
            bridge=bridge, follower=self.follower, index=index, participants=participants,
            rooms=Rooms(make_socketio(Flask("of-feed")).server), streams=Streams(),
        )  # fmt: skip

    async def start(self) -> None:
        self.it.start()
        await asyncio.to_thread(self.follower.catch_up)

    async def stop(self) -> None:
        await asyncio.to_thread(self.it.stop)


LOOPS = [
    OfJournal, OfFlush, OfLoopMonitor, OfDispatcher, OfInbox, OfScheduler, OfSession, OfRuntime,
    OfRuntimeThread, OfServer, OfWeb, OfFeed,
]  # fmt: skip


@pytest.fixture
async def store(tmp_path, monkeypatch):
    monkeypatch.setenv("REINS_AGENT_MODULES", '["tests.support.odd_agents"]')
    made = Store(tmp_path / "data")
    await made.start()
    yield made
    await made.stop()


def threads() -> set[str]:
    """Those of loops; idle threads of pools (asyncio's, anyio's, our own) are shared and stay."""
    pools = (
        "actions_",
        "reads_",
        "search_",
        "documents_",
        "asyncio_",
        "AnyIO",
        "ThreadPool",
        "MainThread",
        "LanceDB",
        "Thread-",
    )
    return {t.name for t in threading.enumerate() if not t.name.startswith(pools)}


def tasks() -> set[str]:
    return {t.get_name() for t in asyncio.all_tasks() if not t.done()}


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.parametrize("loop", LOOPS, ids=lambda loop: loop.__name__)
async def test_every_start_and_stop_is_clean(loop, store, tmp_path):
    """Stopped before started, stopped twice, started twice, cancelled while starting: all clean."""
    had_threads, had_tasks = threads(), tasks()

    unstarted = loop(tmp_path, store)
    await unstarted.stop()

    once = loop(tmp_path, store)
    await once.start()
    with pytest.raises((RuntimeError, Exception), match=r"twice|start"):
        await once.start()
    await once.stop()
    await once.stop()

    cancelled = loop(tmp_path, store)
    starting = asyncio.ensure_future(cancelled.start())
    await asyncio.sleep(0)
    starting.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await starting
    await cancelled.stop()

    await until_async(lambda: threads() <= had_threads, "its threads have ended")
    await until_async(lambda: tasks() <= had_tasks, "its tasks have ended")


@pytest.mark.parametrize("loop", LOOPS, ids=lambda loop: loop.__name__)
async def test_many_quick_starts_and_stops_leave_nothing(loop, store, tmp_path):
    """No thread, no task and no file descriptor is left after many rounds."""
    for _ in range(2):  # what is made once: pools, a cached connection
        await round_of(loop, store, tmp_path)
    gc.collect()
    had_threads, had_tasks, had = threads(), tasks(), descriptors()
    for _ in range(getattr(loop, "times", TIMES)):
        await round_of(loop, store, tmp_path)
    gc.collect()
    await until_async(lambda: threads() <= had_threads, "its threads have ended")
    await until_async(lambda: tasks() <= had_tasks, "its tasks have ended")
    await until_async(lambda: descriptors() <= had + 3, f"descriptors: {had}, then {descriptors()}")


async def round_of(loop, store, folder):
    made = loop(folder, store)
    await made.start()
    await asyncio.sleep(0)
    await made.stop()
