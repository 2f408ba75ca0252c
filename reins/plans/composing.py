"""How nodes with one child at a time go on: sequence, choose, focus, loop, retry, bounds."""

from typing import Any

from reins.plans import paths
from reins.plans.json_value import as_json
from reins.plans.lenses import broken_law
from reins.plans.moves import Ended, Finish, FunctionError, Go, Here, Move, Why
from reins.plans.naming import unknown
from reins.plans.nodes import Task
from reins.plans.result import Err, Ok


class Plain:
    """A kind that hands the end of its child on, and has no alarm."""

    keeps_input = False

    def step(self, _here: Here, _segment: str, result: Ended) -> Move:
        return Finish(result)

    def alarm(self, here: Here, why: Why) -> Move:
        """The end of a node whose time is over, or whose budget is spent."""
        return Finish(here.fault(why, bound_words(here.node, why)), why)


class SequenceBehaviour(Plain):
    """One after the other; the first fault ends it."""

    def enter(self, here: Here) -> Move:
        return self._begin(here, 0, here.state)

    def step(self, here: Here, segment: str, result: Ended) -> Move:
        if isinstance(result, Err):
            return Finish(result)
        return self._begin(here, paths.place(segment) + 1, result.value)

    def _begin(self, here: Here, index: int, state: Any) -> Move:
        if index == len(here.items):
            return Finish(Ok(state))
        return Go({str(index): state})


class ChooseBehaviour(Plain):
    """One of the items. Its segment in the tree is the decision."""

    def enter(self, here: Here) -> Move:
        chosen = here.call("selector", here.node.selector, here.state)
        index = _index(here, chosen)
        return Go({str(index): here.state}, because=f"chose {index}")

    def instead(self, here: Here, item: int) -> Move:
        """Another item from the node's own state, in a turn of its own: the first may run again."""
        turn = (here.memory or 1) + 1
        began = {f"{item}#{turn}": here.state}
        return Go(began, memory=turn, cancel=here.live, because=f"was told to choose {item}")


def _index(here: Here, chosen: object) -> int:
    """The item that a selector means. Raises: FunctionError."""
    items = here.items
    if isinstance(chosen, int) and 0 <= chosen < len(items):
        return int(chosen)
    names = {item.name: index for index, item in enumerate(items) if isinstance(item, Task)}
    if isinstance(chosen, str):
        if chosen in names:
            return names[chosen]
        raise FunctionError(f"the selector chose {chosen!r}: {unknown('task', chosen, names)}")
    raise FunctionError(
        f"the selector chose {chosen!r:.80}; expected a place from 0 to {len(items) - 1}, "
        f"or the name of one of the tasks"
    )


class FocusBehaviour(Plain):
    """A plan on a part; the node keeps the outer state, and the laws are checked on the way."""

    keeps_input = True

    def enter(self, here: Here) -> Move:
        lens = here.resolver.lens(here.node.lens)
        try:
            part = as_json(lens.get(as_json(here.state)), "the part")
            broken = broken_law(lens, as_json(here.state), part)
        except Exception as error:
            raise FunctionError(f"{_lens(here)} raised {type(error).__name__}: {error}") from error
        if broken:
            raise FunctionError(f"{_lens(here)} breaks a law of lenses: {broken}")
        return Go({"0": part})

    def step(self, here: Here, _segment: str, result: Ended) -> Move:
        if isinstance(result, Err):
            return Finish(result)
        lens = here.resolver.lens(here.node.lens)
        try:
            after = as_json(lens.set(as_json(here.state), as_json(result.value)))
            given = lens.get(after)
        except Exception as error:
            raise FunctionError(f"{_lens(here)} raised {type(error).__name__}: {error}") from error
        if given != result.value:
            raise FunctionError(
                f"{_lens(here)} breaks a law of lenses: get(set(state, value)) must give the value"
            )
        return Finish(Ok(after))


def _lens(here: Here) -> str:
    return f"lens {here.node.lens!r}" if isinstance(here.node.lens, str) else "lens"


class LoopBehaviour(Plain):
    """Turns, numbered from 1 by their segments."""

    def enter(self, here: Here) -> Move:
        return self._turn(here, 1, here.state)

    def step(self, here: Here, segment: str, result: Ended) -> Move:
        if isinstance(result, Err):
            return Finish(result)
        return self._turn(here, int(segment.partition("#")[2]) + 1, result.value)

    def _turn(self, here: Here, turn: int, state: Any) -> Move:
        if not here.call("condition", here.node.condition, state):
            return Finish(Ok(state), f"{turn - 1} turns")
        if turn > here.node.max_turns:
            return Finish(
                here.fault("limit", f"not over after {here.node.max_turns} turns (max_turns)")
            )
        return Go({f"0#{turn}": state})


class RetryBehaviour(Plain):
    """Attempts, numbered from 1 by their segments; each begins with the node's own state."""

    keeps_input = True

    def enter(self, here: Here) -> Move:
        return Go({"0~1": here.state})

    def step(self, here: Here, segment: str, result: Ended) -> Move:
        attempt = int(segment.partition("~")[2])
        if isinstance(result, Ok) or attempt >= here.node.attempts:
            return Finish(result)
        because = f"attempt {attempt} failed: {result.error}"
        wait_s = here.node.delay_s * here.node.factor ** (attempt - 1)
        if wait_s > 0:
            return Go(memory=attempt, wait_s=wait_s, because=because)
        return Go({f"0~{attempt + 1}": here.state}, because=because)

    def alarm(self, here: Here, why: Why) -> Move:
        if why == "timeout" and here.memory is not None:
            return Go({f"0~{here.memory + 1}": here.state})
        return super().alarm(here, why)


class TimeoutBehaviour(Plain):
    """A plan within its time."""

    def enter(self, here: Here) -> Move:
        return Go({"0": here.state}, wait_s=here.node.timeout_s)


class BudgetBehaviour(Plain):
    """A plan within its limits, which `stepping` counts."""

    def enter(self, here: Here) -> Move:
        return Go({"0": here.state})


class ReturnedBehaviour(Plain):
    """The plan that an action has returned, in the action's place."""

    def enter(self, here: Here) -> Move:
        return Go({paths.RETURNED: here.state})


def bound_words(node: Any, why: Why) -> str:
    """The words for a bound that was reached."""
    if why == "timeout":
        return f"not over after {node.timeout_s:g} s"
    limits = getattr(node, "limits", None) or node.budget
    named = {name: getattr(limits, name) for name in ("tokens", "cost_usd", "tasks")}
    given = ", ".join(f"{name} {most:g}" for name, most in named.items() if most is not None)
    return f"its budget is spent ({given})"
