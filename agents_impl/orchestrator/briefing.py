"""The goal of a child, and what it has to know: its task, and what others have done for it."""

from collections.abc import Mapping

from agents_impl.orchestrator.models import Task

ACCEPTED_IF = "\n\nAccepted if: "


def goal_of(task: Task) -> str:
    return task.brief + (f"{ACCEPTED_IF}{task.acceptance}" if task.acceptance else "")


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
    return found
