"""A plan and its registry made into a program; what a plan leaves open comes in here."""

import dataclasses
from collections.abc import Callable
from typing import Any

from reins.plans import nodes
from reins.plans.actions import Actions
from reins.plans.building import Plan
from reins.plans.errors import PlanError
from reins.plans.nodes import Choose, Node, Parallel
from reins.plans.program import Program, check_names, check_size

ChooseFunction = Callable[[list[Any]], int]
AggregateFunction = Callable[[list[Any]], Any]


def compile_plan(
    actions: Actions,
    plan: Plan,
    *,
    choose_fn: ChooseFunction | None = None,
    aggregate_fn: AggregateFunction | None = None,
) -> Program:
    """The plan, checked, with its functions.

    With `choose_fn`, a `choose` without a selector does all its items side by side, and goes on
    with the state whose place the function gives. With `aggregate_fn`, a `parallel` with the policy
    ALL and without a combiner goes on with what the function makes of the list of states. Both
    lists are in the order of the items. Raises: PlanError.
    """
    plan = nodes.Task(plan) if isinstance(plan, str) else plan
    if not isinstance(plan, tuple(nodes.KINDS.values())):
        raise PlanError(f"expected a plan or the name of an action, given {plan!r:.80}")
    check_size(plan)
    if choose_fn is not None or aggregate_fn is not None:
        plan = _filled(plan, _choosing(choose_fn), _aggregating(aggregate_fn))
        check_size(plan)  # a choice of one has become all of them at once
    program = Program(plan, actions)
    check_names(program)
    return program


Combiner = Callable[[Any, list[Any]], Any]


def _choosing(choose_fn: ChooseFunction | None) -> Combiner | None:
    return choose_fn and (lambda _state, outputs: outputs[choose_fn(outputs)])


def _aggregating(aggregate_fn: AggregateFunction | None) -> Combiner | None:
    return aggregate_fn and (lambda _state, outputs: aggregate_fn(outputs))


def _filled(node: Node, choosing: Combiner | None, aggregating: Combiner | None) -> Node:
    """The plan with combiners where it left the decision open."""
    changed: dict[str, Any] = {}
    if hasattr(node, "items"):
        changed["items"] = tuple(_filled(each, choosing, aggregating) for each in node.items)
    elif hasattr(node, "item"):
        changed["item"] = _filled(node.item, choosing, aggregating)
    if isinstance(node, Choose) and node.selector is None and choosing is not None:
        return Parallel(changed["items"], combiner=choosing)
    if isinstance(node, Parallel) and node.policy == nodes.ALL and node.combiner is None:
        changed["combiner"] = aggregating
    return dataclasses.replace(node, **changed)
