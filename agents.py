"""The worker: `python -m agents`, and the Runtime that a web process runs in a thread."""

import argparse
import asyncio
import gc
import os
import signal
import sys
import threading
import time
import uuid
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

import structlog

from agent_core.agent.registry import AgentTypes
from agent_core.agent.services import Services
from agent_core.budgets.ledger import Ledger
from agent_core.conversations.conversation import Conversations
from agent_core.dispatch.dispatcher import Dispatcher
from agent_core.dispatch.handlers import Context
from agent_core.fleet.fleet import Sessions
from agent_core.loop_monitor import Watchdog
from agent_core.session.schedule import Schedule
from reins import logs, telemetry
from reins.llm import Model, ModelConfigError, Models
from reins.llm.from_settings import model_settings
from reins.settings import Settings, SettingsError, load_settings
from store.errors import FolderOwnedError, StoreError
from store.store import Store

_log = structlog.get_logger(__name__)

VERSION = "0.1.0"
EXIT_OWNED = 3
EXIT_UNUSABLE = 2
_SWITCH_INTERVAL_S = 0.002
"""The loop and the journal's writer hand over to each other all the time: a waiting thread gets
the GIL after this long, instead of the default 5 ms."""
_THREAD_END_S = 2.0
"""The thread is left to itself after this long: only a tick that swallowed its end holds it."""


@dataclass(frozen=True, slots=True)
class Health:
    """What the worker says of itself."""

    start_id: str
    pid: int
    sessions: dict[str, int]
    model: str
    demonstration: bool
    loop_lag_p99_ms: float
    pending_rows: int
    journal_commits: int
    journal_rows: int
    actions_handled: int


