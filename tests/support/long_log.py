"""A log of many rows, as a joke agent's months would leave it, written at once."""

import asyncio
import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import orjson

from store import agents_config
from store.journal.file import Record
from store.reading import Reader
from store.store import Store

PEOPLE = ("ann", "bob", "carol")
SUBJECTS = ("cats", "dogs", "tea", "the moon", "owls", "rain")
BEGAN_US = 1_795_941_800_000_000
_BATCH = 5_000
_TICK_US = 1_000_000
_NIGHT_US = 8 * 3_600 * 1_000_000


class Life:
    """The rows of one session, oldest first. `landmarks`: the guidance, by its `seq`."""

    def __init__(self, session_id: str, rows: int, *, every: int = 2_500) -> None:
        self.session_id, self._rows, self._every = session_id, rows, every
        self._chance = random.Random(15)
        self._at, self._step, self._cost = BEGAN_US, 0, 0.0
        self._subject, self._told = SUBJECTS[0], ["", ""]
        self._status = "running"
        self.landmarks: dict[int, tuple[str, str]] = {}

    def rows(self) -> Iterator[dict[str, Any]]:
        yield self._row(1, "status", "created, running", {"actor": "ann", "config": {}})
        for seq in range(2, self._rows + 1):
            turn = seq % self._every
            if turn == 0:
                yield self._guided(seq)
            elif turn == self._every // 2:
                yield self._row(seq, "error", "tick failed", None, error="the model answers 500")
            elif turn == 100:
                self._status = "paused"
                reason = {"actor": "bob", "reason": "the night"}
                yield self._row(seq, "status", "paused: the night", reason)
            elif turn == 101:
                self._at += _NIGHT_US
                self._status = "running"
                yield self._row(seq, "status", "running", {"actor": "bob"})
            else:
                yield self._tick(seq)

    def _guided(self, seq: int) -> dict[str, Any]:
        number = seq // self._every
        who = PEOPLE[number % len(PEOPLE)]
        self._subject = SUBJECTS[number % len(SUBJECTS)]
        self.landmarks[seq] = (who, self._subject)
        words = {"guidance": f"now about {self._subject}", "mode": "steer", "actor": who}
        return self._row(seq, "guidance", f"subject: {self._subject}", words)

    def _tick(self, seq: int) -> dict[str, Any]:
        self._step += 1
        text = (
            f"Joke {self._step} about {self._subject}: it went to a {'bar' if seq % 7 else 'zoo'}."
        )
        self._told = [self._told[1], text]
        cost = 0.05 if seq % 9_973 == 0 else round(self._chance.uniform(0.0001, 0.0009), 6)
        payload = {"subject": self._subject, "model": "good", "attempts": 1}
        return self._row(seq, "tick", text, payload, cost=cost)

    def _row(
        self, seq: int, kind: str, text: str, payload: dict[str, Any] | None, *,
        error: str | None = None, cost: float = 0.0,
    ) -> dict[str, Any]:  # fmt: skip
        self._at += self._chance.randrange(_TICK_US)
        self._cost += cost
        day = {"date": "2026-11-29", "ticks": self._step, "tokens": 9, "cost_usd": self._cost}
        usage = {
            "tokens_in": self._step * 40, "tokens_out": self._step * 20, "cost_usd": self._cost,
            "ticks": self._step, "wall_s": 1.5, "day": {**day, "wall_s": 1.5},
        }  # fmt: skip
        state = {
            "agent_type": "joke", "status": self._status, "failures": 0, "error": None,
            "created_at": BEGAN_US, "guided": len(self.landmarks), "usage": usage, "unmarked": {},
            "agent": {"subject": self._subject, "told": self._told},
        }  # fmt: skip
        if kind != "tick":
            state["result"] = self._told[1]
        ticked = kind == "tick"
        return {
            "session_id": self.session_id, "agent_id": self.session_id, "seq": seq,
            "step": self._step, "kind": kind, "text": text,
            "payload": None if payload is None else orjson.dumps(payload).decode(),
            "state": orjson.dumps(state).decode(), "applied_actions": "[]",
            "started_at": self._at - 2_400 if ticked else None, "created_at": self._at,
            "latency_ms": 2.4 if ticked else None, "tokens_in": 40 if ticked else 0,
            "tokens_out": 20 if ticked else 0, "cost_usd": cost, "error": error,
        }  # fmt: skip


def write(data: Path, life: Life, *, pending: int = 0) -> None:
    """Put the session and its rows into a folder that no worker owns; the newest `pending` rows
    stay in the journal.
    """
    # Beside a browser this thread has a loop of its own already.
    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, _write(data, life, pending)).result()


async def _write(data: Path, life: Life, pending: int) -> None:
    rows = list(life.rows())
    rows[-1] = _at_rest(rows[-1])
    config = {
        "session_id": life.session_id, "agent_id": life.session_id, "agent_type": "joke",
        "config": '{"subject": "cats"}', "created_by": "ann", "created_at": BEGAN_US,
    }  # fmt: skip
    flushed = rows[: len(rows) - pending]
    await _append(data, [agents_config.record(config), *map(_record, flushed)])
    journal = Reader(data)
    for row in rows[len(flushed) :]:
        journal.append(partial(_record, row))


async def _append(data: Path, records: list[Record]) -> None:
    store = Store(data, durable="process", flush_s=0.2)
    await store.start()
    try:
        for begin in range(0, len(records), _BATCH):
            await store.journal.append(*records[begin : begin + _BATCH])
    finally:
        await store.stop()


def _record(row: dict[str, Any]) -> Record:
    return Record("agent_steps", orjson.dumps(row), row["session_id"])


def _at_rest(row: dict[str, Any]) -> dict[str, Any]:
    """A row after which no worker ticks on."""
    state = {"result": None, **orjson.loads(row["state"]), "status": "paused"}
    return {**row, "kind": "status", "text": "paused", "payload": None, "error": None,
            "cost_usd": 0.0, "latency_ms": None, "tokens_in": 0, "tokens_out": 0,
            "state": orjson.dumps(state).decode()}  # fmt: skip
