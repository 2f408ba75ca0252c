"""Promises made in a run, and the check that they hold."""

import math
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

import orjson

from store import agent_state, agent_steps, messages
from store.queue import reading as queue_reading
from store.reading import Reader

Row = dict[str, Any]


class PromiseBrokenError(AssertionError):
    """A promise does not hold."""


@dataclass
class Sent:
    """One action. `asked_at` is when it was sent, `answered_at` when the newest sending ended:

    one that is sent again, and whose sync then fails, is written again, behind what came meanwhile.
    """

    row: Row
    asked_at: float
    answered_at: float = math.inf
    acked: bool = False

    @property
    def action_id(self) -> str:
        return str(self.row["action_id"])


@dataclass
class Expected:
    """Everything that somebody outside has been told."""

    sent: dict[str, Sent] = field(default_factory=dict)
    steps: dict[tuple[str, int], str] = field(default_factory=dict)
    """The rows that a reader has seen."""
    said: dict[tuple[str, int], str] = field(default_factory=dict)
    outcomes: dict[str, tuple[str, int | None]] = field(default_factory=dict)
    """The outcomes of actions that a reader has seen."""

    unsettled: set[str] = field(default_factory=set)
    """Actions that a worker rejected, perhaps without marking them: the next one may apply them,
    and does so after those that came later."""

    # -- what is seen

    def see(self, reader: Reader) -> None:
        """Look at everything, as a reader does; what was seen before must be there still.

        Others may look meanwhile, and see more.
        """
        self._see_steps(reader)
        self._see_messages(reader)
        self._see_outcomes(reader)

    def _see_steps(self, reader: Reader) -> None:
        before = self.steps
        found = {(r["session_id"], r["seq"]): _told(r) for r in _unique(reader, agent_steps.TABLE)}
        _hold("a row of the log", before, found)
        _check_whole("the log", found)
        self.steps = self.steps | found

    def _see_messages(self, reader: Reader) -> None:
        before = self.said
        rows = reader.joined(messages.TABLE, {}, None)
        found = {(r["conversation_id"], r["number"]): r["message_id"] for r in reversed(rows)}
        _hold("a message", before, found)
        _check_whole("messages", found)
        self.said = self.said | found

    def _see_outcomes(self, reader: Reader) -> None:
        before = self.outcomes
        rows = queue_reading.everything(reader, processed=True)
        found = {r["action_id"]: (r["outcome"], r["applied_seq"]) for r in rows}
        _hold("an outcome", before, found)
        self.outcomes = self.outcomes | found

    # -- the end

    def check(self, reader: Reader) -> None:
        """Once all is quiet, everything that is promised holds. Raises: PromiseBrokenError."""
        self.see(reader)
        rows = reader.joined(agent_steps.TABLE, {}, None)
        numbers = Counter(row["journal_n"] for row in rows)
        _none("numbers that are on several rows", [n for n, times in numbers.items() if times > 1])
        logs: dict[str, list[Row]] = defaultdict(list)
        for row in sorted(rows, key=lambda row: (row["session_id"], row["seq"])):
            logs[row["session_id"]].append(row)
        for session_id, log in logs.items():
            _check_log(session_id, log)
            _check_state(agent_state.get_agent_state(session_id, store=reader), log[-1])
        self._check_queue(reader, logs)
        self._check_order(logs)
        self._check_messages(reader)

    def _check_queue(self, reader: Reader, logs: dict[str, list[Row]]) -> None:
        rows = queue_reading.everything(reader)
        queued = {row["action_id"]: row for row in rows}
        acked = [sent for sent in self.sent.values() if sent.acked]
        _none(
            "acknowledged actions that are gone",
            [s.row for s in acked if s.action_id not in queued],
        )
        numbers = Counter(row["queue_n"] for row in rows)
        _none("actions that are there twice", [n for n, times in numbers.items() if times > 1])
        _none("actions without outcome", [row for row in rows if not row["processed"]])
        applied = Counter(
            action_id
            for log in logs.values()
            for row in log
            for action_id in orjson.loads(row["applied_actions"])
        )
        _none("actions applied twice", [a for a, times in applied.items() if times > 1])
        for row in rows:
            if row["session_id"] is None:
                continue
            there = row["action_id"] in applied
            if there != (row["outcome"] == "applied"):
                raise PromiseBrokenError(
                    f"{row['action_id']} is {row['outcome']}, in the log: {there}: {row}"
                )
            if there:
                at = logs[row["session_id"]][row["applied_seq"] - 1]
                if row["action_id"] not in orjson.loads(at["applied_actions"]):
                    raise PromiseBrokenError(
                        f"{row['action_id']} is not in the row that its receipt names"
                    )

    def _check_order(self, logs: dict[str, list[Row]]) -> None:
        """An action that was acknowledged before another was asked for is applied before it."""
        for session_id, log in logs.items():
            ids = [a for row in log for a in orjson.loads(row["applied_actions"])]
            applied = [self.sent[action_id] for action_id in ids if action_id not in self.unsettled]
            latest = 0.0
            for sent in applied:
                if sent.answered_at < latest:
                    order = [(one.action_id, one.asked_at, one.answered_at) for one in applied]
                    raise PromiseBrokenError(f"{session_id} applied {sent.action_id} late: {order}")
                latest = max(latest, sent.asked_at)

    def _check_messages(self, reader: Reader) -> None:
        rows = reader.joined(messages.TABLE, {}, None)
        ids = Counter(row["message_id"] for row in rows)
        _none("messages written twice", [one for one, times in ids.items() if times > 1])
        by_conversation: dict[str, list[int]] = defaultdict(list)
        for row in rows:
            by_conversation[row["conversation_id"]].append(row["number"])
        for conversation_id, numbers in by_conversation.items():
            if sorted(numbers) != list(range(1, len(numbers) + 1)):
                raise PromiseBrokenError(
                    f"messages of {conversation_id} are numbered {sorted(numbers)}"
                )
        posted = {a for a, (outcome, _) in self.outcomes.items() if outcome == "applied"}
        for action_id in posted & self.sent.keys():
            if self.sent[action_id].row["type"] == "post_message" and action_id not in ids:
                raise PromiseBrokenError(f"message {action_id} was applied and is gone")


