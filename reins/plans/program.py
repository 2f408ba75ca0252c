"""A plan with the functions that it names: checked once, before anything runs."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from reins.plans.actions import Actions
from reins.plans.errors import PlanError, PlanNameError
from reins.plans.json_value import as_json
from reins.plans.lenses import Lens
from reins.plans.nodes import (
    LEVELS,
    NODES,
    WIDTH,
    Choose,
    Custom,
    Focus,
    LoopWhile,
    Node,
    Parallel,
    Task,
    children,
)


@dataclass(frozen=True, slots=True)
class Program:
    """A plan, and the registry of its functions."""

    plan: Node
    actions: Actions

    def function(self, reference: Any) -> Any:
        """The function of a reference. Raises: PlanError."""
        return reference if callable(reference) else self.actions.get_function(reference)

    def lens(self, reference: Any) -> Lens[Any, Any]:
        """The lens of a reference. Raises: PlanError."""
        return self.actions.get_lens(reference) if isinstance(reference, str) else reference


def walk(plan: Node) -> Iterator[tuple[tuple[str | int, ...], int, Node]]:
    """Every node with its place as JSON has it (`items`, 1, `item`) and its level from 1."""
    waiting: list[tuple[tuple[str | int, ...], int, Node]] = [((), 1, plan)]
    while waiting:
        at, level, node = waiting.pop()
        yield at, level, node
        for index, each in reversed(list(enumerate(children(node)))):
            name = ("items", index) if hasattr(node, "items") else ("item",)
            waiting.append(((*at, *name), level + 1, each))


def check_size(plan: Node) -> None:
    """Check levels, nodes and width of a plan. Raises: PlanError."""
    for count, (_, level, _) in enumerate(walk(plan), 1):
        if level > LEVELS:
            raise PlanError(f"the plan has more than {LEVELS} levels; make it flatter")
        if count > NODES:
            raise PlanError(
                f"the plan has more than {NODES:,} nodes; let an action return a part of it"
            )
    if (wide := width(plan)) > WIDTH:
        raise PlanError(
            f"{wide} tasks of the plan may be live at once, and {WIDTH} at the most; "
            f"put branches one after the other"
        )


def width(plan: Node) -> int:
    """The number of tasks that may be live at once."""
    beneath = [width(each) for each in children(plan)]
    if isinstance(plan, Parallel | Custom):
        return sum(beneath)
    return max(beneath, default=1)


def levels(plan: Node) -> int:
    """The number of levels of a plan."""
    return max(level for _, level, _ in walk(plan))


def check_names(program: Program) -> None:
    """Check that all that the plan names is there. Raises: PlanNameError with every place."""
    found = []
    for at, _, node in walk(program.plan):
        try:
            _check_node(program, node)
        except PlanError as error:
            found.append((at, str(error)))
    if found:
        raise PlanNameError(tuple(found))


def _check_node(program: Program, node: Node) -> None:
    match node:
        case Task():
            _check_args(node.args)
            _check_limit(program, node.name)
        case Parallel():
            _check_functions(program, node.combiner, node.evaluator)
        case Choose():
            if node.selector is None:
                raise PlanError("choose needs a selector, or the choose_fn of compile_plan")
            program.function(node.selector)
        case LoopWhile():
            program.function(node.condition)
        case Focus():
            program.lens(node.lens)
        case Custom():
            _check_args(node.args)
            program.actions.get_node(node.use)
        case _:
            pass


def _check_functions(program: Program, *references: Any) -> None:
    for reference in references:
        if reference is not None:
            program.function(reference)


def _check_args(args: dict[str, Any]) -> None:
    try:
        as_json(args, "args")
    except ValueError as error:
        raise PlanError(str(error)) from None


def _check_limit(program: Program, name: str) -> None:
    limit = program.actions.get(name).limit
    if limit is not None and limit not in program.actions.rates:
        raise PlanError(
            f"action {name!r} goes by the limit {limit!r}, which has no rate; "
            f"set it with rate({limit!r}, calls, per_s)"
        )
