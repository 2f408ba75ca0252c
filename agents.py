"""The worker: `python -m agents`, and the Runtime, which builds everything and hands it down."""

import sys

from reins import process

if __name__ == "__main__":
    process.begin()  # until the imports below are done, which takes seconds

import argparse
import asyncio
import os
import time
import uuid
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any

import structlog

import reins.blackboard.acting
import reins.bus.acting
import reins.documents.acting
import reins.facts.acting
import reins.remembering.acting
import reins.sources.acting  # noqa: F401 - hand their handlers in, as those above
from agent_core.agent.registry import AgentTypes
from agent_core.agent.services import Services
from agent_core.budgets.ledger import Ledger
from agent_core.children.children import Children
from agent_core.conversations.conversations import Conversations
from agent_core.dispatch.dispatcher import Dispatcher
from agent_core.dispatch.handlers import Context
from agent_core.fleet.circles import Circles
from agent_core.fleet.concerned import FleetConcerns
from agent_core.fleet.fleet import Fleet
from agent_core.inbox.inbox import Inbox
from agent_core.loop_monitor import LoopMonitor
from agent_core.session.schedule import Schedule
from agent_core.session.work import left_behind
from reins import event_loop, logs, redaction, signals, telemetry, terminal
from reins.blackboard.boards import Boards
from reins.bus.bounds import Bounds
from reins.bus.hearing import listening
from reins.bus.sourcing import Sources
from reins.bus.topics import Topics
from reins.documents.documents import Documents
from reins.documents.following import DocumentFolders
from reins.facts.facts import Facts
from reins.health import Health
from reins.llm import Model, ModelConfigError, ModelRouter
from reins.llm.from_settings import model_settings
from reins.plan_modules import PlanModules
from reins.remembering.recollection import Recollection
from reins.remembering.shared import SharedMemories
from reins.search.indexer import Indexers
from reins.search.meanings import Meanings
from reins.settings import Settings, load_settings
from reins.shutdown import STEP_S, AsyncShutdown, end_process
from reins.sources import hooks
from reins.sources.addresses import Addresses
from reins.sources.folders import Folders
from reins.sources.own_schedules import OwnSchedules
from reins.sources.scheduler import Scheduler
from reins.sql.runner import SqlRunner
from reins.tools.calling import calls_here
from reins.tools.from_settings import WorkerTools, toolbox_for
from reins.unusable import UNUSABLE, is_panic, unusable
from reins.version import VERSION
from reins.webhooks import config as webhooks
from reins.webhooks.calling import Webhooks
from store.errors import FolderOwnedError
from store.reading import Reader
from store.store import Store

if TYPE_CHECKING:
    from reins.mirrors.mirror import Mirror

_logger = structlog.get_logger(__name__)

EXIT_OWNED = 3
_STORE_S = 60.0
_DISPATCHER_S = 30.0
"""Seconds for a step of the stop: a last flush, and a last marking, of a large backlog."""


