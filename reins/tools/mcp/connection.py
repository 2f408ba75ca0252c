"""One connection to an MCP server: opened, asked for its tools, asked to call them.

This imports `mcp`, which takes most of a second: it is imported once a server is configured.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx2
from mcp import Client, MCPError
from mcp.client import ClientRequestContext, IncomingMessage, Transport
from mcp.client.streamable_http import streamable_http_client
from mcp_types import (
    CONNECTION_CLOSED,
    CallToolResult,
    ElicitRequestParams,
    ElicitResult,
    Implementation,
    InputRequiredResult,
    ToolListChangedNotification,
)
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from reins.tools.asking import Answered
from reins.tools.mcp.answers import answered_as, asked, shown
from reins.tools.mcp.bounded import bounded_body
from reins.tools.mcp.config import ServerEntry
from reins.tools.mcp.launching import Launch
from reins.tools.mcp.lines import LINE_BYTES
from reins.tools.mcp.pins import Spec
from reins.tools.mcp.stdio import Stdio
from reins.tools.mcp.tool import Answer
from reins.tools.outcome import ToolError
from reins.version import VERSION

MOST_TOOLS = 512
_PAGES = 64
_AGAIN = 5
"""Times that a server may only want to be called again; each after a wait that doubles."""
_AGAIN_S = 0.05
_GONE = "its connection ended in the middle of the call; nobody knows whether it was done"


class GoneError(ToolError):
    """The connection has ended."""


@dataclass
class Connection:
    """The work of one connection. `ended` is set once it is over, `changed` when tools may be."""

    server: str
    client: Client
    ended: asyncio.Event
    changed: asyncio.Event
    declined: list[str] = field(default_factory=list)
    """Questions to a person that could not wait, newest last."""

    @property
    def about(self) -> str:
        """The protocol, and the server as it calls itself."""
        info = self.client.server_info
        name = "" if info is None else f", {info.name} {info.version}"
        return f"{self.client.protocol_version}{name}"[:200]

    async def specs(self) -> dict[str, Spec]:
        """All tools, as the server describes them. Raises: ToolError."""
        found: dict[str, Spec] = {}
        cursor: str | None = None
        try:
            for _ in range(_PAGES):
                page = await self.client.list_tools(cursor=cursor)
                for each in page.tools[:MOST_TOOLS]:
                    spec = each.model_dump(mode="json", by_alias=True, exclude_none=True)
                    found.setdefault(each.name, spec)
                cursor = page.next_cursor
                if cursor is None or len(found) >= MOST_TOOLS:
                    break
        except Exception as error:
            raise ToolError(f"its tools cannot be listed: {error}") from error
        return dict([*found.items()][:MOST_TOOLS])

    async def call(
        self, tool: str, arguments: Mapping[str, Any], answered: Answered | None
    ) -> Answer:
        """Call a tool, or go on where it had asked a person. Raises: ToolError."""
        before = len(self.declined)
        try:
            made = await self._called(tool, dict(arguments), answered)
        except (ToolError, asyncio.CancelledError):
            raise
        except MCPError as error:
            if error.code == CONNECTION_CLOSED or self.ended.is_set():
                self.ended.set()
                raise GoneError(_GONE) from error
            self.changed.set()  # it is looked at whether it still answers
            raise ToolError(f"the server says: {error.message} ({error.code})") from error
        except Exception as error:
            self.changed.set()
            raise ToolError(f"the call failed: {type(error).__name__}: {error}") from error
        declined = self.declined[before:]
        if isinstance(made, CallToolResult):
            return Answer(shown(made), failed=made.is_error, notes=declined)
        return Answer(asks=asked(self.server, made), notes=declined)

    async def _called(
        self, tool: str, arguments: dict[str, Any], answered: Answered | None
    ) -> CallToolResult | InputRequiredResult:
        responses = None if answered is None else answered_as(answered)
        state = None if answered is None else answered.state["request_state"]
        try:
            made = await self._sent(tool, arguments, responses, state)
        except MCPError:
            if answered is None or self.ended.is_set():
                raise
            # The server was started anew since, and does not know its own state: it is called
            # anew, and where it asks the same, it is answered the same.
            made = await self._sent(tool, arguments, None, None)
            if isinstance(made, InputRequiredResult) and _same(made, responses):
                made = await self._sent(tool, arguments, responses, made.request_state)
        wait_s = _AGAIN_S
        for _ in range(_AGAIN):
            if not isinstance(made, InputRequiredResult) or made.input_requests:
                return made
            await asyncio.sleep(wait_s)
            wait_s *= 2
            made = await self._sent(tool, arguments, None, made.request_state)
        raise ToolError("the server wants to be called again and again, and gives no result")

    async def _sent(
        self,
        tool: str,
        arguments: dict[str, Any],
        responses: Mapping[str, ElicitResult] | None,
        state: str | None,
    ) -> CallToolResult | InputRequiredResult:
        return await self.client.session.call_tool(
            tool,
            arguments,
            input_responses=None if responses is None else dict(responses),
            request_state=state,
            allow_input_required=True,
        )


def _same(made: InputRequiredResult, responses: Mapping[str, Any] | None) -> bool:
    return (made.input_requests or {}).keys() == (responses or {}).keys()


@asynccontextmanager
async def opened(
    server: str, entry: ServerEntry, launch: Launch | None, fault: Callable[[str], object]
) -> AsyncIterator[Connection]:
    """A connection to the server; entered and left in one task. Raises: whatever becomes of it.

    `fault` is told what is wrong with a server that goes on.
    """
    changed, declined = asyncio.Event(), list[str]()
    stdio = None if launch is None else Stdio(launch, fault)
    ended = asyncio.Event() if stdio is None else stdio.ended

    async def declines(context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
        del context
        declined.append(params.message[:300])
        fault(f"it asked a person in the middle of a call, which was declined: {declined[-1]}")
        return ElicitResult(action="decline")

    async def hears(message: IncomingMessage) -> None:
        if isinstance(message, ToolListChangedNotification):
            changed.set()

    refused = deque[int](maxlen=1)
    async with contextlib.AsyncExitStack() as stack:
        transport: Any = stdio or await stack.enter_async_context(_http(entry, refused))
        client = Client(
            transport,
            elicitation_callback=declines,
            message_handler=hears,
            client_info=Implementation(name="reins", version=VERSION),
            cache=None,
        )
        try:
            await stack.enter_async_context(client)
        except Exception as error:
            raise ToolError(_why(error, stdio, refused)) from error
        listening = asyncio.create_task(_listen(client, changed), name=f"changes of MCP {server}")
        try:
            yield Connection(server, client, ended, changed, declined)
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)
        if stdio is not None and stdio.errors:
            fault(f"it ended, and said: {stdio.errors[-1]}")


@asynccontextmanager
async def _http(entry: ServerEntry, refused: deque[int]) -> AsyncIterator[Transport]:
    async def looks(response: httpx2.Response) -> None:
        if response.is_error:
            refused.append(response.status_code)

    timeout = httpx2.Timeout(30.0, read=300.0)
    hooks = {"response": [bounded_body, looks]}
    async with httpx2.AsyncClient(
        headers=entry.headers, timeout=timeout, event_hooks=hooks
    ) as client:
        yield streamable_http_client(
            str(entry.url), http_client=client, max_sse_event_size=LINE_BYTES
        )


async def _listen(client: Client, changed: asyncio.Event) -> None:
    """Hear of changed tools, where the protocol has no notification of its own for it."""
    if client.protocol_version not in MODERN_PROTOCOL_VERSIONS:
        return
    with contextlib.suppress(Exception):  # a server that cannot is looked at now and then
        async with client.listen(tools_list_changed=True) as events:
            async for _ in events:
                changed.set()


def _why(error: BaseException, stdio: Stdio | None, refused: deque[int]) -> str:
    """The reason for which no connection was made, in a line."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    said = f"; it answered HTTP {refused[-1]}" if refused else ""
    if stdio is not None and stdio.errors:
        said = f"; it said: {stdio.errors[-1]}"
    return f"{type(error).__name__}: {error}{said}"[:500]
