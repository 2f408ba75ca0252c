"""The tools that agents can use."""

from typing import Any, Literal

from reins.tools import ToolModuleError
from reins.tools.describing import described
from reins.web.api.context import api_context
from reins.web.http.openapi import group
from reins.web.http.problem import RequestRefusedError
from reins.web.views.rows import Wire

api = group("tools", "agents")


class Rate(Wire):
    """So many calls in so many seconds."""

    calls: int
    per_s: float


class ToolPolicy(Wire):
    """Bounds of a tool's calls, in seconds. `raised_by_arguments`: some make it riskier."""

    why: str
    timeout_s: float
    idempotent: bool
    cancellable: bool
    killable: bool
    outward: bool
    brings_in: bool
    attempts: int
    rate: Rate | None
    at_once: int
    breaker_failures: int | None
    breaker_open_s: float
    money_usd: float
    raised_by_arguments: bool


class Tool(Wire):
    """A tool: `group` is the set in which it can be chosen, `signature` its input in a line."""

    name: str
    group: str
    description: str
    risk: Literal["low", "medium", "high"]
    signature: str
    input_schema: dict[str, Any]
    cancellable: bool
    policy: ToolPolicy


class ToolList(Wire):
    items: list[Tool]
    next_cursor: None


@api.get("/api/tools", responses={200: ToolList})
def list_tools() -> dict[str, Any]:
    """The tools there are, by their sets."""
    try:
        tools = api_context().bridge.tools()
    except ToolModuleError as error:
        raise RequestRefusedError(503, str(error)) from None
    ordered = sorted(tools.values(), key=lambda each: (each.group, each.name))
    return {"items": [described(each) for each in ordered], "next_cursor": None}