class Runtime:
    """Everything that works on one data folder: store, model, sessions, dispatcher.

    `start` and `stop` run on one loop. Starts once, and not after a stop; a second stop does
    nothing. It changes no switch of the process: it may run inside another program.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.start_id = f"{time.strftime('%Y%m%dT%H%M%S', time.gmtime())}-{uuid.uuid4().hex[:6]}"
        self.store = Store(
            settings.data,
            durable=settings.durable,
            flush_s=settings.flush_s,
            max_pending=settings.pending_rows,
            record_days=settings.record_days,
        )
        self.model = ModelRouter(model_settings(settings))
        self.types = AgentTypes(settings.agent_modules)
        self.conversations = Conversations(self.store, settings.pace)
        self.topics = Topics(self.store, bounds_of(settings), wait_s=settings.topic_wait_s)
        self.boards = Boards(self.store, self.topics)
        self.memories = SharedMemories(self.store)
        self.facts = Facts(self.store)
        self.documents = Documents(self.store, lambda: self.settings)
        self.document_folders = DocumentFolders(self.store.reader, lambda: self.settings)
        self.scheduler = Scheduler(self.store, self.topics)
        self.folders = Folders(self.store, self.topics, lambda: self.settings)
        self.addresses = Addresses(self.store, self.topics, lambda: self.settings)
        own = OwnSchedules(self.scheduler)
        self.topics.sources = Sources(own, self.folders, self.addresses)
        self.inbox = Inbox(self.store)
        self.children = Children()
        self.confinement, self.toolbox = toolbox_for(settings)
        self.tools = WorkerTools(settings, self.toolbox, self.confinement)
        self.plans = PlanModules()
        self.sql = SqlRunner(settings)
        self.fleet = Fleet(
            store=self.store,
            types=self.types,
            services=Services(
                self.model,
                self.conversations,
                self.topics,
                self.scheduler,
                self.boards,
                self.memories,
                self.facts,
                self.documents,
                Recollection(lambda: self.settings.search, Meanings(self.store.reader, self.model)),
                listening(self.topics),
                self.inbox,
                self.children,
                self.toolbox,
                self.plans,
                self.store.reader,
                self.sql,
                per_session={Model: self.model.for_caller},
            ),
            schedule=schedule(settings),
            ledger=Ledger(
                day_tokens=settings.budget_day_tokens, day_cost_usd=settings.budget_day_cost_usd
            ),
            inbox=self.inbox,
            children=self.children,
            knows_route=self.model.knows,
        )
        self.model.answered = self.fleet.outages.answered
        concerns = FleetConcerns(self.fleet.live, self.store.reader)
        self.mirror = _mirror(settings, self.store.reader)
        self.webhooks = Webhooks(self.store, concerns.now)
        self.loop_monitor = LoopMonitor()
        circles = Circles(
            self.fleet.live, lambda: (self.settings.circles_above, self.settings.circles)
        )
        self.search = Indexers(self.store.reader, self.model, self.loop_monitor.lags, circles.take)
        self.dispatcher: Dispatcher | None = None
        self.tracing: telemetry.Tracing | None = None
        self.loop: asyncio.AbstractEventLoop | None = None
        self._shutdown = AsyncShutdown()

    async def start(self) -> None:
        """Own the data folder, rebuild its sessions, take up its queue.

        Raises: whatever is in `UNUSABLE`; nothing is left running then.
        """
        self.loop = asyncio.get_running_loop()
        tools = await self.tools.read(self.settings)
        self.plans.take(self.plans.read(self.settings.plans))
        called = webhooks.read(self.settings.webhooks)
        hooks.read(self.settings.hooks)  # a fault in it is said now, and its tokens are known
        self.toolbox.calls = calls_here()  # those of agents' own code, too
        ending = self._shutdown
        ending.add("tracing", self._stop_tracing)
        ending.add("the store", self.store.stop, limit_s=_STORE_S)
        ending.add("the models", self.model.stop)
        try:
            # Python reads the types while LanceDB opens the tables: there are two cores. The models
            # come after it: two threads that import a package with circles find it half made.
            await self.store.start(meanwhile=lambda: self.types.take(self.types.read()))
            await self.model.start()
            self.tracing = telemetry.start(version=VERSION, instance=self.start_id)
            if self.mirror is not None:
                ending.add("the mirror", partial(asyncio.to_thread, self.mirror.stop))
                self.mirror.start()
            ending.add("the probe of the sandbox", self.confinement.stop)
            self.confinement.begin()
            ending.add("the MCP servers", self.tools.stop)
            await self.tools.take(tools)
            ending.add("SQL", self._stop_sql)
            ending.add("the sessions", self._stop_sessions, limit_s=self._sessions_s())
            await self.conversations.ids.load()
            await self.memories.load()
            await self.documents.start()
            ending.add("the topics", self.topics.stop)
            ending.add("the watches", self._stop_watches)
            ending.add("the inbox", self.inbox.stop)
            await self.inbox.start(self.fleet.live)
            await self.scheduler.load()
            rebuilt = await self.fleet.recover(self.start_id)
            self.dispatcher = Dispatcher(
                context=Context(self.fleet, self.conversations, self.reload),
                poll_s=self.settings.poll_s,
            )
            ending.add("the dispatcher", self.dispatcher.stop, limit_s=_DISPATCHER_S)
            self.dispatcher.on_rejected = self.webhooks.rejections.took
            self.dispatcher.start()
            ending.add("the schedules", self.scheduler.stop)
            self.scheduler.start()
            ending.add("the webhooks", self.webhooks.stop)
            await self.webhooks.take(called)
            self.webhooks.start()
            self._start_lookers(ending)
        except BaseException:
            await self.stop()
            raise
        _logger.info(
            "worker started",
            start=self.start_id,
            data=str(self.store.folder.path),
            model=str(self.model.route),
            sessions_rebuilt=rebuilt,
        )

    def _start_lookers(self, ending: AsyncShutdown) -> None:
        """Those that look at what all others do, and at the world outside."""
        ending.add("the loop monitor", self._stop_loop_monitor)
        self.loop_monitor.start()
        ending.add("the search", self.search.stop)
        self.search.start(self.settings.search)
        ending.add("the folders of documents", self._stop_document_folders)
        self.document_folders.start()

    async def stop(self) -> None:
        """No new ticks; those in flight end or are given up; what is acknowledged is on disk."""
        await self._shutdown.run()

    @property
    def left_behind(self) -> bool:
        """True if something did not end in time, for which the loop would wait for ever."""
        return bool(
            self.fleet.left_behind
            or left_behind()
            or self.plans.left_behind
            or self._shutdown.left_behind
            or self.store.left_behind
        )

    @property
    def stop_s(self) -> float:
        """Seconds that a stop may take at the most."""
        return _STORE_S + _DISPATCHER_S + self._sessions_s() + 3 * STEP_S

    def _sessions_s(self) -> float:
        """Grace for the ticks, and again for what they leave to be written."""
        return 2 * self.settings.stop_grace_s + STEP_S

    async def _stop_watches(self) -> None:
        await self.folders.stop()
        await self.addresses.stop()

    async def _stop_document_folders(self) -> None:
        await asyncio.to_thread(self.document_folders.stop)

    async def _stop_sql(self) -> None:
        self.sql.stop()  # no statement is under way any more, and a kill takes no time

    async def _stop_loop_monitor(self) -> None:
        self.loop_monitor.stop()

    async def _stop_sessions(self) -> None:
        await self.fleet.stop(self.settings.stop_grace_s)

    async def _stop_tracing(self) -> None:
        if self.tracing is not None:
            await asyncio.to_thread(self.tracing.stop)

    async def reload(self) -> str:
        """Read settings, prompts, agent types and tools again; the old stay where new are invalid.

        Raises: ValueError saying what is invalid; nothing has changed then.
        """
        try:
            settings = load_settings(data=self.settings.data)
            types = await asyncio.to_thread(self.types.read, settings.agent_modules)
            tools = await self.tools.read(settings, anew=True)
            actions = await asyncio.to_thread(self.plans.read, settings.plans, anew=True)
            called = webhooks.read(settings.webhooks)
            hooks.read(settings.hooks)
            await self.model.reload(model_settings(settings), refuse=self.fleet.without_routes)
        except ModelConfigError as error:
            raise ValueError(str(error)) from error
        changed = self.types.take(types)
        self.settings = settings
        await self.tools.take(tools)
        self.plans.take(actions)
        await self.webhooks.take(called)
        self.store.keep_records_for(settings.record_days)
        self.conversations.pace = settings.pace
        self.topics.limit(bounds_of(settings), wait_s=settings.topic_wait_s)
        self.fleet.reconfigure(schedule(settings))
        self.fleet.limit_day(settings.budget_day_tokens, settings.budget_day_cost_usd)
        self.document_folders.wake()
        self.fleet.outages.wake_all()  # a key or an address may be another one now
        await self.fleet.renew(changed)
        await self.fleet.revive()
        _logger.info("environment reloaded", model=str(self.model.route), types=changed)
        return f"model {self.model.route}; agent types read anew: {', '.join(changed) or 'none'}"

    def health(self) -> Health:
        counts: dict[str, int] = {}
        for session in list(self.fleet.live.values()):
            counts[session.status.value] = counts.get(session.status.value, 0) + 1
        return Health(
            start_id=self.start_id,
            pid=os.getpid(),
            sessions=counts,
            model=str(self.model.route),
            demonstration=self.model.route.demonstration,
            loop_lag_p99_ms=round(self.loop_monitor.percentile_ms(0.99), 2),
            pending_rows=self.store.journal.pending,
            journal_commits=self.store.journal.commits,
            journal_rows=self.store.journal.rows,
            actions_handled=0 if self.dispatcher is None else self.dispatcher.handled,
            confinement=self.confinement.told(),
            mirror=None if self.mirror is None else asdict(self.mirror.figures()),
        )


def _mirror(settings: Settings, store: Reader) -> "Mirror | None":
    if settings.mirror is None:
        return None
    from reins.mirrors.mirror import Mirror  # noqa: PLC0415 - most workers have none

    return Mirror(settings.mirror, store, prefix=settings.mirror_prefix)


def schedule(settings: Settings) -> Schedule:
    return Schedule(
        heartbeat_s=settings.heartbeat_s,
        jitter=settings.jitter,
        tick_timeout_s=settings.tick_timeout_s,
        hanging_after_s=settings.hanging_after_s,
        retry_wait_s=settings.retry_wait_s,
        retry_wait_max_s=settings.retry_wait_max_s,
        max_failures=settings.max_failures,
        stop_grace_s=settings.stop_grace_s,
    )


def bounds_of(settings: Settings) -> Bounds:
    """The bounds of topics for which nobody has set any."""
    return Bounds(settings.topic_max_unread, settings.topic_max_age_s, settings.topic_when_full)


async def _work(settings: Settings) -> None:
    stop_asked = asyncio.Event()
    loop = asyncio.get_running_loop()
    # Not the loop's own handlers: they are gone when the loop has ended, and the process has not.
    signals.on_stop_asked(lambda: loop.call_soon_threadsafe(stop_asked.set))
    runtime = Runtime(settings)
    await runtime.start()
    process.tune()
    await stop_asked.wait()
    _logger.info("worker stopping")
    await runtime.stop()
    _logger.info("worker stopped", start=runtime.start_id)
    end_process(at_once=runtime.left_behind)


def main(arguments: list[str] | None = None, *, program: str = "python -m agents") -> int:
    parser = argparse.ArgumentParser(prog=program, description="Run the worker alone.")
    parser.add_argument("--data", help="folder of the tables and the journal (REINS_DATA)")
    flags: dict[str, Any] = vars(parser.parse_args(arguments))
    try:
        settings = load_settings(**flags)
        logs.configure(settings.log_level, settings.log_format)
        event_loop.run(_work(settings))
    except FolderOwnedError as error:
        print(f"reins: {terminal.shown(redaction.text(str(error)))}", file=sys.stderr)
        return EXIT_OWNED
    except (*UNUSABLE, ValueError) as error:
        return unusable(error)
    except BaseException as error:
        if not is_panic(error):
            raise
        return unusable(error)
    return 0


if __name__ == "__main__":
    code = main()
    signals.ignore()
    sys.exit(code)
