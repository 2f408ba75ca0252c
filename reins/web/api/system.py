"""How the service is: health, load, tables."""

import os
import resource
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from agent_core.actions.actors import RESERVED
from reins.names.folding import name_key
from reins.names.system_user import user_name
from reins.settings import Settings
from reins.tools.mcp.config import McpConfigError
from reins.tools.mcp.pins import PinError
from reins.web.api.context import ApiContext, api_context
from reins.web.bridge import Bridge
from reins.web.figures import WorkerFigures
from reins.web.hosts import is_loopback
from reins.web.http.openapi import group
from reins.web.http.problem import RequestRefusedError, refusals
from reins.web.readiness import reasons
from reins.web.views.rows import Wire
from store.queue import reading as queue_reading
from store.times import iso

_RETRY_S = 5

api = group("system", "system")


class Health(Wire):
    """The state of the service; `reasons` says what is wrong where it is `degraded`.

    `worker` holds the worker's `pid`, and its description of itself where it is in this process.
    """

    status: Literal["ok", "degraded"]
    reasons: list[str]
    data: str
    worker: dict[str, Any]


class Alive(Wire):
    status: Literal["live"]


class Ready(Wire):
    status: Literal["ready"]


class ModelNow(Wire):
    route: str
    demonstration: bool


class LoopNow(Wire):
    """How late the agents' loop was: the newest sample, and percentiles of ten minutes."""

    lag_ms: float
    lag_p50_ms: float
    lag_p99_ms: float


class JournalNow(Wire):
    """Rows not yet flushed; counts since the start; medians of the newest commits."""

    pending_rows: int
    commits: int
    rows: int
    commit_ms: float | None
    rows_per_commit: float | None


class QueueNow(Wire):
    """Actions not yet processed, and those that this worker has marked since its start."""

    depth: int
    handled: int | None


class ClientsNow(Wire):
    sockets: int
    streams: int
    lagging: int


class TableNow(Wire):
    """A table's rows and size on disk, at most ten seconds old.

    `compacted_at`: its newest compaction by this process, null before the first.
    """

    name: str
    rows: int
    size_bytes: int
    compacted_at: str | None


class FilesNow(Wire):
    """The files of the tables, read again in the background and compared with their checksums.

    `changed` names those that are not as they were written, with the numbers of their rows.
    """

    checked_bytes: int
    total_bytes: int
    changed: list[str]


class ConfinementNow(Wire):
    """The confinement of the commands of tools.

    `kind`: bubblewrap, landlock, seatbelt, unconfined, or none, where commands are refused.
    """

    kind: str
    confined: bool
    detail: str


class McpServerNow(Wire):
    """An MCP server in short: how many tools agents have of it, how many specs wait for a person.

    `fault` is the newest; see GET /api/mcp/servers.
    """

    name: str
    transport: Literal["stdio", "http"]
    sandbox: bool
    state: str
    tools: int
    offered: int
    fault: str | None


class System(Wire):
    """The service at a glance; what only the worker knows is null where it is another process.

    `reasons` are those of GET /api/health. `actor` is the name that whoever acts is offered.
    """

    now: str
    reasons: list[str]
    data: str
    pid: int
    start_id: str | None
    worker: Literal["here", "elsewhere", "none"]
    worker_pid: int | None
    model: ModelNow | None
    loop: LoopNow | None
    journal: JournalNow | None
    queue: QueueNow
    sessions: dict[str, int]
    memory_bytes: int
    clients: ClientsNow
    tables: list[TableNow]
    files: FilesNow | None
    confinement: ConfinementNow | None
    mcp: list[McpServerNow] | None
    actor: str | None


@api.get("/health/live", responses={200: Alive})
def get_live() -> dict[str, Any]:
    """The process lives and answers. Takes no token."""
    return {"status": "live"}


