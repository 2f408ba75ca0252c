"""A conversation of 100,000 messages in a table of a million: what a tick and a page read."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import orjson

import queue_imp
from agent_core.conversations.conversation import Conversation
from agent_core.conversations.conversations import Conversations
from agents_impl.persona.context import gather
from bench.free_persona import FreeModel
from bench.measure import disk_bytes, rss_mib, runtime_on, spread, until
from store import messages
from store.conversations import MAX_CEILING
from store.journal.file import Record
from store.lance.compaction import IDLE_S
from store.reading import Reader
from store.store import Store

_LONG = "long"
_OTHERS = 900
_PEOPLE_SPEAK_EACH = 7
_APPENDED_AT_ONCE = 4_000
_TEXT = "What somebody says in a conversation, about as long as one to three sentences are. "
_READS = 100
_COLD_READS = 30


async def run(data: Path, *, length: int, total: int, rest_s: float = 2 * IDLE_S) -> dict[str, Any]:
    """Milliseconds of each read, by the worker that holds the table and by one that just came."""
    async with runtime_on(data) as runtime:
        await asyncio.to_thread(queue_imp.conversation_create, _LONG, "bench")
        written_s = await _write(runtime.store, length, total)
        await asyncio.sleep(rest_s)
        store = runtime.store
        live = runtime.conversations.get(_LONG)
        await live.load()
        reads = {
            "worker_tick_warm": await _timed(lambda: _tick(live)),
            "worker_tick_summary_due": await _timed(lambda: _tick(live, 20_000), _COLD_READS),
            "worker_load_cold": await _timed(lambda: _loaded(store), _COLD_READS),
            "worker_post": await _timed(lambda: _post(live), _COLD_READS),
        }
        # Posted just now, so not all of it is in the table's indices.
        reads |= {f"{name}_unflushed": ms for name, ms in (await _plain(store, length)).items()}
    async with runtime_on(data) as runtime:
        await until(lambda: runtime.store.journal.pending == 0)
        await asyncio.sleep(rest_s)
        reads |= {"restarted_load": await _timed(lambda: _loaded(runtime.store), _COLD_READS)}
        reads |= await _plain(runtime.store, length)
        memory = rss_mib()
    return {
        "messages": length,
        "of": total,
        "written_s": round(written_s, 1),
        "disk_mib": round(disk_bytes(data) / 2**20),
        "rss_mib": memory,
        "read_ms": reads,
    }


async def _write(store: Store, length: int, total: int) -> float:
    """All through the journal, as if it had been said; the long one's between the others'."""
    started = time.monotonic()
    numbers: dict[str, int] = {}
    chance = random.Random(1)
    left = {_LONG: length, "": total - length}
    while any(left.values()):
        records = []
        for _ in range(min(_APPENDED_AT_ONCE, sum(left.values()))):
            long = chance.randrange(sum(left.values())) < left[_LONG]
            left[_LONG if long else ""] -= 1
            name = _LONG if long else f"other-{chance.randrange(_OTHERS)}"
            numbers[name] = numbers.get(name, 0) + 1
            records.append(_message(name, numbers[name]))
        await store.journal.append(*records)
    await until(lambda: store.journal.pending == 0)
    return time.monotonic() - started


def _message(name: str, number: int) -> Record:
    agent = None if number % _PEOPLE_SPEAK_EACH == 1 else f"{name}-persona-{number % 5}"
    row = {
        "message_id": f"msg_{name}_{number}",
        "conversation_id": name,
        "number": number,
        "author": agent or "ann",
        "agent_id": agent,
        "session_id": agent,
        "text": f"{number}: {_TEXT}",
        "metadata": None if agent is None else '{"tone":"dry","tick":1}',
        "created_at": 1_700_000_000_000_000 + number,
    }
    return Record("messages", orjson.dumps(row))


async def _tick(conversation: Conversation, budget_tokens: int = 2_000) -> None:
    """Read as a tick does: look for news, gather the context."""
    await conversation.load()
    conversation.held(conversation.newest - 1)
    await gather(
        conversation, FreeModel(), me="somebody", budget_tokens=budget_tokens, about="",
        instructions=[], summary=None,
    )  # fmt: skip


async def _loaded(store: Store) -> None:
    """The first read after a restart."""
    await Conversations(store).get(_LONG).load()


async def _post(conversation: Conversation) -> None:
    await conversation.post(f"act-{time.time_ns()}", "ann", "And you?")


async def _plain(store: Store, length: int) -> dict[str, dict[str, float]]:
    reader: Reader = store.reader
    chance = random.Random(2)

    def page() -> object:
        return messages.list_messages(_LONG, chance.randrange(length), 100, store=reader)

    reads: dict[str, Callable[[], object]] = {
        "list_messages_100": page,
        "last_messages_100": lambda: messages.last_messages(_LONG, 100, store=reader),
        "last_number": lambda: messages.last_number(_LONG, store=reader),
        "last_of_people": lambda: messages.last_of_people(
            _LONG, length - MAX_CEILING, store=reader
        ),
        "get_message": lambda: messages.get_message(f"msg_{_LONG}_{length // 2}", store=reader),
        "get_message_unknown": lambda: messages.get_message("act_unknown", store=reader),
    }
    return {
        name: await _timed(lambda read=read: asyncio.to_thread(read))
        for name, read in reads.items()
    }


async def _timed(work: Callable[[], Awaitable[object]], times: int = _READS) -> dict[str, float]:
    took_ms = []
    for _ in range(times):
        started = time.perf_counter()
        await work()
        took_ms.append((time.perf_counter() - started) * 1_000)
    return spread(took_ms)
