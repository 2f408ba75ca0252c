"""How the service is: health, load, tables."""

import os
import resource
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from reins.web.api.context import Parts, parts
from reins.web.bridge import WorkerHere
from reins.web.http.openapi import group
from reins.web.views.rows import Wire
from store import queue_reading
from store.times import iso

api = group("system", "system")


class Health(Wire):
    """That it answers; `worker` holds its `pid`, and what it says of itself where it is here."""

    status: Literal["ok"]
    data: str
    worker: dict[str, Any]


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


class System(Wire):
    """The service at a glance; what only the worker knows is null where it is another process."""

    now: str
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


@api.get("/api/health", responses={200: Health})
def get_health() -> dict[str, Any]:
    """Whether the service answers, and who works on its data folder."""
    bridge = parts().bridge
    folder = bridge.store.folder
    here = None if bridge.worker is None else asdict(bridge.worker.health())
    worker = {"pid": folder.owner_pid()} if here is None else here
    return {"status": "ok", "data": str(folder.path), "worker": worker}


@api.get("/api/system", responses={200: System})
def get_system() -> dict[str, Any]:
    """The service at a glance."""
    here = parts()
    bridge, worker = here.bridge, here.bridge.worker
    worker_pid = bridge.worker_pid()
    elsewhere = "none" if worker_pid is None else "elsewhere"
    return {
        "now": datetime.now(UTC).isoformat(timespec="microseconds"),
        "data": str(bridge.store.folder.path),
        "pid": os.getpid(),
        "start_id": None if worker is None else worker.start_id,
        "worker": elsewhere if worker is None else "here",
        "worker_pid": worker_pid,
        **_of_worker(worker),
        "queue": {
            "depth": queue_reading.depth(bridge.store),
            "handled": None if worker is None else worker.health().actions_handled,
        },
        "sessions": here.current().counts(),
        "memory_bytes": _memory_bytes(),
        "clients": here.live.clients(),
        "tables": _tables(here),
    }


def _of_worker(worker: WorkerHere | None) -> dict[str, Any]:
    if worker is None:
        return {"model": None, "loop": None, "journal": None}
    health, monitor, journal = worker.health(), worker.loop_monitor, worker.store.journal
    newest = list(monitor.lags_ms)[-1:] or [0.0]
    medians = journal.medians()
    return {
        "model": {"route": health.model, "demonstration": health.demonstration},
        "loop": {
            "lag_ms": round(newest[0], 3),
            "lag_p50_ms": round(monitor.percentile_ms(0.5), 3),
            "lag_p99_ms": round(monitor.percentile_ms(0.99), 3),
        },
        "journal": {
            "pending_rows": journal.pending,
            "commits": journal.commits,
            "rows": journal.rows,
            "commit_ms": None if medians is None else round(medians[0], 3),
            "rows_per_commit": None if medians is None else medians[1],
        },
    }


def _tables(here: Parts) -> list[dict[str, Any]]:
    worker = here.bridge.worker
    compacted = {} if worker is None else worker.store.compacted_at
    return [
        {
            "name": each.name,
            "rows": each.rows,
            "size_bytes": each.size_bytes,
            "compacted_at": iso(compacted.get(each.name)),
        }
        for each in here.sizes.current(here.bridge.store)
    ]


def _memory_bytes() -> int:
    """Memory of this process that is resident; where that is not told, its peak."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024
    return pages * resource.getpagesize()
