"""The contract of a kind of node: pure functions from an entry or an end to the next move."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, TypeAlias

from reins.plans.json_value import as_json
from reins.plans.lenses import Lens
from reins.plans.nodes import Node
from reins.plans.result import Err, Fault, Kind, Ok

Ended: TypeAlias = Ok[Any] | Err[Fault]
Why = Literal["timeout", "budget"]


class FunctionError(Exception):
    """A function of the plan raised, or gave what it may not."""


class Resolver(Protocol):
    """The functions behind the names of a plan."""

    def function(self, reference: Any) -> Any: ...

    def lens(self, reference: Any) -> Lens[Any, Any]: ...


@dataclass(frozen=True, slots=True)
class Go:
    """The node goes on: children begin, by segment, each with its state; others are cancelled.

    `memory` is kept, as JSON, until the next move. `wait_s`: seconds until an alarm.
    """

    begin: Mapping[str, Any] = field(default_factory=dict)
    memory: Any = None
    cancel: tuple[str, ...] = ()
    wait_s: float | None = None
    because: str | None = None


@dataclass(frozen=True, slots=True)
class Finish:
    """The node ends; what is live beneath it is cancelled."""

    result: Ended
    because: str | None = None


Move: TypeAlias = Go | Finish


@dataclass(frozen=True, slots=True)
class Here:
    """The place where a node stands: its input, its memory, the segments that are live.

    `waits`: an alarm is to come.
    """

    node: Any
    path: str
    state: Any
    memory: Any
    live: tuple[str, ...]
    waits: bool
    resolver: Resolver

    @property
    def args(self) -> dict[str, Any]:
        """The arguments of a node of one's own."""
        return self.node.args  # type: ignore[no-any-return]

    @property
    def items(self) -> "tuple[Node, ...]":
        """The plans beneath."""
        return self.node.items  # type: ignore[no-any-return]

    def fault(self, kind: Kind, message: str, causes: tuple[Fault, ...] = ()) -> Err[Fault]:
        """A failure of this node."""
        return Err(Fault(kind, message, self.path, causes))

    def call(self, role: str, reference: Any, *given: Any) -> Any:
        """The value of a function of the plan, which gets copies. Raises: FunctionError."""
        name = f"{role} {reference!r}" if isinstance(reference, str) else role
        try:
            return self.resolver.function(reference)(*map(as_json, given))
        except Exception as error:
            raise FunctionError(f"{name} raised {type(error).__name__}: {error}") from error


class Behaviour(Protocol):
    """A kind of node. `keeps_input`: it needs its input after its first child has begun."""

    keeps_input: bool

    def enter(self, here: Here) -> Move: ...

    def step(self, here: Here, segment: str, result: Ended) -> Move: ...

    def alarm(self, here: Here, why: Why) -> Move: ...
