"""The nodes of a plan: immutable, checked as they are made, the same in Python and in JSON.

A function stands in them by its registered name, or itself: then JSON does not hold the plan.
"""

from collections.abc import Callable
from dataclasses import field
from typing import Annotated, Any, Final, Literal, TypeAlias, get_args

from pydantic import (
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    WithJsonSchema,
    model_validator,
)
from pydantic.dataclasses import dataclass

LEVELS: Final = 64
NODES: Final = 10_000
WIDTH: Final = 256
"""Tasks of a plan that may be live at once: a step costs as much as there are."""
TURNS: Final = 1_000
_FORM = ConfigDict(extra="forbid", defer_build=True)  # it takes 30 ms, which most starts do without

ALL: Final = "ALL"
FIRST_COMPLETED: Final = "FIRST_COMPLETED"
N_BEST: Final = "N_BEST"
Policy = Literal["ALL", "FIRST_COMPLETED", "N_BEST"]
OnError = Literal["cancel", "wait", "ignore"]

Name = Annotated[str, Field(min_length=1, max_length=200)]
Count = Annotated[int, Field(ge=1, le=1_000_000, strict=True)]
Seconds = Annotated[float, Field(gt=0, le=31_536_000, strict=True, allow_inf_nan=False)]


def _reference(value: object) -> object:
    if callable(value) or (isinstance(value, str) and value):
        return value
    raise ValueError(f"Input should be the name of a function, given {value!r}"[:120])


def _lens_reference(value: object) -> object:
    if hasattr(value, "get") and hasattr(value, "set"):
        return value
    if isinstance(value, str) and value:
        return value
    raise ValueError(f"Input should be the name of a lens or a path, given {value!r}"[:120])


Function = Annotated[
    str | Callable[..., Any],
    PlainValidator(_reference),
    WithJsonSchema({"type": "string", "minLength": 1}),
]
LensReference = Annotated[
    Any,
    PlainValidator(_lens_reference),
    WithJsonSchema({"type": "string", "minLength": 1}),
]


@dataclass(frozen=True, slots=True, config=_FORM)
class Limits:
    """Bounds of what the tasks beneath a node spend; at one of them the rest is not done."""

    tokens: Annotated[int, Field(ge=1, strict=True)] | None = None
    cost_usd: Annotated[float, Field(gt=0, strict=True, allow_inf_nan=False)] | None = None
    tasks: Annotated[int, Field(ge=1, strict=True)] | None = None

    @model_validator(mode="after")
    def _some(self) -> "Limits":
        if self.tokens is None and self.cost_usd is None and self.tasks is None:
            raise ValueError("Input should have tokens, cost_usd or tasks")
        return self


@dataclass(frozen=True, slots=True, config=_FORM)
class Task:
    """One action, by its name; `args` are for the action's `ctx.args`."""

    name: Name
    args: dict[str, Any] = field(default_factory=dict)
    kind: Literal["task"] = "task"


@dataclass(frozen=True, slots=True, config=_FORM)
class Sequence:
    """One after the other, each with the state that the one before leaves."""

    items: "tuple[Node, ...]"
    kind: Literal["sequence"] = "sequence"


@dataclass(frozen=True, slots=True, config=_FORM)
class Parallel:
    """Branches side by side, each with the node's state, joined by `policy`."""

    items: "tuple[Node, ...]"
    policy: Policy = "ALL"
    n: Count | None = None
    timeout_s: Seconds | None = None
    combiner: Function | None = None
    evaluator: Function | None = None
    on_error: OnError | None = None
    budget: Limits | None = None
    kind: Literal["parallel"] = "parallel"

    @model_validator(mode="after")
    def _fits(self) -> "Parallel":
        best, first = self.policy == N_BEST, self.policy == FIRST_COMPLETED
        if (best or first) and not self.items:
            raise ValueError(f"{self.policy} needs a branch; give items")
        if best and self.evaluator is None:
            raise ValueError("N_BEST needs an evaluator that gives each state a number")
        if best and (self.n or 1) > 1 and self.combiner is None:
            raise ValueError("N_BEST with n above 1 needs a combiner that makes one state of them")
        if not best and (self.n is not None or self.evaluator is not None):
            raise ValueError(f"n and evaluator are for N_BEST, not for {self.policy}")
        if first and (self.combiner is not None or self.on_error is not None):
            raise ValueError("FIRST_COMPLETED takes no combiner and no on_error: one success wins")
        return self


@dataclass(frozen=True, slots=True, config=_FORM)
class Choose:
    """One of the items: `selector` gives its place from 0, or the name of its task."""

    items: "Annotated[tuple[Node, ...], Field(min_length=1)]"
    selector: Function | None = None
    kind: Literal["choose"] = "choose"


@dataclass(frozen=True, slots=True, config=_FORM)
class Focus:
    """A plan on a part of the state. `lens`: a registered name, else a path such as `a.b`."""

    lens: LensReference
    item: "Node"
    kind: Literal["focus"] = "focus"


@dataclass(frozen=True, slots=True, config=_FORM)
class LoopWhile:
    """A plan again and again while `condition` holds, which is asked before each turn."""

    condition: Function
    item: "Node"
    max_turns: Count = TURNS
    kind: Literal["loop_while"] = "loop_while"


@dataclass(frozen=True, slots=True, config=_FORM)
class Retry:
    """A plan again from its first state where it fails; waits of `delay_s`, times `factor`."""

    item: "Node"
    attempts: Count = 3
    delay_s: Annotated[float, Field(ge=0, le=86_400, strict=True, allow_inf_nan=False)] = 0.0
    factor: Annotated[float, Field(ge=1, le=100, strict=True, allow_inf_nan=False)] = 2.0
    kind: Literal["retry"] = "retry"


@dataclass(frozen=True, slots=True, config=_FORM)
class Timeout:
    """A plan that fails where it has not ended after `timeout_s`."""

    item: "Node"
    timeout_s: Seconds
    kind: Literal["timeout"] = "timeout"


@dataclass(frozen=True, slots=True, config=_FORM)
class Budget:
    """A plan that fails where its tasks have spent what they may and it has not ended."""

    item: "Node"
    limits: Limits
    kind: Literal["budget"] = "budget"


@dataclass(frozen=True, slots=True, config=_FORM)
class Custom:
    """A node of one's own, by the name under which `Actions.node` has registered it."""

    use: Name
    items: "tuple[Node, ...]" = ()
    args: dict[str, Any] = field(default_factory=dict)
    kind: Literal["node"] = "node"


_Node: TypeAlias = (
    Task | Sequence | Parallel | Choose | Focus | LoopWhile | Retry | Timeout | Budget | Custom
)


def _named(value: object) -> object:
    """A text is a task of that name."""
    return {"kind": "task", "name": value} if isinstance(value, str) else value


Node = Annotated[
    Annotated[_Node, Field(discriminator="kind")],
    BeforeValidator(_named),
]
KINDS: dict[str, type[Any]] = {
    kind.__dataclass_fields__["kind"].default: kind for kind in get_args(_Node)
}


def children(node: Any) -> "tuple[Node, ...]":
    """The nodes right beneath one, in their order."""
    if hasattr(node, "items"):
        return tuple(node.items)
    return (node.item,) if hasattr(node, "item") else ()