class Runtime:
    """Everything that works on one data folder: store, model, sessions, dispatcher.

    `start` and `stop` run on one loop; `start_in_thread` and `stop_thread` bring a loop along.
    Starts once, and not after a stop; a second stop does nothing.
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
        self.model = Models(model_settings(settings))
        self.types = AgentTypes(settings.agent_modules)
        self.conversations = Conversations(self.store)
        self.sessions = Sessions(
            store=self.store,
            types=self.types,
            services=Services(
                self.model, self.conversations, per_session={Model: self.model.for_caller}
            ),
            schedule=schedule(settings),
            ledger=Ledger(
                day_tokens=settings.budget_day_tokens, day_cost_usd=settings.budget_day_cost_usd
            ),
            knows_route=self.model.knows,
        )
        self.watchdog = Watchdog()
        self.dispatcher: Dispatcher | None = None
        self.tracing: telemetry.Tracing | None = None
        self.loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._thread_turn = threading.Lock()
        self._stop_asked: Future[None] = Future()
        self._stopped = threading.Event()

    async def start(self) -> None:
        """Own the data folder, rebuild its sessions, take up its queue.

        Raises: StoreError, ModelConfigError, AgentTypeError; nothing is left running then.
        """
        sys.setswitchinterval(_SWITCH_INTERVAL_S)
        self.loop = asyncio.get_running_loop()
        self.types.take(self.types.read())
        await self.store.start()
        try:
            self.tracing = telemetry.start(version=VERSION, instance=self.start_id)
            await self.model.start()
            rebuilt = await self.sessions.recover(self.start_id)
            self.dispatcher = Dispatcher(
                context=Context(self.sessions, self.conversations, self.reload),
                table=self.store.queue,
                folder=self.store.folder.path,
                poll_s=self.settings.poll_s,
            )
            self.dispatcher.start()
            self.watchdog.start()
            # What was imported and built so far lives as long as the process: a full collection
            # that walks it would hold the loop for 50 ms and more.
            gc.collect()
            gc.freeze()
        except BaseException:
            await self.stop()
            raise
        _log.info(
            "worker started",
            start=self.start_id,
            data=str(self.store.folder.path),
            model=str(self.model.route),
            sessions_rebuilt=rebuilt,
        )

    async def stop(self) -> None:
        """No new ticks; those in flight end or are given up; what is acknowledged is on disk."""
        self.watchdog.stop()
        if self.dispatcher is not None:
            await self.dispatcher.stop()
        await self.sessions.stop(self.settings.stop_grace_s)
        await self.model.stop()
        await self.store.stop()
        if self.tracing is not None:
            await asyncio.to_thread(self.tracing.stop)

    async def reload(self) -> str:
        """Read settings, prompts and agent types again; the old stay where the new are invalid.

        Raises: ValueError saying what is invalid; nothing has changed then.
        """
        try:
            settings = load_settings(data=self.settings.data)
            types = await asyncio.to_thread(self.types.read, settings.agent_modules)
            await self.model.reload(model_settings(settings), refuse=self.sessions.without_routes)
        except ModelConfigError as error:
            raise ValueError(str(error)) from error
        changed = self.types.take(types)
        self.settings = settings
        self.store.keep_records_for(settings.record_days)
        self.sessions.reconfigure(schedule(settings))
        self.sessions.limit_day(settings.budget_day_tokens, settings.budget_day_cost_usd)
        await self.sessions.renew(changed)
        await self.sessions.revive()
        _log.info("environment reloaded", model=str(self.model.route), types=changed)
        return f"model {self.model.route}; agent types read anew: {', '.join(changed) or 'none'}"

    def health(self) -> Health:
        counts: dict[str, int] = {}
        for session in list(self.sessions.live.values()):
            counts[session.status.value] = counts.get(session.status.value, 0) + 1
        return Health(
            start_id=self.start_id,
            pid=os.getpid(),
            sessions=counts,
            model=str(self.model.route),
            demonstration=self.model.route.demonstration,
            loop_lag_p99_ms=round(self.watchdog.percentile_ms(0.99), 2),
            pending_rows=self.store.journal.pending,
            journal_commits=self.store.journal.commits,
            journal_rows=self.store.journal.rows,
            actions_handled=0 if self.dispatcher is None else self.dispatcher.handled,
        )

    def start_in_thread(self) -> None:
        """Start on a loop in a thread of its own; returns when it runs, or raises as start does.

        Raises RuntimeError at a second start, and at one after a stop.
        """
        started: Future[None] = Future()
        with self._thread_turn:
            if self._thread is not None or self._stop_asked.done():
                raise RuntimeError("the runtime was started twice or stopped; make a new one")
            self._thread = threading.Thread(
                target=lambda: asyncio.run(self._live(started)), name="agents", daemon=True
            )
            self._thread.start()
        started.result()

    def stop_thread(self) -> None:
        """Stop, from any other thread, also during the start; returns when all is on disk."""
        with self._thread_turn:
            if not self._stop_asked.done():
                self._stop_asked.set_result(None)
        if self._thread is not None:
            self._stopped.wait()
            self._thread.join(_THREAD_END_S)

    async def _live(self, started: "Future[None]") -> None:
        try:
            await self.start()
            started.set_result(None)
            await asyncio.wrap_future(self._stop_asked)
            await self.stop()
        except BaseException as error:
            if started.done():
                raise
            started.set_exception(error)  # raised where start_in_thread waits
        finally:
            self._stopped.set()


def schedule(settings: Settings) -> Schedule:
    return Schedule(
        heartbeat_s=settings.heartbeat_s,
        jitter=settings.jitter,
        tick_timeout_s=settings.tick_timeout_s,
        retry_wait_s=settings.retry_wait_s,
        retry_wait_max_s=settings.retry_wait_max_s,
        max_failures=settings.max_failures,
        stop_grace_s=settings.stop_grace_s,
    )


async def _work(settings: Settings) -> None:
    stop_asked = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop_asked.set)
    runtime = Runtime(settings)
    await runtime.start()
    await stop_asked.wait()
    _log.info("worker stopping")
    await runtime.stop()
    _log.info("worker stopped", start=runtime.start_id)
    if runtime.sessions.left_behind:
        # Everything is on disk, and the loop would wait for these ticks for ever.
        sys.stderr.flush()
        os._exit(0)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m agents", description="Run the worker alone.")
    parser.add_argument("--data", help="folder of the tables and the journal (REINS_DATA)")
    flags: dict[str, Any] = vars(parser.parse_args(arguments))
    try:
        settings = load_settings(**flags)
        logs.configure(settings.log_level, settings.log_format)
        asyncio.run(_work(settings))
    except FolderOwnedError as error:
        print(f"reins: {error}", file=sys.stderr)
        return EXIT_OWNED
    except (SettingsError, ModelConfigError, StoreError, ValueError) as error:
        print(f"reins: {error}", file=sys.stderr)
        return EXIT_UNUSABLE
    return 0


if __name__ == "__main__":
    sys.exit(main())
