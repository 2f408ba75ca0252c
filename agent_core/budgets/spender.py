"""The session as budgets know it: the room above fulfils these protocols."""

from collections.abc import Sequence
from typing import Any, Protocol

from agent_core.budgets.usage import Reserved
from store.journal.file import Record

Held = dict[str, Any]


class Spender(Protocol):
    """Whoever takes ticks, tokens, money and time from a budget.

    `held` is the limit that it waits at; `in_flight` what its calls hold back.
    """

    usage: dict[str, Any]
    limits: dict[str, Any] | None
    held: Held | None
    worked_s: float

    @property
    def agent_id(self) -> str: ...

    @property
    def root(self) -> str: ...

    @property
    def ended(self) -> bool: ...

    @property
    def in_flight(self) -> Reserved | None: ...

    def release(self) -> None: ...


class WorkClock(Protocol):
    """The time limits of a session's work, which stand while a call waits for its place."""

    def stop_guide_clock(self) -> float | None: ...

    def start_guide_clock(self, left_s: float) -> None: ...

    def add_wait(self, since: float) -> None: ...


class AwaitsRoutes(Protocol):
    """Those that wait for a route of models to answer again."""

    def answered(self, route: str) -> None: ...


class Configured(Protocol):
    """An agent with a configuration; that of some types names a conversation."""

    @property
    def config(self) -> Any: ...


class AccountHolder(Spender, Protocol):
    """A spender that calls models: its names, its clock, and ways to write and to tell.

    `demonstration`: no model answered its last call, but the offline demonstration.
    """

    demonstration: bool

    @property
    def session_id(self) -> str: ...

    @property
    def agent_type(self) -> str: ...

    @property
    def agent(self) -> Configured: ...

    @property
    def iteration(self) -> int: ...

    @property
    def route(self) -> str | None: ...

    @property
    def names(self) -> dict[str, Any]: ...

    @property
    def scope(self) -> WorkClock: ...

    @property
    def audience(self) -> Sequence[Any]: ...

    @property
    def outages(self) -> AwaitsRoutes: ...

    @property
    def is_halting(self) -> bool: ...

    @property
    def node(self) -> str | None: ...

    def give_way(self) -> None: ...

    def write_beside(self, records: Sequence[Record]) -> None: ...


class Metered(Protocol):
    """A row of the log that tells what was taken."""

    payload: dict[str, Any] | None
    tokens_in: int
    tokens_out: int
    cost_usd: float
