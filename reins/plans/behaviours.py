"""The kinds of nodes, each with how it goes on."""

from dataclasses import replace

from reins.plans import composing, paths
from reins.plans.branching import ParallelBehaviour
from reins.plans.json_value import as_json
from reins.plans.moves import Behaviour, Ended, Finish, FunctionError, Go, Here, Move, Why
from reins.plans.program import Program
from reins.plans.tree import Frame

_KINDS: dict[str, Behaviour] = {
    "sequence": composing.SequenceBehaviour(),
    "parallel": ParallelBehaviour(),
    "choose": composing.ChooseBehaviour(),
    "focus": composing.FocusBehaviour(),
    "loop_while": composing.LoopBehaviour(),
    "retry": composing.RetryBehaviour(),
    "timeout": composing.TimeoutBehaviour(),
    "budget": composing.BudgetBehaviour(),
    paths.RETURNED_KIND: composing.ReturnedBehaviour(),
}


def behaviour_of(program: Program, frame: Frame) -> Behaviour:
    """The way in which a node goes on. Raises: PlanError for a node of one's own that is gone."""
    kind = frame.tree["kind"]
    return _Custom(program, frame.node.use) if kind == "node" else _KINDS[kind]


class _Custom(composing.Plain):
    """A node of one's own: its functions get copies, and what they give is checked."""

    keeps_input = True

    def __init__(self, program: Program, name: str) -> None:
        self._functions = program.actions.get_node(name)

    def enter(self, here: Here) -> Move:
        return _clean(self._functions.enter(_copied(here)), here)

    def step(self, here: Here, segment: str, result: Ended) -> Move:
        return _clean(self._functions.step(_copied(here), segment, result), here)

    def alarm(self, here: Here, why: Why) -> Move:
        """The move at the end of a wait, by the function for it, if there is one."""
        if self._functions.alarm is None:
            return Finish(here.fault(why, "its wait is over, and it has no alarm"))
        return _clean(self._functions.alarm(_copied(here)), here)


def _copied(here: Here) -> Here:
    return replace(here, state=as_json(here.state), memory=as_json(here.memory))


def _clean(move: Move, here: Here) -> Move:
    """The move with JSON in it. Raises: FunctionError, ValueError."""
    if isinstance(move, Finish):
        return replace(move, result=move.result.map(as_json))
    if not isinstance(move, Go):
        raise FunctionError(f"it gave {move!r:.80}; expected Go or Finish")
    for segment in move.begin:
        if not paths.is_segment(segment) or paths.place(segment) >= len(here.items):
            raise FunctionError(
                f"it begins {segment!r}; expected the place of one of its {len(here.items)} items, "
                f"as '0', with a turn, as '0#2', where it begins again"
            )
    begin = {segment: as_json(state) for segment, state in move.begin.items()}
    return replace(move, begin=begin, memory=as_json(move.memory, "memory"))
