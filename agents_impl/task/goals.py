"""The goals of a task: one at a time, others that wait, and what came of those before."""

from agent_core.agent.guidance import GuidanceRejectedError
from agents_impl.task.bounds import FACTS_BYTES, FILES_BYTES, GOALS_BYTES, newest
from agents_impl.task.models import Result, SetGoal, TaskConfig, TaskState
from reins.llm.tokens import size_of

_SHOWN = 80
_RESULTS = 5
_FACTS = 40
_SUMMARY_CHARS = 400
_GOAL_CHARS = 200
_LAST_GOAL_CHARS = 1_000


def begin(state: TaskState, goal: str, config: TaskConfig) -> None:
    """Work towards this goal from the next thought on."""
    state.goal = goal
    state.thoughts = 0
    state.allowed = config.max_iterations
    state.recent = []
    state.warned = False
    state.unreadable = 0
    state.noted = None


def take(state: TaskState, order: SetGoal, config: TaskConfig) -> str:
    """Take a goal that guidance sets; returns in a line what it changes.

    Raises: GuidanceRejectedError.
    """
    shown = order.goal[:_SHOWN]
    if not state.goal:
        begin(state, order.goal, config)
        return f"goal: {shown}"
    match order.when_busy or config.when_busy:
        case "replace":
            if state.pending is not None:
                state.pending.dropped = "the goal was replaced"
            _remember(state, Result(status="replaced", goal=state.goal, summary=""))
            begin(state, order.goal, config)
            return f"goal replaced: {shown}"
        case "reject":
            raise GuidanceRejectedError(
                f"it works towards a goal ({state.goal[:_SHOWN]}) and takes no other meanwhile; "
                "wait until it is idle, or give when_busy queue or replace"
            )
        case _:
            if len(state.goals) >= config.max_goals:
                raise GuidanceRejectedError(
                    f"{len(state.goals)} goals wait already, the most that may (max_goals)"
                )
            waiting = [*state.goals, order.goal]
            if sum(map(size_of, waiting)) > GOALS_BYTES:
                raise GuidanceRejectedError(
                    f"the goals that wait are more than {GOALS_BYTES:,} bytes together; put the "
                    "longer ones into a file of the workspace and name that"
                )
            state.goals = waiting
            return f"goal {len(state.goals)} in line: {shown}"


def finish(state: TaskState, result: Result, config: TaskConfig) -> bool:
    """The goal is over; the next in line begins. True where the session has nothing more to do."""
    _remember(state, result)
    state.finished += 1
    facts = [*dict.fromkeys([*state.facts, *result.facts])][-_FACTS:]
    state.facts = newest(facts, FACTS_BYTES)
    if state.goals:
        goal, *state.goals = state.goals
        begin(state, goal, config)
        return False
    state.goal = ""
    return config.when_finished == "complete"


def _remember(state: TaskState, result: Result) -> None:
    """Keep what came of it: the newest nearly whole, those before in short."""
    result = result.model_copy(
        update={
            "goal": result.goal[:_LAST_GOAL_CHARS],
            "files": newest(result.files, FILES_BYTES),
            "facts": newest(result.facts, FACTS_BYTES),
        }
    )
    state.goals_done = [*map(_short, state.goals_done), result][-_RESULTS:]


def _short(result: Result) -> Result:
    cut = {
        "goal": result.goal[:_GOAL_CHARS],
        "summary": result.summary[:_SUMMARY_CHARS],
        "files": [],
        "facts": [],
    }
    return result.model_copy(update=cut)
