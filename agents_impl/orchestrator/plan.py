"""The plan as a graph of tasks: checked, what is ready, what is over, what stands still."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter

from agents_impl.orchestrator.models import EditPlan, PlannedTask, Task
from reins.llm.text import one_line

_SHOWN = 60
_MOST_DROPPED = 40


class PlanError(ValueError):
    """A plan cannot be worked off as it is; the message says why."""


def checked(
    planned: Iterable[PlannedTask], kept: Sequence[Task], workers: Collection[str], most: int
) -> list[Task]:
    """The kept tasks and the planned ones after them. Raises: PlanError."""
    tasks = [*kept]
    for each in planned:
        if any(each.id == other.id for other in tasks):
            raise PlanError(f"two tasks are named {each.id}; give each a name of its own")
        tasks.append(Task(**each.model_dump(include=set(PlannedTask.model_fields))))
    check(tasks, workers, most)
    return tasks


def check(tasks: Sequence[Task], workers: Collection[str], most: int) -> None:
    """Raises: PlanError."""
    live = [task for task in tasks if task.state != "dropped"]
    if not live:
        raise PlanError("the plan has no task; expected one at least")
    if len(live) > most:
        raise PlanError(f"the plan has {len(live)} tasks; expected {most} at the most")
    there = {task.id for task in live}
    for task in live:
        if task.worker not in workers:
            raise PlanError(
                f"task {task.id} is for {task.worker!r}; expected one of {', '.join(workers)}"
            )
        if not task.over and (unknown := [each for each in task.needs if each not in there]):
            raise PlanError(f"task {task.id} needs {unknown[0]!r}, which is no task of the plan")
    try:
        TopologicalSorter({task.id: task.needs for task in live}).prepare()
    except CycleError as error:
        circle = " → ".join(error.args[1])
        raise PlanError(f"tasks need each other in a circle: {circle}") from None


def edited(
    tasks: Sequence[Task], edit: EditPlan, workers: Collection[str], most: int
) -> list[Task]:
    """The tasks after a person's edit of what has not begun. Raises: PlanError."""
    by_id = {task.id: task for task in tasks}
    for name in (*edit.drop, *(each.id for each in edit.put)):
        known = by_id.get(name)
        if known is not None and (known.state != "open" or known.attempt):
            raise PlanError(f"task {name} has begun; steer its session instead ({known.session})")
    if missing := [name for name in edit.drop if name not in by_id]:
        raise PlanError(f"there is no task {missing[0]!r}; there are {', '.join(by_id)}")
    put = {each.id for each in edit.put}
    kept = [task for task in tasks if task.id not in put and task.id not in edit.drop]
    gone = set(edit.drop)
    for task in kept:
        if not task.over and not gone.isdisjoint(task.needs):
            task.needs = [each for each in task.needs if each not in gone]
    made = checked(edit.put, kept, workers, most)
    for task in made:
        task.given |= task.id in put
    return made


def kept_of(tasks: Sequence[Task]) -> list[Task]:
    """The tasks that stay when the plan is made anew: those that were ever begun, or that a person
    put there.

    One that waited for another attempt is dropped, and is kept for what its sessions were.
    """
    kept = []
    for task in tasks:
        if task.state != "open" or (task.given and not task.attempt):
            kept.append(task)
        elif task.attempt:
            cut: dict[str, object] = {
                "state": "dropped",
                "brief": task.brief[:_SHOWN],
                "result": None,
                "needs": [],
            }
            kept.append(task.model_copy(update=cut))
    dropped = [task for task in kept if task.state == "dropped"]
    forgotten = {task.id for task in dropped[:-_MOST_DROPPED]}
    there = {task.id for task in kept if task.state not in ("dropped", "failed")}
    return [
        task if task.state != "open" else _needing_only(task, there)
        for task in kept
        if task.id not in forgotten
    ]


def _needing_only(task: Task, there: Collection[str]) -> Task:
    """The task without the needs that are gone: they would hold it up for good."""
    return task.model_copy(update={"needs": [each for each in task.needs if each in there]})


def ready(tasks: Sequence[Task]) -> list[Task]:
    """Open tasks whose needs are done, in the plan's order."""
    done = {task.id for task in tasks if task.state == "done"}
    return [task for task in tasks if task.state == "open" and done.issuperset(task.needs)]


def in_state(tasks: Sequence[Task], state: str) -> list[Task]:
    return [task for task in tasks if task.state == state]


def is_over(tasks: Sequence[Task]) -> bool:
    """True if no task is left that could still be done."""
    return all(task.over for task in tasks)


def stands_still(tasks: Sequence[Task]) -> list[Task]:
    """Open tasks that nothing leads to any more: what they need has failed, or was dropped."""
    moving = any(task.state in ("running", "returned") for task in tasks)
    return [] if moving or ready(tasks) else in_state(tasks, "open")


def told(task: Task) -> str:
    """A task in a line, for a model."""
    needs = f", after {', '.join(task.needs)}" if task.needs else ""
    accepted = f" Accepted if: {task.acceptance}" if task.acceptance else ""
    came = "" if task.result is None else f" Result ({task.result.status}): {task.result.summary}"
    return f"{task.id} for {task.worker}{needs}, {task.state}: {task.brief}{accepted}{came}"


def shown(tasks: Sequence[Task]) -> str:
    """The plan in a line, for a row."""
    return "; ".join(f"{task.id} {task.worker}: {one_line(task.brief, _SHOWN)}" for task in tasks)


def as_payload(tasks: Sequence[Task]) -> list[Mapping[str, object]]:
    """The plan as a row has it: enough for a board, without results."""
    return [
        task.model_dump(include={"id", "worker", "needs", "state", "attempt", "session"})
        | {"brief": task.brief[:200]}
        for task in tasks
    ]
