"""Bytes on disk for each tick, with text that changes at each, by what they are kept for."""

import asyncio
import contextlib
import random
import re
import time
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from pydoc_data.topics import topics
from typing import Any

from agent_core.agent.looping import LoopingAgentBase
from agent_core.agent.results import StepResult
from agent_core.session.controls import Pause
from bench.free_agent import FreeConfig, FreeGuidance, FreeState
from bench.measure import create_fleet, runtime_on, total_ticks, until
from store.lance import manifest as manifests

_TEXT_BYTES = 200
_REST_S = 600.0


class ChangingAgent(LoopingAgentBase):
    """About 200 bytes of text that are new at each tick, and 500 of state: the two texts before."""

    agent_type = "changing"
    Config = FreeConfig
    State = FreeState
    Guidance = FreeGuidance

    async def tick(self) -> StepResult:
        self.state.ticks += 1
        text = _prose()
        self.state.notes = (text + " " + self.state.notes)[: 2 * _TEXT_BYTES]
        return StepResult(text=text)

    async def guide(self, guidance: FreeGuidance | str) -> str:
        self.state.guided = guidance if isinstance(guidance, str) else guidance.say
        return "guided"


def _prose() -> str:
    words = _words()
    return " ".join(random.choices(words, k=_TEXT_BYTES // 4))[:_TEXT_BYTES]


@cache
def _words() -> list[str]:
    """Words of English as often as they are used: in the documentation that Python brings."""
    return re.findall(r"[a-zA-Z]+[.,]?", " ".join(topics.values()))


async def run(data: Path, *, sessions: int, seconds: float, still_s: float) -> dict[str, Any]:
    """Bytes a tick right after some time of ticking, and when the folder has stayed as it is."""
    async with runtime_on(data, agent_modules=["bench.disk"]) as runtime:
        await create_fleet(runtime, sessions, 0.0, agent_type=ChangingAgent.agent_type)
        await asyncio.sleep(seconds)
        loop = asyncio.get_running_loop()
        for session in runtime.fleet.live.values():
            session.deliver(Pause("", "bench", loop.create_future(), None))
        await until(lambda: not runtime.store.journal.pending)
        ticks = total_ticks(runtime)
        ticked = by_kind(data)
        paused_at = time.monotonic()
        still_at = await _still(data, still_s)
        rest = by_kind(data)
    return {
        "ticks": ticks,
        "bytes_a_tick": round(rest.total() / ticks),
        "at_rest_after_s": round(still_at - paused_at),
        "by_kind": {kind: round(size / ticks, 1) for kind, size in rest.most_common()},
        "bytes_a_tick_before_rest": round(ticked.total() / ticks),
        "by_kind_before_rest": {kind: round(n / ticks, 1) for kind, n in ticked.most_common()},
        "bytes_a_tick_stopped": round(by_kind(data).total() / ticks),
    }


async def _still(data: Path, still_s: float) -> float:
    """The time since which the folder has kept its size."""
    before, since = 0, time.monotonic()
    deadline = since + _REST_S
    while time.monotonic() < min(deadline, since + still_s):
        size = by_kind(data).total()
        if size != before:
            before, since = size, time.monotonic()
        await asyncio.sleep(1.0)
    return since


def by_kind(data: Path) -> Counter[str]:
    """The bytes of a data folder: of each table's rows, indices and old versions; of the rest."""
    sizes: Counter[str] = Counter()
    for table in data.glob("*.lance"):
        current = _current(table)
        for path, size in _files(table):
            name = path.relative_to(table)
            kind = "indices" if name.parts[0] == "_indices" else "old versions"
            sizes[f"{table.stem}: {'rows' if str(name) in current else kind}"] += size
    for path, size in _files(data):
        top = path.relative_to(data).parts[0]
        if not top.endswith(".lance"):
            sizes[top] += size
    return sizes


def _current(table: Path) -> set[str]:
    """The files that the newest version of a table names, its manifest among them."""
    with contextlib.suppress(FileNotFoundError, IndexError):  # a clean-up came between
        head = manifests.manifests(table)[0]
        fragments = manifests.read(head).fragments.values()
        named = {file.path for one in fragments for file in one.files}
        return named | {f"_versions/{head.name}"}
    return set()


def _files(folder: Path) -> Iterator[tuple[Path, int]]:
    for path in folder.rglob("*"):
        with contextlib.suppress(FileNotFoundError):  # a clean-up came between
            if path.is_file():
                yield path, path.stat().st_size
