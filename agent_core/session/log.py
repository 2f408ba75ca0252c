"""A session's place in the log: its rows, in order, each with the snapshot after it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import orjson

from agent_core.budgets.account import Account
from agent_core.session.status import Status
from agent_core.session.turns import Turns
from reins import jitter
from store.errors import JournalError
from store.journal.file import Record
from store.journal.journal import Journal
from store.journal.writer import NOT_RUNNING
from store.times import now_us

_APPEND_RETRY_MAX_S = 10.0
Also: TypeAlias = Record | Callable[[int], Record]
"""A record beside a row of the log: as it is, or made once the `seq` of that row is known."""


class SessionClosedError(RuntimeError):
    """The session has ended; nothing more is written to its log."""


@dataclass(slots=True)  # not frozen: that costs 2 µs for each row
class Event:
    """One row of the log, before it has a number."""

    kind: str
    text: str
    payload: dict[str, Any] | None = None
    applied: Sequence[str] = ()
    error: str | None = None
    started_at: int | None = None
    latency_ms: float | None = None
    tokens_in: int = 0
    tokens_out: int = 0
    cost_usd: float = 0.0


class Logged(Protocol):
    """The session, as its log knows it."""

    status: Status
    iteration: int
    result: str | None
    account: Account | None

    @property
    def session_id(self) -> str: ...

    @property
    def agent_id(self) -> str: ...

    def count(self, event: Event, seq: int) -> None: ...

    def snapshot(self) -> dict[str, Any]: ...

    def closing_records(self) -> Sequence[Record]: ...


class SessionLog:
    """Writes one session's rows, one append at a time, so that `seq` has no gaps.

    `seq` is that of the newest row on disk, `state` the agent's state in it, as JSON. Whoever has
    the turn to write finds the log closed where rows may be on disk that it does not know of: it
    must be read first.
    """

    __slots__ = ("_closed", "_journal", "_session", "_writing", "seq", "state")

    def __init__(self, journal: Journal, session: Logged) -> None:
        self._journal = journal
        self._session = session
        self._writing = Turns()
        self._closed = False
        self.seq = 0
        self.state = "{}"

    async def record(
        self, *events: Event, state: str | None = None, also: Sequence[Also] = ()
    ) -> int:
        """Write rows, all or none; returns the last one's `seq` once it is on disk.

        What is made of a `seq` in `also` is given that of the first row.

        `state` is the agent's state after them; None: as it was after the row before.
        Waits, and tries again, while the journal cannot commit. Raises: SessionClosedError.
        """
        writing = self._writing
        if not writing.is_taken_now():  # `async with` is three coroutines more for each tick
            await writing.take()
        try:
            if self._closed:
                raise SessionClosedError(f"session {self._session.session_id} has ended")
            state = self.state if state is None else state
            records, seq = self._records(events, state, also)
            self._closed = True  # until they are on disk; after an error they may be, all the same
            try:
                await self._journal.append(*records)
            except JournalError:
                await self._append_again(records)
            self._closed = False
            self.seq, self.state = seq, state
            return seq
        finally:
            writing.give()

    @contextlib.asynccontextmanager
    async def committed_by_another(
        self, event: Event, *, state: str, also: Sequence[Also]
    ) -> AsyncIterator[Sequence[Record]]:
        """The records of a row, for whoever commits them with rows of their own, within it.

        Left by an exception it stays closed: the row may be on disk all the same.
        """
        async with self._writing:
            records, seq = self._records([event], state, also)
            self._closed = True
            yield records
            self._closed = False
            self.seq, self.state = seq, state

    async def announce(self, status: Status) -> None:
        """Record `status` unless it has passed already."""
        here = self._session
        await self.note(lambda: Event("status", status.value) if here.status is status else None)

    async def note(self, make: Callable[[], Event | None]) -> None:
        """Record an event beside a tick in flight, made once its turn has come; None: it has none.

        The calls of the tick so far stay for the row that they lead to.
        """
        async with self._writing:
            if not self._closed and (event := make()) is not None:
                await self._append(event, with_calls=False)

    async def close_by_force(self, final: Callable[[], Event]) -> int | None:
        """Write the last row of a session whose tick cannot be stopped, and nothing after it.

        Returns its `seq`; None if the session has ended in the meantime.
        """
        async with self._writing:
            if self._closed or self._session.status.ended:
                return None
            self._session.status = Status.STOPPED
            await self._append(final())
            self._closed = True
            return self.seq

    async def is_closed(self) -> bool:
        """True once nothing more can be written; waits for what is being written."""
        async with self._writing:
            return self._closed

    async def write(self, records: Sequence[Record]) -> None:
        """Write records that belong to no row; also of a session that has ended."""
        try:
            await self._journal.append(*records)
        except JournalError:
            await self._append_again(records)

    async def _append(self, event: Event, *, with_calls: bool = True) -> None:
        """Write one row, in the turn that its caller has."""
        records, seq = self._records([event], self.state, (), with_calls=with_calls)
        self._closed = True
        try:
            await self._journal.append(*records)
        except JournalError:
            await self._append_again(records)
        self._closed = False
        self.seq = seq

    def _records(
        self,
        events: Sequence[Event],
        state: str,
        also: Sequence[Also],
        *,
        with_calls: bool = True,
    ) -> tuple[list[Record], int]:
        """The rows to commit, with all that belongs to them, and the last one's `seq`."""
        seq, session = self.seq, self._session
        records = [each if isinstance(each, Record) else each(seq + 1) for each in also]
        # Here and not before: a row that has its turn first must not know of a tick behind it.
        for event in events:
            if event.kind == "tick":
                session.iteration += 1
        account = session.account
        if account is not None and with_calls:
            account.meter(events[0])
            records += account.take_calls(seq + 1)
        session_id = self._session.session_id
        for event in events:
            seq += 1
            session.count(event, seq)
            records.append(Record("agent_steps", self._row(event, seq, state), session_id))
        if session.status.over:
            records.extend(session.closing_records())
        return records, seq

    async def _append_again(self, records: Sequence[Record]) -> None:
        """Try again, ever less often, what the journal could not commit. Raises: JournalError."""
        wait_s = 0.1
        while self._journal.running:
            await asyncio.sleep(jitter.between(0.5, 1.5) * wait_s)
            wait_s = min(wait_s * 2, _APPEND_RETRY_MAX_S)
            with contextlib.suppress(JournalError):
                await self._journal.append(*records)
                return
        raise JournalError(NOT_RUNNING)

    def _row(self, event: Event, seq: int, state: str) -> bytes:
        session = self._session
        snapshot = session.snapshot()
        snapshot["agent"] = orjson.Fragment(state)
        if event.kind != "tick":  # a tick's text is the result
            snapshot["result"] = session.result
        return orjson.dumps(
            {
                "session_id": session.session_id,
                "agent_id": session.agent_id,
                "seq": seq,
                "step": session.iteration,
                "kind": event.kind,
                "text": event.text,
                "payload": None if event.payload is None else orjson.dumps(event.payload).decode(),
                "state": orjson.dumps(snapshot).decode(),
                "applied_actions": orjson.dumps(event.applied).decode() if event.applied else "[]",
                "started_at": event.started_at,
                "created_at": now_us(),
                "latency_ms": event.latency_ms,
                "tokens_in": event.tokens_in,
                "tokens_out": event.tokens_out,
                "cost_usd": event.cost_usd,
                "error": event.error,
            }
        )
