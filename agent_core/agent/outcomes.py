"""The outcomes of a tick's attempt, as values: settling one puts it on record.

Named tuples, since each tick makes one: a frozen data class takes three times as long to make.
"""

from typing import Any, NamedTuple, TypeAlias

from agent_core.agent.results import Quiet, StepResult
from agent_core.session.tick_scope import Abort


class Done(NamedTuple):
    """The tick gave a result; `state` is the agent's state after it, as JSON.

    `started_at` is in microseconds since 1970.
    """

    result: StepResult
    state: str
    started_at: int
    latency_ms: float


class Idle(NamedTuple):
    """There was nothing to do."""

    result: Quiet


class Yielded(NamedTuple):
    """The tick gave way, at a safe point or to another's word; it is done again."""


class Aborted(NamedTuple):
    """The tick was ended from outside; it is done again, unless the session ends."""

    why: Abort


class Held(NamedTuple):
    """A budget leaves no room for the tick."""

    held: dict[str, Any]


class Failed(NamedTuple):
    """The tick raised, or took too long."""

    error: BaseException
    started_at: int
    latency_ms: float


TickOutcome: TypeAlias = Done | Idle | Yielded | Aborted | Held | Failed