@api.get("/health/ready", responses={200: Ready, **refusals(503)})
def get_ready() -> dict[str, Any]:
    """An action would be taken up, and a row be written now; else 503 says why not. No token."""
    found = reasons(api_context().bridge)
    if found:
        raise RequestRefusedError(
            503, f"not ready: {', '.join(found)}; see GET /api/health", retry_after_s=_RETRY_S
        )
    return {"status": "ready"}


@api.get("/api/health", responses={200: Health})
def get_health() -> dict[str, Any]:
    """The state of the service, and the worker of its data folder."""
    bridge = api_context().bridge
    found = reasons(bridge)
    return {
        "status": "degraded" if found else "ok",
        "reasons": list(found.values()),
        "data": str(bridge.store.folder.path),
        "worker": bridge.worker_health(),
    }


@api.get("/api/system", responses={200: System})
def get_system() -> dict[str, Any]:
    """The service at a glance."""
    context = api_context()
    bridge, figures = context.bridge, context.bridge.figures()
    return {
        "now": datetime.now(UTC).isoformat(timespec="microseconds"),
        "reasons": list(reasons(bridge).values()),
        "data": str(bridge.store.folder.path),
        "pid": os.getpid(),
        "start_id": None if figures is None else figures.start_id,
        "worker": bridge.worker_place(),
        "worker_pid": bridge.worker_pid(),
        **_of_worker(figures),
        "queue": {
            "depth": queue_reading.depth(bridge.store),
            "handled": None if figures is None else figures.actions_handled,
        },
        "sessions": context.current().counts(),
        "memory_bytes": _memory_bytes(),
        "clients": context.live.clients(),
        "mcp": _mcp(bridge),
        "actor": _actor(bridge.settings),
        "tables": _tables(context, {} if figures is None else figures.compacted_at),
    }


def _of_worker(figures: WorkerFigures | None) -> dict[str, Any]:
    if figures is None:
        unknown = ("model", "loop", "journal", "files", "confinement")
        return dict.fromkeys(unknown)
    return {
        "model": {"route": figures.model, "demonstration": figures.demonstration},
        "loop": {
            "lag_ms": round(figures.loop_lag_ms, 3),
            "lag_p50_ms": round(figures.loop_lag_p50_ms, 3),
            "lag_p99_ms": round(figures.loop_lag_p99_ms, 3),
        },
        "journal": {
            "pending_rows": figures.pending_rows,
            "commits": figures.commits,
            "rows": figures.rows,
            "commit_ms": None if figures.commit_ms is None else round(figures.commit_ms, 3),
            "rows_per_commit": figures.rows_per_commit,
        },
        "confinement": figures.confinement,
        "files": {
            "checked_bytes": figures.checked_bytes,
            "total_bytes": figures.checkable_bytes,
            "changed": list(figures.changed_files),
        },
    }


def _actor(settings: Settings) -> str | None:
    """The system's user stands for whoever acts where nobody else reaches this address."""
    if settings.actor is not None:
        return settings.actor
    name = user_name("") if is_loopback(settings.host) else ""
    return None if name_key(name) in {"", *RESERVED} else name


def _mcp(bridge: Bridge) -> list[dict[str, Any]] | None:
    """None where file or pins cannot be read: GET /api/mcp/servers says why."""
    try:
        found = bridge.mcp_servers()
    except (McpConfigError, PinError):
        return None
    return [
        {name: each[name] for name in ("name", "transport", "sandbox", "state")}
        | {"tools": len(each["tools"]), "offered": len(each["offered"])}
        | {"fault": each["faults"][-1]["text"] if each["faults"] else None}
        for each in found
    ]


def _tables(context: ApiContext, compacted_at: Mapping[str, datetime]) -> list[dict[str, Any]]:
    return [
        {
            "name": each.name,
            "rows": each.rows,
            "size_bytes": each.size_bytes,
            "compacted_at": iso(compacted_at.get(each.name)),
        }
        for each in context.sizes.current(context.bridge.store)
    ]


def _memory_bytes() -> int:
    """Memory of this process that is resident; where that is not told, its peak."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024
    return pages * resource.getpagesize()
