"""The one bridge between web threads and the worker's loop.

Web threads reach the worker only through here: actions go into the queue, and values come back that
are safe to read from any thread. Without a worker in this process, tables and settings answer.
"""

import asyncio
import os
import threading
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, Protocol

from agent_core.agent.looping import LoopingAgentBase
from agent_core.agent.registry import AgentTypes
from agent_core.agent.working import WorkingAgentBase
from agent_core.budgets.usage import NOTHING
from agent_core.conversations.conversations import Conversations
from agent_core.fleet.fleet import Fleet
from agent_core.loop_monitor import LoopMonitor
from reins.bus.figures import TopicFigures
from reins.bus.topics import Topics
from reins.documents.following import DocumentFolders, WatchedFolder
from reins.llm import ModelError
from reins.plan_modules import PlanModules
from reins.settings import Settings
from reins.tools import Registry, Tool
from reins.tools.figures import ToolFigures
from reins.tools.from_settings import WorkerTools
from reins.tools.mcp.pins import Pins
from reins.tools.mcp.telling import told_without
from reins.tools.toolbox import Toolbox
from reins.web.figures import WorkerFigures, figures_of, moods_of
from reins.webhooks import config as webhooks_file
from reins.webhooks.calling import Webhooks, told_of
from reins.webhooks.sending import Sent
from store.queue import writer as queue_writer
from store.queue.writer import QueueWriter
from store.reading import Reader, reader
from store.store import Store

CHECK_S = 45.0
VECTOR_S = 2.0
"""Seconds after which the check of a route is given up."""


class Checked(Protocol):
    """Result of a check of one route."""

    @property
    def name(self) -> str: ...

    @property
    def ok(self) -> bool: ...

    @property
    def message(self) -> str: ...

    @property
    def latency_ms(self) -> float | None: ...


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """A route that did not even fail in time."""

    name: str
    ok: bool = False
    message: str = f"no answer within {CHECK_S:.0f} s; look at its address, or at the worker's log"
    latency_ms: float | None = None


class ModelsHere(Protocol):
    """The model layer of this process, as far as the web knows it."""

    def routes(self) -> Sequence[Any]: ...

    def knows(self, route: str) -> bool: ...

    def check(self, name: str | None = None) -> Coroutine[Any, Any, Sequence[Checked]]: ...

    @property
    def embeddings(self) -> str: ...

    def embed(self, texts: Sequence[str]) -> Coroutine[Any, Any, list[list[float]]]: ...


class WorkerHere(Protocol):
    """The worker of this process, as far as the web knows it."""

    start_id: str
    types: AgentTypes
    fleet: Fleet
    conversations: Conversations
    topics: Topics
    store: Store
    loop_monitor: LoopMonitor
    loop: asyncio.AbstractEventLoop | None
    toolbox: Toolbox
    tools: WorkerTools
    webhooks: Webhooks
    plans: PlanModules
    document_folders: DocumentFolders

    @property
    def model(self) -> ModelsHere: ...

    def health(self) -> Any: ...


