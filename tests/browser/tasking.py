"""Sessions that do things, as rows of their logs: written as a worker writes them."""

import asyncio
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import orjson

from store.journal.file import Record
from tests.integration.web.serving import Served

_NO_USAGE = {"tokens_in": 0, "tokens_out": 0, "cost_usd": 0.0, "ticks": 0, "wall_s": 0.0}


def now_us() -> int:
    return time.time_ns() // 1_000


def call(tool: str, /, risk: str = "low", key: str = "", **arguments: Any) -> dict[str, Any]:
    """A call as a payload has it; `key` is the same in each row about it."""
    given = orjson.dumps(arguments, option=orjson.OPT_SORT_KEYS).hex()[:24]
    return {
        "tool": tool,
        "arguments": arguments,
        "key": key or f"call_{tool}_{given}",
        "risk": risk,
        "reasons": [f"{tool} is of {risk} risk"],
    }


def ended(text: str = "", **more: Any) -> dict[str, Any]:
    """The outcome of a call that went well, but for `more`."""
    size_bytes = len(text.encode())
    return {
        "ok": True,
        "text": text,
        "took_s": 0.014,
        "attempts": 1,
        "size_bytes": size_bytes,
        **more,
    }


class Written:
    """A session of no agent: its rows, one after the other, in the order of the calls."""

    def __init__(self, served: Served, session_id: str, **config: Any) -> None:
        self._served = served
        self.session_id = session_id
        self.seq = self.ticks = 0
        self.waits: dict[str, Any] | None = None
        self.status = "running"
        self.created_at = now_us()
        row = {
            "session_id": session_id, "agent_id": session_id, "agent_type": "task",
            "config": orjson.dumps(config).decode(), "created_by": "ann",
            "created_at": self.created_at, "description": None, "metadata": None,
        }  # fmt: skip
        served.write(Record("agents_config", orjson.dumps(row)))
        self.row("status", "running")

    @property
    def address(self) -> str:
        return f"{self._served.url}/sessions/{quote(self.session_id, safe='')}"

    def thinks(self, thought: str, made: Mapping[str, Any], **more: Any) -> int:
        """A row `intent`."""
        payload = {"thought": thought, "call": made}
        return self.row("intent", made["tool"], payload, latency_ms=1_200.0, cost_usd=0.004, **more)

    def acts(self, made: Mapping[str, Any], outcome: Mapping[str, Any], thought: str = "") -> int:
        """A row `tick` with what came of a call."""
        self.waits = None
        payload = {"thought": thought, "call": made, "outcome": outcome}
        return self.row("tick", made["tool"], payload, latency_ms=14.0)

    def asks(self, item_id: str, made: Mapping[str, Any], thought: str = "") -> int:
        """A row that asks a person; the session waits from then on."""
        kind = "question" if made["tool"] == "ask_person" else "approval"
        self.waits = {
            "kind": kind, "since": now_us(), "reason": f"{kind}: {made['tool']}", "until": None,
            "tries": 1,
        }  # fmt: skip
        asks = {"item_id": item_id, "kind": kind, "risk": made["risk"], "reasons": made["reasons"]}
        payload = {"thought": thought, "call": made, "asks": asks}
        return self.row("tick", f"asks: {made['tool']}", payload, latency_ms=900.0, cost_usd=0.002)

    def decided(self, item_id: str, decision: str, actor: str, **more: Any) -> int:
        """The row of a decision."""
        self.waits = None
        payload = {
            "type": "decision",
            "item_id": item_id,
            "decision": decision,
            "actor": actor,
            **more,
        }
        return self.row("guidance", f"{decision}: {item_id}", payload)

    def finishes(self, **report: Any) -> int:
        """The last row, with what the task reports."""
        self.status = "completed"
        result = {
            "status": "completed", "state": {}, "output": report["summary"], "error": None,
            "audit": {"ticks": self.ticks, "calls": self.ticks}, "times": {}, "payload": report,
        }  # fmt: skip
        return self.row("final", "completed", {"result": result})

    def row(
        self, kind: str, text: str, payload: Mapping[str, Any] | None = None, *,
        latency_ms: float | None = None, cost_usd: float = 0.0, error: str | None = None,
    ) -> int:  # fmt: skip
        """Commit one row; returns its number."""
        self.seq += 1
        self.ticks += kind == "tick"
        at = now_us()
        row = {
            "session_id": self.session_id, "agent_id": self.session_id, "seq": self.seq,
            "step": self.ticks, "kind": kind, "text": text,
            "payload": None if payload is None else orjson.dumps(payload).decode(),
            "state": orjson.dumps(self._snapshot()).decode(), "applied_actions": "[]",
            "started_at": None if latency_ms is None else at - int(latency_ms * 1_000),
            "created_at": at, "latency_ms": latency_ms, "tokens_in": 0, "tokens_out": 0,
            "cost_usd": cost_usd, "error": error,
        }  # fmt: skip
        self._served.write(Record("agent_steps", orjson.dumps(row)))
        return self.seq

    def _snapshot(self) -> dict[str, Any]:
        snapshot = {
            "agent_type": "task", "status": self.status, "failures": 0, "error": None,
            "created_at": self.created_at, "guided": 0, "usage": {**_NO_USAGE, "ticks": self.ticks},
            "unmarked": {}, "result": "", "agent": {"goal": "fix the failing test"},
        }  # fmt: skip
        return snapshot if self.waits is None else {**snapshot, "waits": self.waits}


class _Typist:
    def __init__(self, session_id: str) -> None:
        self.agent_id = self.session_id = session_id


class _Piece:
    def __init__(self, offset: int, text: str) -> None:
        self.call_id, self.attempt, self.offset, self.text = "a call", 1, offset, text


def types(served: Served, session_id: str, *pieces: str) -> None:
    """A model's answer comes, piece by piece, on the worker's loop as ever."""
    feed, typist = served.web._feed.typing, _Typist(session_id)

    async def come() -> None:
        at = 0
        for text in pieces:
            feed.took(typist, _Piece(at, text))
            at += len(text)

    asyncio.run_coroutine_threadsafe(come(), served.runtime.loop).result(20)
