"""The steps of a session as its model is shown them: rebuilt from the log, bounded in memory."""

import asyncio
import json
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

import orjson

from reins.llm.tokens import size_of
from reins.tools.outcome import bounded
from store.agent_steps import list_steps
from store.reading import Reader

RESULT_BYTES = 8_192
ARGUMENTS_BYTES = 2_048
_VALUE_CHARS = 600
MAX_STEPS = 400
MAX_BYTES = 512 * 1024
_PAGE = 500
_THOUGHT_CHARS = 600


@dataclass(frozen=True, slots=True)
class Seen:
    """One call and its result, each bounded at birth; `arguments` is JSON on one line."""

    seq: int
    thought: str
    tool: str
    arguments: str
    result: str
    ok: bool

    @classmethod
    def of(cls, seq: int, payload: Mapping[str, Any], thought: str = "") -> Self | None:
        """The step that a row's payload tells of; None where it tells of no result of a call.

        `thought` is that of the row that announced the call, where this one has none.
        """
        call, outcome = payload.get("call"), payload.get("outcome") or _ended(payload)
        if not isinstance(call, dict) or not isinstance(outcome, dict):
            return None
        given = payload.get("thought") or thought
        text = outcome.get("text") or outcome.get("error") or ""
        return cls(
            seq=seq,
            thought=str(given)[:_THOUGHT_CHARS],
            tool=str(call.get("tool", "")),
            arguments=one_line(call.get("arguments") or {}),
            result=bounded(str(text), RESULT_BYTES),
            ok=bool(outcome.get("ok")),
        )

    @property
    def size_bytes(self) -> int:
        return sum(map(size_of, (self.thought, self.tool, self.arguments, self.result)))


def _ended(payload: Mapping[str, Any]) -> dict[str, Any] | None:
    """The end of a goal as an outcome: what came before it was not for the goal after it."""
    result = payload.get("result")
    if not isinstance(result, dict):
        return None
    goal = str(result.get("goal", ""))[:_VALUE_CHARS]
    return {"ok": True, "text": f"The work on this goal has ended: {goal}"}


def one_line(arguments: Mapping[str, Any]) -> str:
    """Arguments as JSON on one line, with the middle of long texts left out."""
    line = _dumped(_shortened(arguments))
    if size_of(line) <= ARGUMENTS_BYTES:
        return line
    return _dumped({"arguments_cut": bounded(line, ARGUMENTS_BYTES)})


def _dumped(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)


def _shortened(value: Any) -> Any:
    if isinstance(value, str) and len(value) > _VALUE_CHARS:
        return bounded(value, _VALUE_CHARS)
    if isinstance(value, Mapping):
        return {key: _shortened(each) for key, each in value.items()}
    return [_shortened(each) for each in value] if isinstance(value, list) else value


class History:
    """The newest steps, oldest first. What no longer fits into memory is counted, not kept."""

    def __init__(self) -> None:
        self._seen: deque[Seen] = deque()
        self._bytes = 0
        self.forgotten = 0
        """Steps that were given up, since there were too many."""

    @classmethod
    async def load(cls, session_id: str, reader: Reader, after_seq: int = 0) -> Self:
        """The steps on record with a `seq` above that, since the session was created last."""
        return await asyncio.to_thread(cls._read, session_id, reader, after_seq)

    @classmethod
    def _read(cls, session_id: str, reader: Reader, after_seq: int) -> Self:
        history, announced = cls(), _Announced()
        while rows := list_steps(session_id, after_seq, _PAGE, store=reader):
            for row in rows:
                if created(row):
                    history, announced = cls(), _Announced()
                elif (seen := announced.step(row)) is not None:
                    history.add(seen)
            after_seq = rows[-1]["seq"]
        return history

    def add(self, seen: Seen) -> None:
        """Put a step at the end."""
        self._seen.append(seen)
        self._bytes += seen.size_bytes
        while len(self._seen) > MAX_STEPS or (self._bytes > MAX_BYTES and len(self._seen) > 1):
            self._bytes -= self._seen.popleft().size_bytes
            self.forgotten += 1

    def after(self, seq: int) -> list[Seen]:
        """The steps with a `seq` above that."""
        return [seen for seen in self._seen if seen.seq > seq]

    def __iter__(self) -> Iterator[Seen]:
        return iter(self._seen)

    def __len__(self) -> int:
        return len(self._seen)


class _Announced:
    """Reads a log's rows in order; keeps the thought of the call that was announced last."""

    def __init__(self) -> None:
        self._key: object = None
        self._thought = ""

    def step(self, row: Mapping[str, Any]) -> Seen | None:
        """The step that a row tells of, if it does."""
        if row["kind"] not in ("intent", "tick") or not row["payload"]:
            return None
        payload = orjson.loads(row["payload"])
        call = payload.get("call") or {}
        if row["kind"] == "intent":
            self._key, self._thought = call.get("key"), payload.get("thought") or ""
            return None
        same = call.get("key") == self._key
        return Seen.of(row["seq"], payload, self._thought if same else "")


def created(row: Mapping[str, Any]) -> bool:
    """True of the row that begins a session's life."""
    return row["kind"] == "status" and "config" in orjson.loads(row["payload"] or "{}")
