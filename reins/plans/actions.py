"""The functions that plans name: actions, and beside them what decides, joins and reaches parts."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar, overload

from reins.plans import building, nodes
from reins.plans.errors import PlanError
from reins.plans.lenses import Lens, check_laws, lens
from reins.plans.moves import Ended, Here, Move
from reins.plans.naming import unknown

_F = TypeVar("_F", bound=Callable[..., Any])
_NOTHING = object()
_STATE, _STATE_AND_CONTEXT = 1, 2


@dataclass(frozen=True, slots=True)
class Action:
    """A function `(state)` or `(state, ctx)` under its name, with the limit that it goes by."""

    name: str
    function: Callable[..., Any]
    takes_context: bool
    is_async: bool
    limit: str | None = None


@dataclass(frozen=True, slots=True)
class Rate:
    """So many calls in so many seconds; as many may begin at once."""

    calls: int
    per_s: float = 1.0


@dataclass(frozen=True, slots=True)
class CustomNode:
    """The functions of a node of one's own."""

    enter: Callable[[Here], Move]
    step: Callable[[Here, str, Ended], Move]
    alarm: Callable[[Here], Move] | None = None


def collect(_state: Any, outputs: list[Any]) -> list[Any]:
    """A combiner: the list of what the branches left, in the order of the branches."""
    return outputs


class Actions:
    """A registry of functions by name. A name means one action, one function, one lens, one node.

    Raises, at each door: PlanError for a name that is taken, or a function of the wrong shape.
    """

    def __init__(self, actions: Mapping[str, Callable[..., Any]] | None = None) -> None:
        self.actions: dict[str, Action] = {}
        self.functions: dict[str, Callable[..., Any]] = {"collect": collect}
        self.lenses: dict[str, Lens[Any, Any]] = {}
        self.nodes: dict[str, CustomNode] = {}
        self.rates: dict[str, Rate] = {}
        self.plans: dict[str, nodes.Node] = {}
        for name, function in (actions or {}).items():
            self.register(name, function)

    @overload
    def action(self, function: _F, /) -> _F: ...

    @overload
    def action(
        self, name: str | None = None, /, *, limit: str | None = None
    ) -> Callable[[_F], _F]: ...

    def action(self, name: Any = None, /, *, limit: str | None = None) -> Any:
        """A decorator that registers an action by its function's name, or another."""
        if callable(name):
            return self.register(getattr(name, "__name__", ""), name)
        return lambda function: self.register(name or function.__name__, function, limit=limit)

    def register(self, name: str, function: _F, *, limit: str | None = None) -> _F:
        """Register an action `(state)` or `(state, ctx)`, sync or async; returns the function.

        `limit` is the name of a rate (`rate`) that holds it back.
        """
        self._free(name, self.actions, "action")
        self.actions[name] = action_of(name, function, limit)
        return function

    def function(self, name: str, function: _F) -> _F:
        """Register a condition, selector, evaluator or combiner: pure, and quick."""
        self._free(name, self.functions, "function")
        if not callable(function):
            raise PlanError(f"function {name!r} cannot be called, given {function!r}")
        self.functions[name] = function
        return function

    def lens(
        self, name: str, found: Lens[Any, Any], *, example: Any = _NOTHING, value: Any = _NOTHING
    ) -> Lens[Any, Any]:
        """Register a lens; with an example of a state, its laws are checked right here.

        `value` is another value for the part in that check.
        """
        self._free(name, self.lenses, "lens")
        if example is not _NOTHING:
            _check(name, found, example, value)
        self.lenses[name] = found
        return found

    def node(
        self,
        name: str,
        enter: Callable[[Here], Move],
        step: Callable[[Here, str, Ended], Move],
        alarm: Callable[[Here], Move] | None = None,
    ) -> Callable[..., nodes.Custom]:
        """Register a kind of node; returns the function that makes one, `(*items, **args)`.

        `alarm` is called when a wait is over (`Go.wait_s`); without it the node fails then.
        """
        self._free(name, self.nodes, "node")
        self.nodes[name] = CustomNode(enter, step, alarm)
        return lambda *items, **args: building.custom(name, *items, **args)

    def rate(self, name: str, calls: int, per_s: float = 1.0) -> None:
        """Set the rate of all actions with this limit: `calls` in `per_s` seconds."""
        self._free(name, self.rates, "rate")
        if calls < 1 or per_s <= 0:
            raise PlanError(f"rate {name!r} of {calls} calls in {per_s} s; both must be above 0")
        self.rates[name] = Rate(calls, per_s)

    def plan(self, name: str, plan: nodes.Node) -> nodes.Node:
        """Register a plan, so that sessions run it by its name; returns it."""
        self._free(name, self.plans, "plan")
        self.plans[name] = plan
        return plan

    def take(self, other: "Actions") -> None:
        """Take in all that another registry has. Raises: PlanError for a name that both have."""
        rooms: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
            "action": (self.actions, other.actions),
            "function": (self.functions, other.functions),
            "lens": (self.lenses, other.lenses),
            "node": (self.nodes, other.nodes),
            "rate": (self.rates, other.rates),
            "plan": (self.plans, other.plans),
        }
        for what, (mine, its) in rooms.items():
            for name, value in its.items():
                if mine.get(name) is not value:
                    self._free(name, mine, what)
                    mine[name] = value

    def get_plan(self, name: str) -> nodes.Node:
        """The plan of this name. Raises: PlanError that names those that are alike."""
        return _found(self.plans, name, "plan")

    def get(self, name: str) -> Action:
        """The action of this name. Raises: PlanError that names those that are alike."""
        return _found(self.actions, name, "action")

    def get_function(self, name: str) -> Callable[..., Any]:
        """The function of this name. Raises: PlanError that names those that are alike."""
        return _found(self.functions, name, "function")

    def get_lens(self, name: str) -> Lens[Any, Any]:
        """The lens of this name, or of this path. Raises: PlanError."""
        return self.lenses[name] if name in self.lenses else lens(name)

    def get_node(self, name: str) -> CustomNode:
        """The node of one's own of this name. Raises: PlanError that names those that are alike."""
        return _found(self.nodes, name, "node")

    def _free(self, name: str, taken: Mapping[str, object], what: str) -> None:
        if not isinstance(name, str) or not name:
            raise PlanError(f"the name of the {what} is {name!r}; expected a text")
        if name in taken:
            raise PlanError(f"there is the {what} {name!r} already; choose another name")


