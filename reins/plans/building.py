"""Plans written in Python: a function for each kind of node. A text stands for a task."""

from collections.abc import Callable
from typing import Any, TypeAlias, TypeVar

from pydantic import ValidationError

from reins.plans import nodes
from reins.plans.errors import PlanError
from reins.plans.lenses import Lens
from reins.plans.nodes import FIRST_COMPLETED, N_BEST, Limits, Node, OnError, Policy, Task

Plan: TypeAlias = Node | str
FunctionOrName: TypeAlias = Callable[..., Any] | str
_T = TypeVar("_T")


def sequence(*items: Plan) -> nodes.Sequence:
    """A plan of plans, one after the other; of none, the state stays as it is."""
    return _made(nodes.Sequence, items=_nodes(items))


def parallel(
    *items: Plan,
    policy: Policy = "ALL",
    n: int | None = None,
    timeout_s: float | None = None,
    combiner: FunctionOrName | None = None,
    evaluator: FunctionOrName | None = None,
    on_error: OnError | None = None,
    budget: Limits | dict[str, Any] | None = None,
) -> nodes.Parallel:
    """A plan whose branches run side by side, each with the same state. Raises: PlanError."""
    return _made(
        nodes.Parallel, items=_nodes(items), policy=policy, n=n, timeout_s=timeout_s,
        combiner=combiner, evaluator=evaluator, on_error=on_error, budget=budget,
    )  # fmt: skip


def race(*items: Plan, timeout_s: float | None = None) -> nodes.Parallel:
    """A plan that ends with the first branch that succeeds; the others are cancelled."""
    return parallel(*items, policy=FIRST_COMPLETED, timeout_s=timeout_s)


def best_of(
    *items: Plan, evaluator: FunctionOrName, timeout_s: float | None = None
) -> nodes.Parallel:
    """A plan that ends with the state to which `evaluator` gives the highest number."""
    return parallel(*items, policy=N_BEST, evaluator=evaluator, timeout_s=timeout_s)


def choose(*items: Plan, selector: FunctionOrName | None = None) -> nodes.Choose:
    """A plan that is one of the items, by the place or name that `selector(state)` gives.

    Without a selector it needs the `choose_fn` of `compile_plan`.
    """
    return _made(nodes.Choose, items=_nodes(items), selector=selector)


def focus(lens: Lens[Any, Any] | str, item: Plan) -> nodes.Focus:
    """A plan on the part of the state that the lens reaches."""
    return _made(nodes.Focus, lens=lens, item=_node(item))


def loop_while(
    condition: FunctionOrName, item: Plan, *, max_turns: int = nodes.TURNS
) -> nodes.LoopWhile:
    """A plan that is done again while `condition(state)` holds; asked before each turn."""
    return _made(nodes.LoopWhile, condition=condition, item=_node(item), max_turns=max_turns)


def retry(
    item: Plan, *, attempts: int = 3, delay_s: float = 0.0, factor: float = 2.0
) -> nodes.Retry:
    """A plan that is tried again where it fails, `attempts` times in all."""
    return _made(nodes.Retry, item=_node(item), attempts=attempts, delay_s=delay_s, factor=factor)


def timeout(item: Plan, timeout_s: float) -> nodes.Timeout:
    """A plan that fails where it has not ended in time."""
    return _made(nodes.Timeout, item=_node(item), timeout_s=timeout_s)


def budget(
    item: Plan,
    *,
    tokens: int | None = None,
    cost_usd: float | None = None,
    tasks: int | None = None,
) -> nodes.Budget:
    """A plan that fails where it has spent what it may and has not ended."""
    limits = {"tokens": tokens, "cost_usd": cost_usd, "tasks": tasks}
    return _made(nodes.Budget, item=_node(item), limits=limits)


def custom(use: str, *items: Plan, **args: Any) -> nodes.Custom:
    """A plan by a node of one's own, which `Actions.node` has registered as `use`."""
    return _made(nodes.Custom, use=use, items=_nodes(items), args=args)


def _node(item: Plan) -> Node:
    if isinstance(item, str):
        return _made(Task, name=item)
    if isinstance(item, tuple(nodes.KINDS.values())):
        return item
    raise PlanError(f"expected a plan or the name of an action, given {item!r}"[:200])


def _nodes(items: tuple[Plan, ...]) -> tuple[Node, ...]:
    return tuple(_node(item) for item in items)


def _made(kind: Callable[..., _T], **fields: Any) -> _T:
    try:
        return kind(**fields)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        said = first["msg"].removeprefix("Value error, ")
        raise PlanError(f"{where}: {said}" if where else said) from None
