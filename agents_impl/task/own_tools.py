"""Tools that the agent itself answers: to ask a person, and to end its work."""

from collections.abc import Sequence
from typing import Annotated, Literal, NoReturn

from pydantic import Field

from reins.tools.declaring import tool
from reins.tools.tool import Tool

_Line = Annotated[str, Field(max_length=1_000)]


def _own() -> NoReturn:
    raise RuntimeError("the agent answers this call itself")


@tool(risk="low", idempotent=True)
async def finish(
    status: Literal["done", "failed", "blocked"],
    summary: Annotated[str, Field(min_length=1, max_length=2_000, description="what was done")],
    files: Annotated[Sequence[_Line], Field(max_length=200)] = (),
    facts: Annotated[Sequence[_Line], Field(max_length=50, description="what was found out")] = (),
) -> str:
    """End the work on the goal: done, failed, or blocked by something that others have to do."""
    del status, summary, files, facts
    _own()


@tool(risk="low", idempotent=True)
async def ask_person(
    question: Annotated[str, Field(min_length=1, max_length=2_000)],
) -> str:
    """Ask the people you work for what you cannot know or decide yourself; wait for the answer."""
    del question
    _own()


@tool(risk="low")
async def delegate(
    worker: Annotated[str, Field(min_length=1, max_length=40, description="its name")],
    brief: Annotated[str, Field(min_length=1, max_length=4_000, description="all it has to know")],
) -> str:
    """Give a piece of the work to a worker of yours; wait for its result."""
    del worker, brief
    _own()


@tool(risk="low", idempotent=True)
async def read_log(
    child: Annotated[str, Field(min_length=1, max_length=256, description="the session's id")],
    after_seq: Annotated[int, Field(ge=0, description="rows after this one")] = 0,
) -> str:
    """Read what a worker of yours has done, row by row."""
    del child, after_seq
    _own()


OWN: dict[str, Tool] = {each.name: each for each in (ask_person, finish)}
DELEGATION: dict[str, Tool] = {each.name: each for each in (delegate, read_log)}
"""Of a task that has workers."""
