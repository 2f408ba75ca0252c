"""The outcomes of a tick's attempt, as values: settling one puts it on record."""

from dataclasses import dataclass
from typing import Any, TypeAlias

from agent_core.agent.results import Quiet, StepResult
from agent_core.session.tick_scope import Abort


@dataclass(frozen=True, slots=True)
class Began:
    """The start of a tick: `at` in microseconds since 1970, `clock` of `time.perf_counter`."""

    at: int
    clock: float


@dataclass(frozen=True, slots=True)
class Done:
    """The tick gave a result; `state` is the agent's state after it, as JSON."""

    result: StepResult
    state: str
    began: Began


@dataclass(frozen=True, slots=True)
class Idle:
    """There was nothing to do."""

    result: Quiet


@dataclass(frozen=True, slots=True)
class Yielded:
    """The tick gave way, at a safe point or to another's word; it is done again."""


@dataclass(frozen=True, slots=True)
class Aborted:
    """The tick was ended from outside; it is done again, unless the session ends."""

    why: Abort


@dataclass(frozen=True, slots=True)
class Held:
    """A budget leaves no room for the tick."""

    held: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Failed:
    """The tick raised, or took too long."""

    error: BaseException
    began: Began


TickOutcome: TypeAlias = Done | Idle | Yielded | Aborted | Held | Failed