class Bridge:
    """One data folder and, if it is in this process, its worker."""

    def __init__(self, settings: Settings, worker: WorkerHere | None) -> None:
        self.settings = settings
        self._worker = worker
        self.store: Reader = reader(settings.data)
        self._types: AgentTypes | None = None
        self._tools: Registry | None = None
        self._types_lock = threading.Lock()

    def enqueue(self, actions: Sequence[dict[str, Any]]) -> None:
        """Return once the actions are on disk, all in one commit. Raises: StoreError."""
        self.writer.append(*actions)

    def confirm(self, actions: Sequence[dict[str, Any]]) -> None:
        """Return once actions that are in the queue are on disk. Raises: StoreError."""
        self.writer.confirm(*actions)

    @property
    def writer(self) -> QueueWriter:
        """The writer that all threads of this process share."""
        return queue_writer.writer_at(self.store.folder.path)

    def agent_types(self) -> dict[str, type[LoopingAgentBase]]:
        """Agent types by name. Raises: AgentTypeError, where no worker here has read them."""
        if self._worker is not None:
            return self._worker.types.by_name
        with self._types_lock:
            if self._types is None:
                types = AgentTypes(self.settings.agent_modules)
                types.take(types.read())
                self._types = types
        return self._types.by_name

    def tools(self) -> Mapping[str, Tool]:
        """All tools by name. Raises: ToolModuleError, where no worker here has read them."""
        if self._worker is not None:
            return self._worker.toolbox.tools.tools
        with self._types_lock:
            if self._tools is None:
                self._tools = Registry.load(self.settings.tools)
        return self._tools.tools

    def tool_figures(self) -> Mapping[str, ToolFigures]:
        """The figures of each tool that was called, where the worker is here."""
        return {} if self._worker is None else dict(self._worker.toolbox.calls.figures)

    def mcp_servers(self) -> list[dict[str, Any]]:
        """All that is known of the MCP servers; where the worker is elsewhere, by file and pins.

        Raises: McpConfigError, PinError.
        """
        if self._worker is not None:
            return self._worker.tools.mcp.told()
        return told_without(self.settings)

    def webhooks(self) -> list[dict[str, Any]]:
        """The webhooks, without their secrets; where the worker is elsewhere, as the file has them.

        Raises: WebhookConfigError.
        """
        if self._worker is not None:
            return self._worker.webhooks.told()
        found = webhooks_file.read(self.settings.webhooks)
        return [told_of(name, each) for name, each in found.items()]

    def document_folders(self) -> list[WatchedFolder]:
        """The folders whose files are documents; without a worker here, as the settings say."""
        if self._worker is not None:
            return self._worker.document_folders.told()
        return [WatchedFolder(path) for path in self.settings.document_folders]

    def try_webhook(self, name: str) -> Sent:
        """Send a trial over a webhook of the worker here. Raises: KeyError, RuntimeError."""
        if self._worker is None or self._worker.loop is None:
            raise RuntimeError("no worker runs in this process; a webhook is tried where one does")
        trying = self._worker.webhooks.try_one(name)
        return asyncio.run_coroutine_threadsafe(trying, self._worker.loop).result()

    @property
    def pins(self) -> Pins:
        """The specs of tools of MCP servers that people have agreed to."""
        return Pins(self.store.folder.path)

    @property
    def has_worker(self) -> bool:
        """True where the worker runs in this process."""
        return self._worker is not None

    def worker_place(self) -> Literal["here", "elsewhere", "none"]:
        """The process in which the worker of this folder runs: this one, another, or none."""
        if self._worker is not None:
            return "here"
        return "none" if self.store.folder.owner_pid() is None else "elsewhere"

    def worker_health(self) -> dict[str, Any]:
        """The worker's description of itself; of a worker elsewhere, its `pid` alone."""
        if self._worker is None:
            return {"pid": self.store.folder.owner_pid()}
        return asdict(self._worker.health())

    def figures(self) -> WorkerFigures | None:
        """The figures of the worker here; None where it is elsewhere."""
        return None if self._worker is None else figures_of(self._worker, self.settings.poll_s)

    def moods(self) -> Mapping[str, int]:
        """The sessions in the worker here, by mood; empty where it is elsewhere."""
        return {} if self._worker is None else moods_of(self._worker)

    def worker_pid(self) -> int | None:
        """Process id of the worker on this folder, here or elsewhere; None if there is none."""
        return os.getpid() if self._worker is not None else self.store.folder.owner_pid()

    def session_now(self, session_id: str) -> dict[str, Any] | None:
        """The work of a session that lives here, at this moment; None for any other."""
        session = None if self._worker is None else self._worker.fleet.live.get(session_id)
        if session is None or session.status.ended:
            return None
        agent, scope = session.agent, session.scope
        began = _ago(time.perf_counter() - scope.began) if scope.ticking else None
        waits = agent.may_tick() and not scope.ticking
        due = _ago(time.monotonic() - agent.due_at) if waits and agent.due_at else None
        return {
            "ticking": scope.ticking,
            "tick_began_at": began,
            "next_tick_at": due,
            "failures": session.failures,
            "max_failures": session.schedule.max_failures,
        }

    def pieces(self, session_id: str) -> dict[str, int] | None:
        """The pieces of work that a session here does between its ticks, by name, with when each
        began in microseconds since 1970; None where the worker is elsewhere.
        """
        if self._worker is None:
            return None
        session = self._worker.fleet.live.get(session_id)
        agent = None if session is None else session.agent
        return dict(agent.work.since) if isinstance(agent, WorkingAgentBase) else {}

    @property
    def actions(self) -> Any:
        """The actions that plans may name, where the worker is here; None where it is not."""
        return None if self._worker is None else self._worker.plans.library.actions

    def own_plan(self, name: str) -> Any:
        """A plan of the user's modules, where the worker is here; None where it is not known."""
        actions = self.actions
        return None if actions is None else actions.plans.get(name)

    def on_commit(self, wake: Callable[[], object]) -> Callable[[], None]:
        """Call `wake`, from a thread, after each commit of a worker here; returns what ends it."""
        return (lambda: None) if self._worker is None else self._worker.store.journal.listen(wake)

    def topic_figures(self) -> Mapping[str, TopicFigures]:
        """The figures of topics, where the worker is here."""
        return {} if self._worker is None else self._worker.topics.figures()

    def topic_full(self, topic: str) -> str | None:
        """The reason for which a message would be rejected now, where the worker is here."""
        worker = self._worker
        if worker is None or worker.loop is None or topic not in worker.topics.rooms.full:
            return None
        asking = asyncio.run_coroutine_threadsafe(worker.topics.full(topic, 1), worker.loop)
        full = asking.result()
        return full.text if full is not None and full.when_full == "reject" else None

    def vector_of(self, text: str, route: str) -> Sequence[float] | None:
        """A text's vector by that route of embeddings; None where it is not the worker's, or does
        not answer within the time of a search.
        """
        worker = self._worker
        if worker is None or worker.loop is None or worker.model.embeddings != route:
            return None
        asking = asyncio.run_coroutine_threadsafe(worker.model.embed([text]), worker.loop)
        try:
            return asking.result(VECTOR_S)[0]
        except (ModelError, TimeoutError):
            asking.cancel()
            return None

    def composing(self, conversation_id: str) -> str | None:
        """The session that writes in a conversation, where the worker is here."""
        return (
            None if self._worker is None else self._worker.conversations.composing(conversation_id)
        )

    def writes(self, conversation_id: str) -> bool:
        """Hold the next turn of a conversation back: a person writes there. False where the worker
        is elsewhere.
        """
        if self._worker is None or self._worker.loop is None:
            return False
        self._worker.loop.call_soon_threadsafe(self._worker.conversations.writes, conversation_id)
        return True

    def on_composing(self, changed: Callable[[str], object]) -> Callable[[], None]:
        """Call `changed`, on the worker's loop, with each conversation where who composes has
        changed; returns what ends it. No row is written for that.
        """
        if self._worker is None:
            return lambda: None
        return self._worker.conversations.listen(changed)

    def on_typing(self, took: Callable[[Any, Any], object]) -> Callable[[], None]:
        """Call `took`, on the worker's loop, with each session and the pieces of its answers, and
        with None once its tick has ended; returns what ends it.
        """
        return (lambda: None) if self._worker is None else self._worker.fleet.listen_deltas(took)

    def account_of(self, agent_id: str) -> tuple[Mapping[str, Any], Mapping[str, Any]] | None:
        """Limits and spending of all sessions of an agent, where the worker is here."""
        if self._worker is None:
            return None
        ledger = self._worker.fleet.ledger
        total = ledger.agents.get(agent_id)
        return ledger.agent_limits(agent_id), NOTHING if total is None else total.sums()

    def account_of_tree(self, root: str) -> tuple[Mapping[str, Any], Mapping[str, Any]] | None:
        """Limits and spending of all sessions of a tree, where the worker is here."""
        if self._worker is None:
            return None
        ledger = self._worker.fleet.ledger
        total = ledger.trees.get(root)
        return ledger.tree_limits(root), NOTHING if total is None else total.sums()

    def spent_today(self) -> dict[str, Any] | None:
        """Spending of all sessions since midnight, UTC, where the worker is here."""
        if self._worker is None:
            return None
        today = f"{datetime.now(UTC):%Y-%m-%d}"
        return {"date": today, **self._worker.fleet.ledger.spent_on(today)}

    def routes(self) -> Sequence[Any]:
        """The routes of models as they are now, where the worker is here."""
        return () if self._worker is None else self._worker.model.routes()

    def knows_route(self, name: str) -> bool:
        """True if a session may name that route; a worker elsewhere decides for itself."""
        return self._worker is None or self._worker.model.knows(name)

    def check_route(self, name: str) -> Checked:
        """Try a route of the worker here; returns what came of it, at the latest after `CHECK_S`.

        Raises: RuntimeError, where no worker runs here.
        """
        if self._worker is None or self._worker.loop is None:
            raise RuntimeError("no worker runs in this process; a route is tried where one does")
        trying = asyncio.run_coroutine_threadsafe(self._worker.model.check(name), self._worker.loop)
        try:
            [found] = trying.result(CHECK_S)
        except TimeoutError:
            trying.cancel()
            return NoAnswer(name)
        return found


def _ago(seconds: float) -> str:
    return (datetime.now(UTC) - timedelta(seconds=seconds)).isoformat(timespec="microseconds")
