"""How a parallel goes on: who wins, who is cancelled, and when its branches are joined."""

import math
from typing import Any

from reins.plans.composing import Plain, bound_words
from reins.plans.joining import ConflictError, joined
from reins.plans.json_value import as_json, same
from reins.plans.moves import Ended, Finish, FunctionError, Go, Here, Move, Why
from reins.plans.nodes import FIRST_COMPLETED, N_BEST
from reins.plans.paths import place
from reins.plans.result import Err, Fault, Ok

_SAME: dict[str, Any] = {}
"""The end of a branch that left its state as it was: the tree needs no copy."""


class ParallelBehaviour(Plain):
    """Branches are named by their places, so neither ends nor their order change the join.

    Memory: the end of each branch in the order in which they came, `{"state": …}`,
    `{"error": …}` or `{}`.
    """

    keeps_input = True

    def enter(self, here: Here) -> Move:
        if not here.items:
            return Finish(Ok(here.state))
        begin = {str(index): here.state for index in range(len(here.items))}
        return Go(begin, memory={}, wait_s=here.node.timeout_s)

    def step(self, here: Here, segment: str, result: Ended) -> Move:
        if isinstance(result, Ok) and here.node.policy == FIRST_COMPLETED:
            return Finish(result, f"branch {segment} won")
        if isinstance(result, Err) and self._on_error(here) == "cancel":
            return Finish(result, f"branch {segment} failed")
        ends = {**here.memory, segment: _end(here, result)}
        if here.live:
            return Go(memory=ends)
        return self._over(here, ends)

    def alarm(self, here: Here, why: Why) -> Move:
        words = bound_words(here.node, why)
        if here.node.policy == N_BEST and any("error" not in end for end in here.memory.values()):
            return self._over(here, here.memory, words)
        return Finish(here.fault(why, words, _faults(here.memory)), why)

    def _on_error(self, here: Here) -> str:
        if here.node.on_error is not None:
            return str(here.node.on_error)
        return "cancel" if here.node.policy == "ALL" else "ignore"

    def _over(self, here: Here, ends: dict[str, Any], because: str | None = None) -> Move:
        faults, states = _faults(ends), _states(here, ends)
        if faults and self._on_error(here) == "wait":
            return Finish(here.fault("action", _failed_words(faults, here), faults))
        if not states:
            return Finish(here.fault("no_success", _failed_words(faults, here), faults))
        if here.node.policy == N_BEST:
            return self._best(here, states, because)
        return Finish(self._joined(here, states), because)

    def _best(self, here: Here, states: dict[int, Any], because: str | None) -> Move:
        scores = {index: _score(here, state) for index, state in states.items()}
        ranked = sorted(scores, key=lambda index: (-scores[index], index))
        taken = ranked[: here.node.n or 1]
        words = ", ".join(f"branch {index} at {scores[index]:g}" for index in taken)
        told = f"took {words}" + (f"; {because}" if because else "")
        if here.node.combiner is None:
            return Finish(Ok(states[taken[0]]), told)
        return Finish(self._joined(here, {index: states[index] for index in taken}), told)

    def _joined(self, here: Here, states: dict[int, Any]) -> Ended:
        if here.node.combiner is None:
            try:
                return Ok(joined(here.state, states))
            except ConflictError as error:
                return here.fault("conflict", str(error))
        made = here.call("combiner", here.node.combiner, here.state, list(states.values()))
        return Ok(as_json(made, "what the combiner gave"))


def _end(here: Here, result: Ended) -> dict[str, Any]:
    if isinstance(result, Err):
        return {"error": result.error.as_json()}
    return _SAME if same(result.value, here.state) else {"state": result.value}


def _faults(ends: dict[str, Any]) -> tuple[Fault, ...]:
    found = [(place(segment), end["error"]) for segment, end in ends.items() if "error" in end]
    return tuple(Fault.from_json(error) for _, error in sorted(found, key=lambda each: each[0]))


def _states(here: Here, ends: dict[str, Any]) -> dict[int, Any]:
    """The states of the branches that succeeded, by branch and in that order."""
    found = {
        place(segment): end.get("state", here.state)
        for segment, end in ends.items()
        if "error" not in end
    }
    return {index: found[index] for index in sorted(found)}


def _score(here: Here, state: Any) -> float:
    score = here.call("evaluator", here.node.evaluator, state)
    if not isinstance(score, int | float) or not math.isfinite(score):
        raise FunctionError(f"the evaluator gave {score!r:.80}; expected a finite number")
    return score


def _failed_words(faults: tuple[Fault, ...], here: Here) -> str:
    first = f"; the first: {faults[0]}" if faults else ""
    return f"{len(faults)} of {len(here.items)} branches failed{first}"
