"""A session's account with the models: the room, the cost and the record of its calls.

The model layer knows it as its caller (`Caller` in reins/llm/caller.py) and is not known here.
"""

import asyncio
import time
from collections.abc import Collection
from typing import Any, Protocol

import orjson
import structlog

from agent_core.budgets.ledger import Ledger
from agent_core.budgets.limits import BudgetSpentError
from agent_core.budgets.spender import AccountHolder, Metered
from agent_core.budgets.usage import Reserved
from store import model_calls
from store.journal.file import Record

_logger = structlog.get_logger(__name__)

_KEPT_CALLS = 50
_KEPT_BYTES = 1 << 20


class Call(Protocol):
    """One attempt, as the model layer puts it on record: its columns of `model_calls`."""

    @property
    def route(self) -> str: ...

    @property
    def error_kind(self) -> str | None: ...

    @property
    def demonstration(self) -> bool: ...

    def as_json(self) -> bytes: ...


class Reservation:
    """The amount held back for one attempt, until it is settled."""

    __slots__ = ("cost_usd", "settled", "tokens")

    def __init__(self, tokens: int, cost_usd: float) -> None:
        self.tokens = tokens
        self.cost_usd = cost_usd
        self.settled = False


class Account:
    """Reserves, settles and keeps what calls took until the session's next row is written."""

    __slots__ = (
        "_calls",
        "_calls_bytes",
        "_demonstration",
        "_guide_left_s",
        "_ledger",
        "_session",
        "_streaming",
        "_waiting",
        "_waiting_beside",
        "cost_usd",
        "reserved",
        "tokens_in",
        "tokens_out",
        "waits_since",
    )

    def __init__(self, session: AccountHolder, ledger: Ledger) -> None:
        self._session = session
        self._ledger = ledger
        self.reserved = Reserved()
        self.tokens_in = 0
        self.tokens_out = 0
        self.cost_usd = 0.0
        self._calls: list[bytes] = []
        self._calls_bytes = 0
        self._demonstration = False
        self._streaming = False
        self._waiting = 0
        self._waiting_beside: list[str] = []
        self.waits_since: float | None = None
        self._guide_left_s: float | None = None

    # -- who calls

    @property
    def session_id(self) -> str:
        return self._session.session_id

    @property
    def agent_type(self) -> str:
        return self._session.agent_type

    @property
    def route(self) -> str | None:
        """The route that the session's configuration names."""
        return self._session.route

    # -- what calls take

    def reserve(self, tokens: int, cost_usd: float) -> Reservation:
        """Hold back what an attempt may take at the most. Raises: BudgetSpentError."""
        held = self._ledger.reserve(self._session, self.reserved, tokens, cost_usd)
        if held is not None:
            raise BudgetSpentError(held)
        return Reservation(tokens, cost_usd)

    def settle(self, reserved: object, tokens_in: int, tokens_out: int, cost_usd: float) -> None:
        """Count what the attempt took; a second time for the same reservation does nothing."""
        session = self._session
        if isinstance(reserved, Reservation):
            if reserved.settled:
                return
            reserved.settled = True
        self.tokens_in += tokens_in
        self.tokens_out += tokens_out
        self.cost_usd += cost_usd
        self._ledger.spend(session, tokens_in, tokens_out, cost_usd)
        if isinstance(reserved, Reservation):
            self._ledger.free(session, self.reserved, reserved.tokens, reserved.cost_usd)

    # -- time in line

    def waits(self) -> None:
        """A call waits for its place: from here on, no time limit of its session's work runs."""
        if (name := self._session.node) is not None:
            self._waiting_beside.append(name)
        else:
            self._waiting += 1
            if self.waits_since is None:
                self.waits_since = time.perf_counter()
            if self._guide_left_s is None:
                self._guide_left_s = self._session.scope.stop_guide_clock()
        if self._session.is_halting:
            # Not here: a place that is free is taken without a wait, and the call is sent.
            asyncio.get_running_loop().call_soon(self._session.give_way)

    def goes_on(self) -> None:
        """It has its place, or wants none any more."""
        if (name := self._session.node) is not None:
            self._waiting_beside.remove(name)
            return
        self._waiting -= 1
        if self.waits_since is None or self._waiting:
            return
        since, self.waits_since = self.waits_since, None
        self._session.scope.add_wait(since)
        if self._guide_left_s is not None:
            self._session.scope.start_guide_clock(self._guide_left_s)
            self._guide_left_s = None

    @property
    def only_waits(self) -> bool:
        """True while a call of it waits for its place or its next attempt, and none is sent."""
        return self._waiting > 0 and not self.reserved.calls

    @property
    def waiting_beside(self) -> Collection[str]:
        """Pieces of work between ticks of which a call only waits; none while any call is sent."""
        return () if self.reserved.calls else frozenset(self._waiting_beside)

    def in_call_s(self, now: float) -> float:
        """Seconds since its eldest call in flight was sent; 0 where none is."""
        return now - self.reserved.since if self.reserved.calls else 0.0

    # -- what was taken

    @property
    def has_unwritten(self) -> bool:
        """True if something was taken that no row of the log tells yet."""
        return bool(self.tokens_in or self.tokens_out or self.cost_usd)

    def meter(self, event: Metered) -> None:
        """Put on this row what calls took since the row before, and that no model answered."""
        event.tokens_in += self.tokens_in
        event.tokens_out += self.tokens_out
        event.cost_usd += self.cost_usd
        if self._demonstration:
            event.payload = {**(event.payload or {}), "demonstration": True}
            self._demonstration = False
        self.tokens_in = self.tokens_out = 0
        self.cost_usd = 0.0

    # -- what calls said

    def record(self, call: Call) -> None:
        """Keep an attempt for the next row; too many are written without one."""
        if call.error_kind is None:
            self._session.outages.answered(call.route)
            self.note_answer(demonstration=call.demonstration)
        body = call.as_json()
        if (name := self._session.node) is not None:
            body = orjson.dumps({"node": name})[:-1] + b"," + body[1:]
        self._calls.append(body)
        self._calls_bytes += len(body)
        if len(self._calls) > _KEPT_CALLS or self._calls_bytes > _KEPT_BYTES or self._session.ended:
            self.write_calls()

    def note_answer(self, *, demonstration: bool) -> None:
        """A call was answered, by a model or by the offline demonstration: its row says so."""
        self._session.demonstration = demonstration
        self._demonstration |= demonstration

    def write_calls(self) -> None:
        """Write what is kept, beside the session and without a row."""
        if records := self.take_calls(None):
            self._session.write_beside(records)

    def take_calls(self, seq: int | None) -> list[Record]:
        """The attempts that are kept, as they led to row `seq`."""
        if not self._calls:
            return []
        session = self._session
        ids = {
            "session_id": session.session_id,
            "agent_id": session.agent_id,
            "agent_type": session.agent_type,
            "conversation_id": getattr(session.agent.config, "conversation_id", None),
            "step": session.iteration,
            "seq": seq,
        }
        head = orjson.dumps(ids)[:-1] + b","
        records = [
            Record(model_calls.TABLE.name, head + body[1:], session.session_id)
            for body in self._calls
        ]
        self._calls.clear()
        self._calls_bytes = 0
        return records

    # -- what calls are saying

    def streamed(self, delta: Any) -> None:
        """A piece of an answer has come: whoever listens is told, unless it is beside ticks."""
        if self._session.node is not None:
            return
        self._streaming = True
        self._tell(delta)

    def end_stream(self) -> None:
        """The tick has ended: no further piece of an answer comes."""
        if self._streaming:
            self._streaming = False
            self._tell(None)

    def _tell(self, delta: Any) -> None:
        for listener in tuple(self._session.audience):
            try:
                listener(self._session, delta)
            except Exception:
                _logger.exception("a listener to answers failed", **self._session.names)
