"""Plans: a small algebra of actions whose branches run side by side, and whose standing is data.

Nothing here knows agents or workers. Importing this package starts nothing.
"""

from reins.plans.actions import Actions, Rate
from reins.plans.building import (
    best_of,
    budget,
    choose,
    custom,
    focus,
    loop_while,
    parallel,
    race,
    retry,
    sequence,
    timeout,
)
from reins.plans.compiling import compile_plan
from reins.plans.context import Context, node_path
from reins.plans.drawing import to_mermaid
from reins.plans.errors import PlanError, PlanFailedError, PlanNameError
from reins.plans.judging import by_model, judge, measured
from reins.plans.lenses import Lens, check_laws, lens
from reins.plans.library import Library
from reins.plans.limiters import Limiters
from reins.plans.moves import Finish, Go, Here
from reins.plans.nodes import ALL, FIRST_COMPLETED, N_BEST, Limits, Node, Task
from reins.plans.outcome import Alarm, Chosen, Failure, Outcome, Replaced, Spent, outcome_of
from reins.plans.policy import (
    Figures,
    Scored,
    Selected,
    Utility,
    best,
    select,
    select_async,
)
from reins.plans.pool import Pool
from reins.plans.program import Program
from reins.plans.reading import PlanFormatError, Problem, from_json, located, schema
from reins.plans.result import Err, Fault, Ok, Result
from reins.plans.run import run_plan, run_plan_async
from reins.plans.running import PlanRun
from reins.plans.state import State, get_state, put_state
from reins.plans.stepping import Decision, Stepped, enter, step
from reins.plans.tree import (
    Choice,
    Leaf,
    Timer,
    choices,
    leaves,
    misfits,
    result,
    stalled,
    timers,
    with_left,
)
from reins.plans.writer import Writer
from reins.plans.writing import to_data, to_json

__all__ = [
    "ALL",
    "FIRST_COMPLETED",
    "N_BEST",
    "Actions",
    "Alarm",
    "Choice",
    "Chosen",
    "Context",
    "Decision",
    "Err",
    "Failure",
    "Fault",
    "Figures",
    "Finish",
    "Go",
    "Here",
    "Leaf",
    "Lens",
    "Library",
    "Limiters",
    "Limits",
    "Node",
    "Ok",
    "Outcome",
    "PlanError",
    "PlanFailedError",
    "PlanFormatError",
    "PlanNameError",
    "PlanRun",
    "Pool",
    "Problem",
    "Program",
    "Rate",
    "Replaced",
    "Result",
    "Scored",
    "Selected",
    "Spent",
    "State",
    "Stepped",
    "Task",
    "Timer",
    "Utility",
    "Writer",
    "best",
    "best_of",
    "budget",
    "by_model",
    "check_laws",
    "choices",
    "choose",
    "compile_plan",
    "custom",
    "enter",
    "focus",
    "from_json",
    "get_state",
    "judge",
    "leaves",
    "lens",
    "located",
    "loop_while",
    "measured",
    "misfits",
    "node_path",
    "outcome_of",
    "parallel",
    "put_state",
    "race",
    "result",
    "retry",
    "run_plan",
    "run_plan_async",
    "schema",
    "select",
    "select_async",
    "sequence",
    "stalled",
    "step",
    "timeout",
    "timers",
    "to_data",
    "to_json",
    "to_mermaid",
    "with_left",
]
