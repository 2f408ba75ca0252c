"""The caller as the model layer knows it: account, records and deltas.

The layer knows nothing of sessions. The composition root implements `Caller`.
"""

from dataclasses import asdict, dataclass
from typing import Protocol

import orjson

from reins.llm.text import encodable


@dataclass(frozen=True, slots=True)
class Delta:
    """A piece of an answer while it comes.

    `text` belongs at character `offset` of attempt `attempt` (counted over all routes of the call);
    what an earlier attempt gave is void.
    """

    call_id: str
    attempt: int
    offset: int
    text: str


@dataclass(slots=True)
class CallRecord:
    """One attempt at one call, as it goes on record.

    **Units**: `queued_at`, `sent_at` microseconds since 1970, UTC (`sent_at` None: it never got its
    place); `first_token_ms` (streams alone) and `latency_ms` count from `sent_at`. `tokens_*` are
    the provider's count, or an estimate where `estimated`. `request` is the body as it was sent,
    `answer` the text as it came and `thought` what the model thought before it, all without keys,
    and None where prompts are not recorded; `thought` is None too where there was none.
    """

    call_id: str
    function: str
    route: str
    provider: str
    model: str
    attempt: int
    streamed: bool
    demonstration: bool
    queued_at: int
    sent_at: int | None = None
    first_token_ms: float | None = None
    latency_ms: float | None = None
    tokens_in: int = 0
    tokens_out: int = 0
    tokens_cached: int = 0
    estimated: bool = False
    cost_usd: float = 0.0
    finish_reason: str | None = None
    status: int | None = None
    error_kind: str | None = None
    error: str | None = None
    request: str | None = None
    answer: str | None = None
    thought: str | None = None

    def as_json(self) -> bytes:
        """All fields, with text that any table can hold."""
        try:
            return orjson.dumps(self)
        except TypeError:  # what UTF-8 cannot carry
            given = asdict(self).items()
            return orjson.dumps({k: encodable(v) if isinstance(v, str) else v for k, v in given})


class Caller(Protocol):
    """The owner of a call. `agent_type` and `route` choose where its calls go.

    Every attempt is reserved before it is sent and settled after it, also when it failed or was
    cancelled. What `reserve` raises ends the call and passes through unchanged.
    """

    @property
    def session_id(self) -> str: ...

    @property
    def agent_type(self) -> str: ...

    @property
    def route(self) -> str | None: ...

    def reserve(self, tokens: int, cost_usd: float) -> object:
        """Reserve the most that an attempt may take; returns the reservation for `settle`."""

    def settle(self, reserved: object, tokens_in: int, tokens_out: int, cost_usd: float) -> None:
        """Book what the attempt took; the rest of the reservation is free again."""

    def waits(self) -> None:
        """An attempt waits for its place; this time does not count as the caller's work."""

    def goes_on(self) -> None:
        """The wait is over, with a place or without; once for each `waits`."""

    def record(self, call: CallRecord) -> None:
        """Put an attempt on record."""

    def note_answer(self, *, demonstration: bool) -> None:
        """A call was answered; `demonstration`: by no model. For who records no attempts."""

    def streamed(self, delta: Delta) -> None:
        """A piece of an answer has come."""


class Nobody:
    """A caller without account, record or audience: checks, tests, scripts."""

    session_id = ""
    agent_type = ""
    route = None

    def reserve(self, tokens: int, cost_usd: float) -> None: ...

    def settle(
        self, reserved: object, tokens_in: int, tokens_out: int, cost_usd: float
    ) -> None: ...

    def waits(self) -> None: ...

    def goes_on(self) -> None: ...

    def note_answer(self, *, demonstration: bool) -> None:
        """Kept nowhere."""

    def record(self, call: CallRecord) -> None: ...

    def streamed(self, delta: Delta) -> None: ...
