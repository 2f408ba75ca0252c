"""An MCP server made with the protocol's own library: `python tests/support/mcp_sdk.py [PORT]`.

Over stdio, or over HTTP on a port of this machine. HTTP asks for the header `X-Key: open`.
"""

import asyncio
import sys
from typing import Annotated

import uvicorn
from mcp.server import MCPServer
from mcp.server.mcpserver import Elicit, Resolve
from pydantic import BaseModel


class Colour(BaseModel):
    colour: str
    shade: int = 1


def which() -> Elicit[Colour]:
    return Elicit("Which colour?", Colour)


server = MCPServer("sdk")


@server.tool()
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


@server.tool()
def large(size: int) -> str:
    """Say much."""
    return "x" * size


@server.tool()
async def paint(colour: Annotated[Colour, Resolve(which)]) -> str:
    """Paint it; asks a person."""
    return f"painted {colour.colour} {colour.shade}"


async def serve(port: int) -> None:
    app = server.streamable_http_app()

    async def guarded(scope, receive, send):
        if scope["type"] == "http" and dict(scope["headers"]).get(b"x-key") != b"open":
            await send({"type": "http.response.start", "status": 401, "headers": []})
            await send({"type": "http.response.body", "body": b""})
            return
        await app(scope, receive, send)

    await uvicorn.Server(uvicorn.Config(guarded, port=port, log_level="error")).serve()


if __name__ == "__main__":
    if len(sys.argv) > 1:
        asyncio.run(serve(int(sys.argv[1])))
    else:
        server.run("stdio")
