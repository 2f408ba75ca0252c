"""The server over stdio: the library's own low-level server, around our methods.

`mcp` is an extra, and takes a second to import: it is imported here, and only to serve.
"""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any

from mcp import types
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server
from mcp.shared.exceptions import MCPError

from reins.mcp_server.eras import code_of, completed
from reins.mcp_server.errors import ProtocolError
from reins.mcp_server.methods import INSTRUCTIONS, SERVER_INFO, Methods

Handler = Callable[[ServerRequestContext[Any], types.RequestParams], Coroutine[Any, Any, Any]]


_PARAMS: dict[str, type[types.RequestParams]] = {
    "tools/list": types.PaginatedRequestParams,
    "tools/call": types.CallToolRequestParams,
    "resources/list": types.PaginatedRequestParams,
    "resources/templates/list": types.PaginatedRequestParams,
    "resources/read": types.ReadResourceRequestParams,
}


def serve(methods: Methods) -> None:
    """Serve one client until it closes its end; what is being written then is written."""
    asyncio.run(_serve(methods))


async def _serve(methods: Methods) -> None:
    server = make_server(methods)
    async with stdio_server() as (read, write):
        await server.run(read, write, server.create_initialization_options())


def make_server(methods: Methods) -> Server[Any]:
    """The library's server with our methods; it speaks both eras of the protocol."""

    def handler(method: str) -> Handler:
        async def handle(
            context: ServerRequestContext[Any], params: types.RequestParams
        ) -> dict[str, Any]:
            given = params.model_dump(mode="json", by_alias=True, exclude_none=True)
            try:
                # What only the modern era has the library leaves out for clients of the other.
                return completed(method, await _answered(methods, method, given))
            except ProtocolError as error:
                code = code_of(error, context.protocol_version)
                raise MCPError(code, error.message, error.data) from None

        return handle

    server: Server[Any] = Server(
        SERVER_INFO["name"],
        title=SERVER_INFO["title"],
        version=SERVER_INFO["version"],
        instructions=INSTRUCTIONS,
    )
    for method in methods.by_name:
        server.add_request_handler(method, _PARAMS[method], handler(method))
    return server


async def _answered(methods: Methods, method: str, params: dict[str, Any]) -> dict[str, Any]:
    """The result, made in a thread. A call that is cancelled ends its wait, never its write."""
    gone = threading.Event()

    def rest(seconds: float) -> bool:
        return not gone.wait(seconds)

    try:
        return await asyncio.to_thread(methods.answer, method, params, rest)
    finally:
        gone.set()