_T = TypeVar("_T")


def _found(known: Mapping[str, _T], name: str, what: str) -> _T:
    if name not in known:
        raise PlanError(unknown(what, name, known))
    return known[name]


def _check(name: str, found: Lens[Any, Any], example: Any, value: Any) -> None:
    if value is _NOTHING:
        try:
            value = found.get(example)
        except Exception as error:
            raise PlanError(f"lens {name!r} fails at {example!r:.80}: {error}") from error
    check_laws(found, example, value, f"lens {name!r}")


def action_of(name: str, function: Callable[..., Any], limit: str | None = None) -> Action:
    """The action that a function is. Raises: PlanError for one of the wrong shape."""
    return Action(name, function, _takes_context(name, function), _is_async(function), limit)


def _takes_context(name: str, function: Callable[..., Any]) -> bool:
    if not callable(function):
        raise PlanError(f"action {name!r} cannot be called, given {function!r}")
    try:
        signature = inspect.signature(function)
    except ValueError:
        return False  # a builtin that tells none
    placed = [
        each
        for each in signature.parameters.values()
        if each.kind in (each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD)
    ]
    required = sum(1 for each in placed if each.default is each.empty)
    takes = required == _STATE_AND_CONTEXT or (len(placed) > 1 and placed[1].name == "ctx")
    try:
        signature.bind(*range(_STATE_AND_CONTEXT if takes else _STATE))
    except TypeError:
        raise PlanError(
            f"action {name!r} takes {signature}; expected (state) or (state, ctx)"
        ) from None
    return takes


def _is_async(function: Callable[..., Any]) -> bool:
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(
        getattr(function, "__call__", None)  # noqa: B004 - an object with an async __call__
    )
