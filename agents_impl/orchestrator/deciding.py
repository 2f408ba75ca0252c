"""The four things that a model is asked for: a plan, a verdict, a new plan, a summing up."""

from collections.abc import Mapping, Sequence
from typing import Literal

import orjson
from pydantic import BaseModel, Field, ValidationError

from agent_core.agent.guidance import problems
from agents_impl.orchestrator.models import PlannedTask, Task
from agents_impl.orchestrator.plan import PlanError, told
from agents_impl.workers import Worker, cards
from reins.llm import Model
from reins.tools.outcome import bounded

_RESULT_BYTES = 4 * 1024


class Draft(BaseModel):
    """A task as a model gives it; `PlannedTask` says what fits."""

    id: str
    worker: str
    brief: str
    acceptance: str = ""
    needs: list[str] = []


class Plan(BaseModel):
    """The tasks of a plan, as a model gives them."""

    tasks: list[Draft] = Field(min_length=1)

    def planned(self) -> list[PlannedTask]:
        """Raises: PlanError."""
        try:
            return [PlannedTask.model_validate(each.model_dump()) for each in self.tasks]
        except ValidationError as error:
            raise PlanError(f"a task does not fit: {problems(error)}") from None


class Verdict(BaseModel):
    """A result against what was asked: take it, try once more, or plan anew."""

    verdict: Literal["accept", "again", "replan"]
    reason: str


class Synthesis(BaseModel):
    """The end of the work: how it came out, and the answer to the goal."""

    status: Literal["done", "failed", "blocked"]
    summary: str


async def plan(
    model: Model,
    goal: str,
    workers: Mapping[str, Worker],
    most: int,
    *,
    guidance: Sequence[str],
    facts: Sequence[str],
    problem: str | None,
) -> list[PlannedTask]:
    """Raises: PlanError, ModelError."""
    answer = await model.structured(
        "PlanTasks", Plan, goal=goal, workers=cards(workers), most=most,
        guidance=list(guidance), facts=list(facts), problem=problem,
    )  # fmt: skip
    return answer.value.planned()


async def judge(model: Model, goal: str, task: Task) -> Verdict:
    """Raises: ModelError."""
    result = "" if task.result is None else orjson.dumps(task.result.model_dump()).decode()
    answer = await model.structured(
        "JudgeResult", Verdict, goal=goal, task=task.brief, acceptance=task.acceptance,
        attempt=task.attempt, result=bounded(result, _RESULT_BYTES),
    )  # fmt: skip
    return answer.value


async def replan(
    model: Model,
    goal: str,
    workers: Mapping[str, Worker],
    tasks: Sequence[Task],
    most: int,
    *,
    guidance: Sequence[str],
    why: str,
    problem: str | None,
) -> list[PlannedTask]:
    """The tasks that come after what is done or under way. Raises: PlanError, ModelError."""
    answer = await model.structured(
        "ReplanTasks", Plan, goal=goal, workers=cards(workers), tasks=[*map(told, tasks)],
        most=most, guidance=list(guidance), why=why, problem=problem,
    )  # fmt: skip
    return answer.value.planned()


async def sum_up(
    model: Model, goal: str, tasks: Sequence[Task], guidance: Sequence[str]
) -> Synthesis:
    """Raises: ModelError."""
    answer = await model.structured(
        "SumUpTasks", Synthesis, goal=goal, tasks=[*map(told, tasks)], guidance=list(guidance)
    )
    return answer.value
