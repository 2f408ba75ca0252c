"""Workers: the kinds of children that an agent may have, and how one is given its work."""

from collections.abc import Collection, Mapping, Sequence
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from agent_core.agent.creation import CreateError
from agent_core.children.children import ChildEnd
from agent_core.session.status import Status


def _name(value: object) -> object:
    if isinstance(value, str) and (
        value != value.strip() or not value.isprintable() or ":" in value
    ):
        raise ValueError(
            f"the worker's name is {value!r:.60}; expected one that can be seen, without a colon "
            "and without spaces around it"
        )
    return value


WorkerName = Annotated[str, Field(min_length=1, max_length=40), BeforeValidator(_name)]
FACT_CHARS = 1_000


class Worker(BaseModel):
    """One kind of child: its type, what it is good for, and the configuration that it begins with.

    `config` holds further fields of its type's configuration; a goal is given by each task.
    """

    model_config = ConfigDict(extra="forbid")

    agent_type: str = Field(default="task", description="a type whose configuration has a goal")
    brief: str = Field(default="", max_length=400, description="what it is good for")
    tools: list[str] | None = Field(
        default=None, description="names, sets, patterns; default: its type's"
    )
    config: dict[str, Any] = Field(default={}, description="further fields of its configuration")


def config_of(
    worker: Worker,
    goal: str,
    facts: Sequence[str],
    *,
    fields: Collection[str],
    workspace: str | None,
    route: str | None,
) -> dict[str, Any]:
    """The worker's own configuration, and what it is to do on top.

    `fields` are those that its type knows. Raises: CreateError where a goal is none of them.
    """
    if "goal" not in fields:
        raise CreateError(
            f"agents of type {worker.agent_type} take no goal; expected a type whose configuration "
            "has the field goal, such as task or orchestrator"
        )
    given = {
        "goal": goal, "facts": [each[:FACT_CHARS] for each in facts], "tools": worker.tools,
        "workspace": workspace, "route": worker.config.get("route", route),
    }  # fmt: skip
    return worker.config | {
        name: value for name, value in given.items() if value is not None and name in fields
    }


def cards(workers: Mapping[str, Worker]) -> list[str]:
    """Each worker in a line: its name, what it is good for, and its tools."""
    return [
        f"{name}: {worker.brief or worker.agent_type}"
        + (f" (tools: {', '.join(worker.tools)})" if worker.tools else "")
        for name, worker in workers.items()
    ]


def told(end: ChildEnd) -> tuple[str, str]:
    """How a child ended, in a word and in its own: `destroyed`, `crashed`, or what it reports."""
    report = end.report or {}
    if end.status is Status.STOPPED:
        return "destroyed", "its session was destroyed"
    if end.status is Status.FAILED:
        return "crashed", end.error or "its session failed"
    return str(report.get("status") or "done"), str(report.get("summary") or end.output or "")
