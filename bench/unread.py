"""A start after kill -9 with many messages that no subscriber has read."""

import asyncio
import json
from pathlib import Path
from typing import Any

import queue_imp
from bench.free_subscriber import draft
from bench.measure import runtime_on, spread
from bench.starts import first_ticks, worker
from store.agent_state import list_agent_states

_AT_ONCE = 100
_TOPIC = "bench.all"


async def run(
    data: Path, *, subscribers: int, messages: int, starts: int, settle_s: float
) -> dict[str, Any]:
    """Seconds to ready and to all first ticks; and how many each had unread, at least.

    Each start is killed after so many seconds, in which they have not read all.
    """
    async with runtime_on(data) as runtime:
        for first in range(0, messages, _AT_ONCE):
            many = min(_AT_ONCE, messages - first)
            await runtime.topics.add(_TOPIC, [draft() for _ in range(many)])
    await asyncio.to_thread(_ask_for, subscribers)
    await _killed(subscribers, settle_s)  # it makes the subscribers, and begins
    found = [await _killed(subscribers, settle_s) for _ in range(starts)]
    return {
        "subscribers": subscribers,
        "messages": messages,
        "unread": messages - max(each["read_before"] for each in found),
        "ready_s": spread([each["ready_s"] for each in found]),
        "all_reading_s": spread([each["all_reading_s"] for each in found]),
    }


def _ask_for(subscribers: int) -> None:
    config = {"on": [f"topic:{_TOPIC}"], "since": "all", "heartbeat_s": 60.0}
    entries = [
        {"agent_id": f"agent-{n}", "agent_type": "free_subscriber", "config": config}
        for n in range(subscribers)
    ]
    queue_imp.agents_create(entries, "bench")


async def _killed(subscribers: int, settle_s: float) -> dict[str, float]:
    before = {each["session_id"]: each for each in await asyncio.to_thread(list_agent_states)}
    async with worker() as started:
        await asyncio.sleep(settle_s)
    if not before:
        return {}
    assert len(before) == subscribers, f"{len(before)} of {subscribers} were there"
    ticks = await asyncio.to_thread(first_ticks, before)
    return {
        "read_before": max(map(_read, before.values())),
        "ready_s": started.ready_s,
        "all_reading_s": max(ticks) - started.at,
    }


def _read(state: dict[str, Any]) -> int:
    return int(json.loads(state["context"])["cursors"].get(_TOPIC, 0))
