"""The facts that the checks compare, gathered in one pass over each table."""

from collections import defaultdict
from collections.abc import Iterator
from functools import cached_property
from typing import Any, NamedTuple

from reins.verifying.finding import Finding
from reins.verifying.log_checks import LOG_CHECKS
from reins.verifying.log_row import LogRow, RowMalformedError, log_row
from store import agent_steps, messages, model_calls
from store.lance.tables import Row
from store.queue import table as queue
from store.snapshot import Snapshot

_MESSAGE = (
    "message_id",
    "conversation_id",
    "number",
    "author",
    "session_id",
    "agent_id",
    "metadata",
)
_CALL = ("session_id", "agent_id", "seq", "call_id", "attempt", "tokens_in", "tokens_out")
_ACTION = (
    "action_id", "type", "agent_id", "session_id", "payload", "processed", "processed_at",
    "outcome", "error", "applied_seq",
)  # fmt: skip


LEFT_BY_END = {"asked": "withdrawn", "approved": "unknown", "edited": "unknown"}
"""An open item's state to the one that the end of its session leaves."""
_OF_ITEMS = frozenset({"tick", "guidance", "final", "status"})


class Place(NamedTuple):
    """A row of the log."""

    session_id: str
    seq: int
    number: int


class Spoken(NamedTuple):
    """A tick that says that it wrote a message."""

    place: Place
    step: int
    message_id: str
    conversation_id: str
    number: int
    text: str


class Asked(NamedTuple):
    """An item of the inbox, as the log leads to it."""

    session_id: str
    seq: int
    state: str


class Called(NamedTuple):
    """The sum of the calls on record that led to one row."""

    agent_id: str
    number: int
    tokens: int


class Logs:
    """The logs as they read, and the findings between one row and the next."""

    def __init__(self, snapshot: Snapshot, called: dict[tuple[str, int], Called]) -> None:
        self.newest: dict[str, LogRow] = {}
        self.applied: dict[str, list[Place]] = {}
        self.spoken: list[Spoken] = []
        self.asked: dict[str, Asked] = {}
        self._asked_by: dict[str, set[str]] = {}
        self.findings: list[Finding] = []
        self.rows = 0
        self.called = called
        """Calls whose row has not come by; those left at the end have none."""
        self.underpaid: list[tuple[LogRow, Called]] = []
        for found in snapshot.rows(agent_steps.TABLE):
            self.rows += 1
            try:
                self._take(log_row(found))
            except RowMalformedError as error:
                about = {name: found.row.get(name) for name in ("session_id", "seq")}
                about["journal_n"] = found.number
                message = f"the row is not what a session writes: {error}"
                self.findings.append(Finding("rows_well_formed", message, about))

        for row in self.newest.values():
            if row.status.ended and row.kind != "final":
                message = f"the session is {row.status}, and has no final row"
                self.findings.append(Finding("final_is_last", message, row.about))

    def _take(self, row: LogRow) -> None:
        before = self.newest.get(row.session_id)
        for name, (check, _) in LOG_CHECKS.items():
            for message in check(before, row):
                self.findings.append(Finding(name, message, row.about))
        self.newest[row.session_id] = row
        place = Place(row.session_id, row.seq, row.number)
        for action_id in row.applied:
            self.applied.setdefault(action_id, []).append(place)
        if row.payload is not None and row.kind in _OF_ITEMS:
            self._ask(row)
        called = self.called.pop((row.session_id, row.seq), None)
        if called is not None and (called.tokens > row.tokens or called.agent_id != row.agent_id):
            self.underpaid.append((row, called))
        if row.kind == "tick" and row.snapshot["agent_type"] == "persona":
            self._speak(row, place)

    def _ask(self, row: LogRow) -> None:
        """Take in what the row says of items of the inbox."""
        if row.kind == "final" and row.status.over:
            for item_id in self._asked_by.pop(row.session_id, ()):
                item = self.asked[item_id]
                self.asked[item_id] = item._replace(state=LEFT_BY_END.get(item.state, item.state))
        elif row.restores:
            for item_id, state in (row.said().get("reopened") or {}).items():
                if item_id in self.asked:
                    self.asked[item_id] = self.asked[item_id]._replace(state=state)
                    self._asked_by.setdefault(row.session_id, set()).add(item_id)
        elif '"item_id"' in (row.payload or ""):
            said = row.said()
            asks = _item_in(said, "asks") if row.kind == "tick" else None
            if asks is not None:
                self.asked[asks["item_id"]] = Asked(row.session_id, row.seq, "asked")
                self._asked_by.setdefault(row.session_id, set()).add(asks["item_id"])
            decided = said if said.get("type") == "decision" else None
            for part in filter(None, (_item_in(said, "settled"), decided)):
                known = self.asked.get(str(part.get("item_id")))
                if known is not None:
                    self.asked[part["item_id"]] = known._replace(state=str(part.get("state")))

    def _speak(self, row: LogRow, place: Place) -> None:
        said = row.said()
        if said.get("spoke"):
            ids = str(said.get("message_id")), str(said.get("conversation_id"))
            self.spoken.append(Spoken(place, row.step, *ids, said.get("number", 0), row.text))


def _item_in(said: dict[str, Any], name: str) -> dict[str, Any] | None:
    """The part of a payload that tells of an item; None where there is none."""
    part = said.get(name)
    named = isinstance(part, dict) and isinstance(part.get("item_id"), str)
    return part if named else None


class Facts:
    """Everything that checks need of one snapshot; each part is read at its first use."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot

    @cached_property
    def logs(self) -> Logs:
        return Logs(self.snapshot, self._called())

    @cached_property
    def messages(self) -> list[Row]:
        """All messages in the order of their commits, their texts left out."""
        rows = self.snapshot.rows(messages.TABLE, _MESSAGE)
        return [{**found.row, "journal_n": found.number} for found in rows]

    @cached_property
    def queued(self) -> list[Row]:
        """The queue as it was after the logs."""
        return self.snapshot.queue_after(_ACTION)

    @cached_property
    def actions(self) -> dict[str, Row]:
        """The same by `action_id`: of rows with one id, the one that was taken up."""
        rows: defaultdict[str, list[Row]] = defaultdict(list)
        for row in self.queued:
            rows[row["action_id"]].append(row)
        return {action_id: queue.taken_up(same) for action_id, same in rows.items()}

    @cached_property
    def processed(self) -> list[Row]:
        """The actions that were processed before the logs were read."""
        return [row for row in self.snapshot.queue_before(_ACTION) if row["processed"]]

    def calls(self) -> Iterator[Row]:
        """All calls on record, prompts left out."""
        for found in self.snapshot.rows(model_calls.TABLE, _CALL):
            yield {**found.row, "journal_n": found.number}

    def _called(self) -> dict[tuple[str, int], Called]:
        sums: dict[tuple[str, int], Called] = {}
        for row in self.calls():
            if row["seq"] is not None:
                key = (row["session_id"], row["seq"])
                before = sums.get(key)
                tokens = (row["tokens_in"] or 0) + (row["tokens_out"] or 0)
                tokens += 0 if before is None else before.tokens
                sums[key] = Called(row["agent_id"], row["journal_n"], tokens)
        return sums


def about(row: Row, *names: str) -> dict[str, Any]:
    """The ids and numbers of a row that name its place."""
    return {name: row.get(name) for name in names}
