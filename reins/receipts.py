"""Receipts: what became of an action, from any process with the same data folder."""

import asyncio
import time
from collections.abc import Collection
from pathlib import Path
from typing import Any

from agent_core.actions.action import processed
from reins.understood import understood
from store.folder import DataFolder
from store.id_forms import in_either_form
from store.lance.tables import quoted
from store.queue import reading as queue_reading
from store.queue import table as queue
from store.queue import writer as queue_writer
from store.reading import reader

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.001, 0.1


def action_receipt(action_id: str) -> dict[str, Any]:
    """The receipt of an action: processed, outcome, error, applied_seq, times, and `understood`,
    the line that says what guidance has changed.

    `outcome` is `queued` until the worker has `applied` or `rejected` it. Raises: KeyError.
    """
    known = isinstance(action_id, str) and action_id.isprintable()
    row = in_either_form(action_id, find_action) if known else None
    if row is None:
        raise KeyError(
            f"no action {action_id!r} in {data_folder().path}; check the id and REINS_DATA"
        )
    kept = ("action_id", "type", "agent_id", "session_id", "actor", "processed", "error")
    return {
        **{name: row[name] for name in kept},
        "outcome": row["outcome"] or "queued",
        "applied_seq": row["applied_seq"],
        "understood": understood(row, reader())[0],
        "created_at": row["created_at"],
        "processed_at": row["processed_at"],
    }


def wait_for_action(action_id: str, timeout_s: float = 30) -> dict[str, Any]:
    """The receipt, once the action is processed. Raises: TimeoutError, KeyError."""
    deadline = time.monotonic() + timeout_s
    pause_s = _FIRST_PAUSE_S
    while not (receipt := action_receipt(action_id))["processed"]:
        if time.monotonic() >= deadline:
            raise TimeoutError(
                f"action {action_id} ({receipt['type']}) is still queued after {timeout_s:g} s; "
                f"is a worker running on {data_folder().path}? Start one with: python -m agents"
            )
        time.sleep(min(pause_s, max(0.0, deadline - time.monotonic())))
        pause_s = min(pause_s * 1.5, _LONGEST_PAUSE_S)
    return receipt


async def poll_lancedb_for_actions(
    async_tbl: Any, limit: int = 10_000, but: Collection[str] = ()
) -> list[dict[str, Any]]:
    """Actions not yet processed, `but` those ids, the most urgent first, then in their order."""
    folder = await _folder_of(async_tbl)
    rows = await queue_reading.unprocessed(folder, async_tbl, but)
    return sorted(rows, key=lambda row: -(row["urgency"] or 0))[:limit]


async def mark_action_processed_async(
    async_tbl: Any,
    action_id: str,
    *,
    outcome: str = "applied",
    error: str | None = None,
    applied_seq: int | None = None,
) -> None:
    """Record what became of one action. The worker marks many at once."""

    def done(row: dict[str, Any]) -> dict[str, Any]:
        return processed(row, outcome=outcome, error=error, applied_seq=applied_seq)

    folder = await _folder_of(async_tbl)
    if await asyncio.to_thread(queue_writer.mark_of_id, folder, action_id, done):
        return
    rows = await async_tbl.query().where(f"action_id = {quoted(action_id)}").to_list()
    if rows:
        await queue.mark(async_tbl, [done(rows[0])])


async def _folder_of(async_tbl: Any) -> DataFolder:
    return reader(Path(await async_tbl.uri()).parent).folder


def find_action(action_id: str) -> dict[str, Any] | None:
    """The row of an action in the queue; None if there is none."""
    return queue_reading.find(reader(), action_id)


def data_folder() -> DataFolder:
    """The data folder that the settings name."""
    return reader().folder
