"""A tree of sessions as it stands: in the order of a page, who holds it up, its tasks."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from graphlib import CycleError, TopologicalSorter
from typing import Any, Literal

from pydantic import ValidationError

from reins.web.views.rows import Row, Wire

_ENDED = ("stopped", "completed")
_PAUSED = ("paused", "pausing")


class HoldsUp(Wire):
    """A session that lets its tree wait, and for what: a person, a budget, a resume."""

    session_id: str
    kind: Literal["asking", "held", "paused", "failed", "stuck"]
    text: str


class TaskRow(Wire):
    """A task of an orchestrator's plan. `critical`: on the path that takes longest so far.

    `result` is as its session reports it, `problem` what was wrong with the attempt before.
    """

    id: str
    worker: str
    brief: str
    acceptance: str
    needs: list[str]
    state: Literal["open", "running", "returned", "done", "failed", "dropped"]
    attempt: int
    session: str | None
    result: dict[str, Any] | None
    problem: str | None
    critical: bool


class TaskBoard(Wire):
    """The plan of one session of the tree, and the names of the workers that its tasks are for."""

    session_id: str
    workers: list[str]
    tasks: list[TaskRow]


class SharedFile(Wire):
    """A file that several sessions of the tree have changed; `sessions` in the tree's order."""

    path: str
    sessions: list[str]


def in_order(rows: Iterable[Row]) -> list[Row]:
    """Parents before their children, those of one parent as they were made."""
    below: dict[str | None, list[Row]] = {}
    there = {row["session_id"]: row for row in rows}
    for row in sorted(there.values(), key=lambda row: (row["created_at"] or "", row["session_id"])):
        parent = row["parent_session_id"]
        below.setdefault(parent if parent in there else None, []).append(row)
    found: list[Row] = []
    waiting = below.get(None, [])[::-1]
    while waiting:
        row = waiting.pop()
        found.append(row)
        waiting += below.get(row["session_id"], [])[::-1]
    return found


def holds_up(rows: Iterable[Row]) -> list[dict[str, Any]]:
    """In the shape of `HoldsUp`: who does not go on by itself.

    A pause is its parent's where that is paused too. A child that has failed holds nothing up: its
    parent answers for it.
    """
    unfinished = _unfinished(rows)
    paused = {row["session_id"] for row in unfinished if row["status"] in _PAUSED}
    found = []
    for row in unfinished:
        why = _why(row)
        if why is not None and not (why[0] == "paused" and row["parent_session_id"] in paused):
            found.append({"session_id": row["session_id"], "kind": why[0], "text": why[1]})
    return found


def stands_still(rows: Sequence[Row], held_up: Sequence[Mapping[str, Any]]) -> bool:
    """True if something is unfinished and nothing of it goes on by itself."""
    unfinished = _unfinished(rows)
    waiting = {each["session_id"] for each in held_up}
    return bool(unfinished) and all(
        row["session_id"] in waiting
        or row["status"] in _PAUSED
        or (row["waits"] or {}).get("kind") == "child"
        for row in unfinished
    )


def _unfinished(rows: Iterable[Row]) -> list[Row]:
    return [
        row
        for row in rows
        if row["status"] not in _ENDED
        and not (row["status"] == "failed" and row["parent_session_id"])
    ]


def boards(
    states: Iterable[tuple[str, Mapping[str, Any]]],
    rows: Sequence[Row],
    config_of: Callable[[str], Mapping[str, Any]],
) -> list[dict[str, Any]]:
    """In the shape of `TaskBoard`, from the states of the sessions that have a plan."""
    spans = {row["session_id"]: _span_s(row) for row in rows}
    found: list[dict[str, Any]] = []
    for session_id, state in states:
        tasks = _tasks_of(state)
        if tasks:
            critical = _critical(tasks, spans)
            found.append(
                {
                    "session_id": session_id,
                    "workers": [*(config_of(session_id).get("workers") or ("worker",))],
                    "tasks": [task | {"critical": task["id"] in critical} for task in tasks],
                }
            )
    return found


def shared_files(states: Iterable[tuple[str, Mapping[str, Any]]]) -> list[dict[str, Any]]:
    """In the shape of `SharedFile`, from the states of sessions that work in one folder."""
    changed: dict[str, list[str]] = {}
    for session_id, state in states:
        files = state.get("files_changed")
        for path in files if isinstance(files, list) else ():
            changed.setdefault(str(path), []).append(session_id)
    return [
        {"path": path, "sessions": sessions}
        for path, sessions in sorted(changed.items())
        if len(sessions) > 1
    ]


def _tasks_of(state: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The tasks of a plan; none where another type calls a field of its state by that name."""
    tasks = state.get("tasks")
    if not isinstance(tasks, list) or not isinstance(state.get("planned"), bool):
        return []
    rows = []
    for task in tasks:
        known = (
            {name: task.get(name) for name in TaskRow.model_fields}
            if isinstance(task, dict)
            else {}
        )
        try:
            rows.append(TaskRow.model_validate(known | {"critical": False}).model_dump())
        except ValidationError:
            return []
    return rows


def _why(row: Row) -> tuple[str, str] | None:
    waits = row["waits"] or {}
    if row["status"] == "failed":
        return "failed", row["error"] or "has failed"
    match waits.get("kind"):
        case "approval" | "question":
            return "asking", waits["reason"]
        case "stuck":
            return "stuck", waits["reason"]
        case "budget":
            return "held", waits["reason"]
    if row["status"] in _PAUSED:
        return "paused", "is paused, and waits for a resume"
    return None


def _span_s(row: Row) -> float:
    """Seconds of its life so far, as its rows tell."""
    began, last = row["created_at"], row["updated_at"]
    if not began or not last:
        return 0.0
    return (datetime.fromisoformat(last) - datetime.fromisoformat(began)).total_seconds()


def _critical(tasks: Sequence[Mapping[str, Any]], spans: Mapping[str, float]) -> set[str]:
    """The tasks of the chain of needs that has taken longest."""
    by_id = {task["id"]: task for task in tasks}
    graph = {
        name: [each for each in task.get("needs") or [] if each in by_id]
        for name, task in by_id.items()
    }
    try:
        order = [*TopologicalSorter(graph).static_order()]
    except CycleError:
        return set()  # a state written by hand
    longest: dict[str, float] = {}
    before: dict[str, str | None] = {}
    for name in order:
        before[name] = max(graph[name], key=lambda each: longest[each], default=None)
        came = before[name]
        own = spans.get(by_id[name].get("session") or "", 0.0)
        longest[name] = own + (longest[came] if came is not None else 0.0)
    last: str | None = max(longest, key=lambda each: longest[each], default=None)
    found: set[str] = set()
    while last is not None and longest[last] > 0:
        found.add(last)
        last = before[last]
    return found