def _unique(reader: Reader, table: Any) -> list[Row]:
    rows = reader.joined(table, {}, None)
    numbers = Counter((row["session_id"], row["seq"]) for row in rows)
    _none("rows of the log with one seq", [n for n, times in numbers.items() if times > 1])
    return rows


def _check_log(session_id: str, log: list[Row]) -> None:
    seqs = [row["seq"] for row in log]
    if seqs != list(range(1, len(log) + 1)):
        raise PromiseBrokenError(f"the log of {session_id} is numbered {seqs}")
    paused, ticks, guided = False, 0, []
    for row in log:
        text = row["text"]
        match row["kind"]:
            case "status" if text.startswith("created"):
                paused, ticks, guided = False, 0, []
            case "status" if text.startswith("restored by"):
                paused = text.endswith("paused")
            case "status" if text.startswith(("paused", "running", "resumed")):
                paused = text.startswith("paused")
            case "guidance" if isinstance(one := _guidance(row), str):
                guided.append(one)
            case "tick":
                ticks += 1
                if paused or text != f"tick {ticks}":
                    raise PromiseBrokenError(
                        f"row {row['seq']} of {session_id} is {text!r}; expected tick {ticks}, "
                        f"paused: {paused}"
                    )
        state = orjson.loads(row["state"])["agent"]
        if state["guided"] != guided or state["ticks"] != ticks:
            raise PromiseBrokenError(
                f"row {row['seq']} of {session_id} has {state}; its log {ticks}, {guided}"
            )


def _guidance(row: Row) -> object:
    return orjson.loads(row["payload"])["guidance"]


def _check_state(state: Row | None, newest: Row) -> None:
    if state is None:
        raise PromiseBrokenError(f"{newest['session_id']} has a log and no state")
    seq = orjson.loads(state["history"])["seq"]
    if seq != newest["seq"] or state["snapshot"] != newest["state"]:
        raise PromiseBrokenError(
            f"the state of {newest['session_id']} is of row {seq}, not {newest['seq']}"
        )


def _told(row: Row) -> str:
    return f"{row['kind']} {row['text']} {row['applied_actions']}"


def _hold(what: str, before: dict[Any, Any], now: dict[Any, Any]) -> None:
    for key, value in before.items():
        if now.get(key) != value:
            raise PromiseBrokenError(f"{what} was seen: {key}: {value}; now it is {now.get(key)}")


def _check_whole(what: str, found: dict[tuple[str, int], str]) -> None:
    """No later one is seen without the earlier."""
    of: dict[str, list[int]] = defaultdict(list)
    for name, number in found:
        of[name].append(number)
    for name, numbers in of.items():
        if sorted(numbers) != list(range(1, len(numbers) + 1)):
            raise PromiseBrokenError(f"{what} of {name} is seen as {sorted(numbers)}")


def _none(what: str, found: list[Any]) -> None:
    if found:
        raise PromiseBrokenError(f"{what}: {found[:5]}")
