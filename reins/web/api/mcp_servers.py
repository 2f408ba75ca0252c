"""The MCP servers whose tools agents have: their state, their faults, and specs that wait."""

from typing import Annotated, Any, Literal

from pydantic import Field

from agent_core.actions.ids import KnownId
from reins.tools.mcp.config import McpConfigError
from reins.tools.mcp.pins import PinError
from reins.web.api.context import api_context
from reins.web.http.fields import ActorBody, Input
from reins.web.http.openapi import group
from reins.web.http.problem import RequestRefusedError, refusals, unknown
from reins.web.views.rows import Wire

api = group("mcp-servers", "agents")
State = Literal["starting", "connected", "waiting", "stopped", "elsewhere"]


class McpFault(Wire):
    at: str
    text: str


class OfferedSpec(Wire):
    """A spec that waits for a person: `before` is the one that was agreed to, if any."""

    tool: str
    sha256: str
    now: dict[str, Any]
    before: dict[str, Any] | None


class McpServer(Wire):
    """A server: `waiting` until it is tried again, `elsewhere` where the worker is not here.

    `where` is its program or address. `faults` are the newest of `fault_count`. `clashes` are tools
    that nobody has, since another has their name.
    """

    name: str
    transport: Literal["stdio", "http"]
    where: str
    sandbox: bool
    state: State
    about: str
    starts: int
    fault_count: int
    faults: list[McpFault]
    tools: list[str]
    offered: list[OfferedSpec]
    clashes: list[str]


class McpServerList(Wire):
    items: list[McpServer]
    next_cursor: None


class McpServerPath(Input):
    name: KnownId


class AgreeBody(ActorBody):
    """`tools`: each by its name, with the SHA-256 of the spec that was looked at."""

    tools: dict[str, Annotated[str, Field(pattern="^[0-9a-f]{64}$")]] = Field(
        min_length=1, max_length=512
    )


class Agreed(Wire):
    tools: list[str]


@api.get("/api/mcp/servers", responses={200: McpServerList, **refusals(503)})
def list_mcp_servers() -> dict[str, Any]:
    """The servers of mcp.json."""
    try:
        items = api_context().bridge.mcp_servers()
    except (McpConfigError, PinError) as error:
        raise RequestRefusedError(503, str(error)) from None
    return {"items": items, "next_cursor": None}


@api.post(
    "/api/mcp/servers/<segment:name>/agree",
    responses={200: Agreed, **refusals(400, 404, 409, 413, 415, 503)},
)
def agree_to_specs(path: McpServerPath, body: AgreeBody) -> dict[str, Any]:
    """Agree to specs of a server's tools that have changed or are new: agents have them again."""
    try:
        known = [each["name"] for each in api_context().bridge.mcp_servers()]
    except (McpConfigError, PinError) as error:
        raise RequestRefusedError(503, str(error)) from None
    if path.name not in known:
        raise unknown("MCP server", path.name, "see GET /api/mcp/servers")
    try:
        agreed = api_context().bridge.pins.agree(path.name, {**body.tools}, body.actor)
    except PinError as error:
        raise RequestRefusedError(409, str(error)) from None
    return {"tools": agreed}
