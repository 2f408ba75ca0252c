"""Figures of the worker in this process, read at one moment and handed to the web as one value."""

import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from agent_core.inbox.inbox import Figures
from agent_core.session.mood import mood_of
from agent_core.session.work import left_behind
from reins.search.index import behind
from reins.search.segments import cache_bytes


@dataclass(frozen=True, slots=True)
class WorkerFigures:
    """Counts are since the worker's start, but `ticks` and `tick_s`: those of all on record."""

    start_id: str
    model: str
    demonstration: bool
    sessions: Mapping[str, int]
    actions_handled: int
    confinement: Mapping[str, Any] | None
    """The confinement of tools' commands: kind, confined, detail."""
    mirror: Mapping[str, Any] | None
    """How far the mirror is behind: lag_rows, lag_s, puts, failures, error."""
    ticks: float
    tick_s: float
    waiting: Mapping[str, int]
    """Sessions that wait, by what for."""
    inbox: Figures
    """The figures of the inbox: open items by kind, the oldest one's age, decisions, rules."""
    loop_lag_ms: float
    loop_lag_p50_ms: float
    loop_lag_p99_ms: float
    pending_rows: int
    commits: int
    rows: int
    commit_ms: float | None
    rows_per_commit: float | None
    compacted_at: Mapping[str, datetime]
    checked_bytes: int
    checkable_bytes: int
    changed_files: tuple[str, ...]
    commit_error: str | None
    commit_failures: int
    flush_error: str | None
    flush_failures: int
    mark_error: str | None
    mark_failures: int
    pieces: int
    """Pieces of work between ticks that run now."""
    plan_tasks: Mapping[str, int]
    """Ends of tasks of plans since the start, by outcome."""
    left_behind: int
    """Pieces and threads that nobody waits for any more, and that run on."""
    committed_at: float | None
    flushed_at: float | None
    marked_at: float | None
    """Unix times of the newest that succeeded."""
    search_behind: Mapping[str, int]
    """Rows that the index of the search has not come to, by its part."""
    search_cache_bytes: int
    facts: int
    facts_bytes: int
    ended: tuple[str, ...]
    """Loops of the worker that do not run any more, though it does."""
    poll_age_s: float
    """Seconds since the newest poll of the queue that succeeded."""
    poll_s: float
    """Seconds between two polls, as set."""


def figures_of(worker: Any, poll_s: float) -> WorkerFigures:
    """Read the figures of a `WorkerHere`; every value is safe to read from any thread."""
    health, monitor, journal = worker.health(), worker.loop_monitor, worker.store.journal
    medians = journal.medians() or (None, None)
    # The list is made at once, while the worker's loop may add agents.
    usages = [each.sums() for each in list(worker.fleet.ledger.agents.values())]
    dispatcher, checking = worker.dispatcher, worker.store.checking
    return WorkerFigures(
        start_id=worker.start_id,
        model=health.model,
        demonstration=health.demonstration,
        sessions=health.sessions,
        actions_handled=health.actions_handled,
        confinement=health.confinement,
        mirror=health.mirror,
        ticks=sum(usage["ticks"] for usage in usages),
        tick_s=sum(usage["wall_s"] for usage in usages),
        waiting=_waiting(list(worker.fleet.live.values())),
        inbox=worker.fleet.inbox.figures(),
        loop_lag_ms=(list(monitor.lags_ms)[-1:] or [0.0])[0],
        loop_lag_p50_ms=monitor.percentile_ms(0.5),
        loop_lag_p99_ms=monitor.percentile_ms(0.99),
        pending_rows=journal.pending,
        search_behind=behind(worker.store.folder),
        search_cache_bytes=cache_bytes(),
        facts=worker.facts.figures().facts,
        facts_bytes=worker.facts.figures().size_bytes,
        commits=journal.commits,
        rows=journal.rows,
        commit_ms=medians[0],
        rows_per_commit=medians[1],
        compacted_at=worker.store.compacted_at,
        checked_bytes=0 if checking is None else checking.done_bytes,
        checkable_bytes=0 if checking is None else checking.total_bytes,
        changed_files=() if checking is None else tuple(map(str, checking.changed)),
        commit_error=journal.last_error,
        commit_failures=journal.failures,
        flush_error=worker.store.flush_error,
        flush_failures=worker.store.flush_failures,
        mark_error=None if dispatcher is None else dispatcher.mark_error,
        mark_failures=0 if dispatcher is None else dispatcher.mark_failures,
        pieces=sum(session.scope.pieces for session in list(worker.fleet.live.values())),
        plan_tasks=dict(worker.plans.ended),
        left_behind=left_behind() + worker.plans.left_behind,
        committed_at=journal.committed_at,
        flushed_at=worker.store.flushed_at,
        marked_at=None if dispatcher is None else dispatcher.marked_at,
        ended=_ended(worker),
        poll_age_s=0.0 if dispatcher is None else time.monotonic() - dispatcher.polled_at,
        poll_s=poll_s,
    )


def moods_of(worker: Any) -> dict[str, int]:
    """The sessions in the worker, by mood; not for every look, since each is asked."""
    return Counter(mood_of(each.snapshot()) for each in list(worker.fleet.live.values()))


def _waiting(sessions: Iterable[Any]) -> dict[str, int]:
    found = {"model": 0, "budget": 0, "approval": 0, "question": 0}
    for session in sessions:
        if session.held is not None:
            found["budget"] += 1
        elif (waits := session.waits) is not None:
            found[waits.kind] = found.get(waits.kind, 0) + 1
        elif (asks := session.inbox.waits(session.session_id)) is not None:
            found[asks["kind"]] += 1
    return found


def _ended(worker: Any) -> tuple[str, ...]:
    loop, dispatcher = worker.loop, worker.dispatcher
    loops = [] if loop is None or not loop.is_closed() else ["agents' loop"]
    if dispatcher is not None:  # it has started
        expiry = worker.fleet.inbox.expiry
        loops += [*dispatcher.ended, *([] if expiry.running else [expiry.name])]
    return (*loops, *worker.store.ended)
