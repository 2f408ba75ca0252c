"""The configuration of a child: its task as a goal, with what it has to know."""

from collections.abc import Collection, Mapping
from typing import Any

from agent_core.agent.creation import CreateError
from agents_impl.orchestrator.models import Task, Worker

ACCEPTED_IF = "\n\nAccepted if: "
_FACT_CHARS = 1_000


def config_for(
    task: Task,
    worker: Worker,
    tasks: Mapping[str, Task],
    *,
    fields: Collection[str],
    workspace: str | None,
    route: str | None,
) -> dict[str, Any]:
    """The worker's own configuration, and the task's on top; `tasks` are those that it needs.

    `fields` are those that its type knows. Raises: CreateError where a goal is none of them.
    """
    if "goal" not in fields:
        raise CreateError(
            f"agents of type {worker.agent_type} take no goal; expected a type whose configuration "
            "has the field goal, such as task or orchestrator"
        )
    goal = task.brief + (f"{ACCEPTED_IF}{task.acceptance}" if task.acceptance else "")
    given = {
        "goal": goal, "facts": facts_for(task, tasks), "tools": worker.tools,
        "workspace": workspace, "route": worker.config.get("route", route),
    }  # fmt: skip
    return worker.config | {
        name: value for name, value in given.items() if value is not None and name in fields
    }


def facts_for(task: Task, tasks: Mapping[str, Task]) -> list[str]:
    """The results of what it needs, and what was wrong with the attempt before."""
    found = []
    for name in task.needs:
        other = tasks.get(name)
        if other is not None and other.result is not None:
            files = f" (files: {', '.join(other.result.files)})" if other.result.files else ""
            found.append(f"{other.worker} did {name}: {other.result.summary}{files}")
    if task.problem:
        found.append(f"The attempt before was not accepted: {task.problem}")
    return [each[:_FACT_CHARS] for each in found]
