"""Questions about facts: neighbours and paths over many, in the worker and from another reader."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import queue_imp
from bench.measure import disk_bytes, rss_mib, runtime_on, spread
from reins.facts import asking
from reins.facts.fact import Moment, Op, asserted
from reins.facts.facts import Facts
from reins.facts.rows import SHARED
from store.times import now_us

_SEED = 19
_BATCH = 2_000
_RELATIONS = 20
_SOURCES = 500
_STEPS = 6
_TRIES = 200
"""Pairs that are looked at for each whose chain has six facts."""


async def run(data: Path, *, facts: int, entities: int, questions: int) -> dict[str, Any]:
    """Milliseconds of each question, one after the other, over `facts` facts that all share."""
    chance = random.Random(_SEED)
    async with runtime_on(data, search="off") as runtime:
        began = time.perf_counter()
        await _write(runtime.facts, chance, facts, entities)
        written_s = time.perf_counter() - began
    before_mib = rss_mib()
    async with runtime_on(data, search="off") as runtime:
        began = time.perf_counter()
        await runtime.facts.view(SHARED)
        read_s = time.perf_counter() - began
        memory_mib = rss_mib() - before_mib
        names = [_name(chance.randrange(entities)) for _ in range(questions)]
        pairs = await _far_pairs(runtime.facts, chance, entities, questions)
        worker = {
            "neighbours_ms": await _timed(names, lambda name: _neighbours(runtime.facts, name)),
            "path_ms": await _timed(pairs, lambda pair: _path(runtime.facts, *pair)),
        }
        reader = await _timed(
            [names[0], *names], lambda name: asyncio.to_thread(queue_imp.fact_neighbours, name)
        )
    return {
        "facts": facts,
        "entities": entities,
        "paths": len(pairs),
        "written_per_s": round(facts / written_s),
        "read_s": round(read_s, 2),
        "memory_mib": round(memory_mib, 1),
        "disk_bytes_a_fact": round(disk_bytes(data) / facts),
        **{name: spread(took) for name, took in worker.items()},
        "reader_ms": spread(reader[1:]),
    }


def _name(number: int) -> str:
    return f"entity {number}"


async def _write(facts: Facts, chance: random.Random, count: int, entities: int) -> None:
    at = now_us() - count
    for first in range(0, count, _BATCH):
        ops = [_fact(chance, n, at + n, entities) for n in range(first, min(count, first + _BATCH))]
        await facts.commit({SHARED: ops})


def _fact(chance: random.Random, number: int, at: int, entities: int) -> Op:
    subject, other = (_name(chance.randrange(entities)) for _ in range(2))
    relation, source = f"relation {number % _RELATIONS}", f"document {number % _SOURCES}"
    return asserted(f"{number:032x}", at, subject, relation, other, source=source, scope="shared")


async def _far_pairs(
    facts: Facts, chance: random.Random, entities: int, wanted: int
) -> list[tuple[str, str]]:
    """Pairs whose shortest chain has six facts, as far as there are such."""
    found: list[tuple[str, str]] = []
    for _ in range(wanted * _TRIES):
        pair = _name(chance.randrange(entities)), _name(chance.randrange(entities))
        try:
            chain = await _path(facts, *pair)
        except ValueError:  # one of them is in no fact
            continue
        if chain is not None and len(chain["facts"]) == _STEPS:
            found.append(pair)
            if len(found) == wanted:
                break
    return found


async def _neighbours(facts: Facts, name: str) -> list[dict[str, Any]]:
    return asking.neighbours((await facts.view(SHARED)).at(Moment(now_us())), name, None)


async def _path(facts: Facts, start: str, goal: str) -> dict[str, Any] | None:
    seen = (await facts.view(SHARED)).at(Moment(now_us()))
    return asking.path_between(seen, start, goal, _STEPS)


async def _timed(asked: list[Any], ask: Callable[[Any], Awaitable[Any]]) -> list[float]:
    took: list[float] = []
    for each in asked:
        began = time.perf_counter()
        try:
            await ask(each)
        except ValueError:  # a name that is in no fact
            continue
        took.append((time.perf_counter() - began) * 1_000)
    return took
