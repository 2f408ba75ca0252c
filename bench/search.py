"""Search over many rows while sessions tick: its time, how soon a row is found, what ticks pay."""

import asyncio
import random
import time
from collections import deque
from pathlib import Path
from statistics import median
from typing import Any, Literal

import queue_imp
from bench import work
from bench.measure import (
    LagProbe,
    Probe,
    create_fleet,
    disk_bytes,
    rss_mib,
    runtime_on,
    spread,
    total_ticks,
    until,
)
from reins.search.index import VECTORS, WORDS, behind
from reins.search.segments import read_note
from store.folder import DataFolder

_HEARTBEAT_S = 3.0
_BEHIND = 0.002
"""Share of the rows that may be missing in an index that counts as there, while a fleet ticks."""
_WARM = 5
"""Searches that are not counted: the first open the tables."""
_LIMIT_S = 1_800.0


async def run(
    data: Path, *, sessions: int, rows: int, searches: int, per_s: float, seconds: float, pairs: int
) -> dict[str, Any]:
    """Figures over `rows` rows while `sessions` tick; and of ticks flat out, off and on."""
    large = data / "large"
    async with runtime_on(large, search="off") as runtime:
        config = {"burst": max(1, rows // sessions)}
        await create_fleet(runtime, sessions, _HEARTBEAT_S, config=config)
        await until(lambda: total_ticks(runtime) >= rows - sessions, _LIMIT_S)
    before_mib = rss_mib()
    async with runtime_on(large, search="meaning"):
        parts = (WORDS, VECTORS)
        caught_up = {part: await _caught_up(DataFolder(large), part, rows) for part in parts}
        with LagProbe() as probe, Ages(DataFolder(large)) as ages:
            took = {name: await _searched(name, sessions, searches, per_s) for name in _QUERIES}
        memory_mib = rss_mib() - before_mib
    return {
        "sessions": sessions,
        "rows": rows,
        "caught_up_rows_per_s": {part: round(rows / each) for part, each in caught_up.items()},
        **{f"{name}_ms": spread(each) for name, each in took.items()},
        "indexed_after_s": {part: spread(each) for part, each in ages.found.items()},
        "loop_lag_ms": probe.figures(),
        "index_bytes_a_row": round(disk_bytes(large / "search") / rows),
        "memory_mib": round(memory_mib, 1),
        "flat_out": await _beside(data / "flat_out", sessions, seconds, pairs),
    }


async def _caught_up(data: DataFolder, part: str, rows: int) -> float:
    """Seconds until a part of the index has come to the newest rows."""
    began = time.perf_counter()
    while behind(data).get(part, rows) > max(20, rows * _BEHIND):
        if time.perf_counter() - began > _LIMIT_S:
            raise TimeoutError(f"{part} are behind after {_LIMIT_S:g} s: {behind(data)}")
        await asyncio.sleep(0.25)
    return time.perf_counter() - began


class Ages(Probe):
    """Seconds from when a row was the newest until each part of the index had come to it."""

    def __init__(self, data: DataFolder) -> None:
        self._data = data
        self._waiting: dict[str, deque[tuple[int, float]]] = {WORDS: deque(), VECTORS: deque()}
        self._serials: deque[tuple[int, int]] = deque()
        """Of the words: each serial, with the row that they had come to with it."""
        self._embedded = 0
        self.found: dict[str, list[float]] = {WORDS: [], VECTORS: []}

    async def _run(self) -> None:
        while True:
            await asyncio.to_thread(self._look)
            await asyncio.sleep(0.1)

    def _look(self) -> None:
        with self._data.read_log() as log:
            newest = 0 if log is None else log.newest_number()
        come = self._come_to()
        for part, waiting in self._waiting.items():
            waiting.append((newest, time.perf_counter()))
            while waiting and waiting[0][0] <= come[part]:
                self.found[part].append(time.perf_counter() - waiting.popleft()[1])

    def _come_to(self) -> dict[str, int]:
        """The row that each part has come to; vectors are noted by the serials of the words."""
        vectors, words = (read_note(self._data.path / "search", each) for each in (VECTORS, WORDS))
        upto = int(words.get("upto", 0))
        self._serials.append((int(words.get("serial", 0)), upto))
        while self._serials and self._serials[0][0] <= int(vectors.get("upto", 0)):
            self._embedded = self._serials.popleft()[1]
        return {WORDS: upto, VECTORS: self._embedded}


def _hybrid(chance: random.Random, _sessions: int) -> str:
    """Three to six words that follow each other somewhere, in another order."""
    words = work.text(chance.randrange(1 << 20)).split()[1:-1]
    return " ".join(chance.sample(words, chance.randint(3, 6)))


def _filtered(chance: random.Random, sessions: int) -> str:
    of = chance.choice((f"session:agent-{chance.randrange(sessions)}", "since:10m", "kind:tick"))
    return f"{_hybrid(chance, sessions)} {of}"


_QUERIES = {"hybrid": _hybrid, "filtered": _filtered}


async def _searched(name: str, sessions: int, searches: int, per_s: float) -> list[float]:
    """Milliseconds of each search, at a pace, in a thread of the worker's process."""
    chance = random.Random(19)
    took: list[float] = []
    for _ in range(_WARM + searches):
        began = time.perf_counter()
        found = await asyncio.to_thread(queue_imp.search, _QUERIES[name](chance, sessions))
        took.append((time.perf_counter() - began) * 1_000)
        assert found["by_meaning"], "it was searched by words alone"
        await asyncio.sleep(max(0.0, 1 / per_s - took[-1] / 1_000))
    return took[_WARM:]


async def _beside(data: Path, sessions: int, seconds: float, pairs: int) -> dict[str, Any]:
    """Ticks a second flat out without search and with it, in turn."""
    async with runtime_on(data, search="off") as runtime:
        await create_fleet(runtime, sessions, 0.0)
    by: tuple[Literal["off", "meaning"], ...] = ("off", "meaning")
    found: dict[str, list[float]] = {each: [] for each in by}
    for each in by * pairs:
        found[each].append(await _ticks_per_s(data, each, seconds))
    ratios = [without / with_it for without, with_it in zip(*found.values(), strict=True)]
    return {
        **{f"ticks_per_s_{each}": round(median(rates)) for each, rates in found.items()},
        "slower": round(median(ratios), 3),
    }


async def _ticks_per_s(data: Path, by: Literal["off", "meaning"], seconds: float) -> float:
    async with runtime_on(data, search=by) as runtime:
        await asyncio.sleep(min(seconds, 5.0))  # both loops have begun
        before, began = total_ticks(runtime), time.perf_counter()
        await asyncio.sleep(seconds)
        return (total_ticks(runtime) - before) / (time.perf_counter() - began)
