"""The owner of a connection, apart from any server."""

import asyncio
from types import SimpleNamespace

from reins.tools.mcp.pins import ServerPins
from reins.tools.mcp.server import McpServer


async def test_a_stop_ends_whatever_the_connection_makes_of_it():
    """An error that a connection raises in its end hides the cancellation: no new one is made."""
    entry = SimpleNamespace(identity="", connect_s=1.0)
    pins = SimpleNamespace(read=lambda _name: ServerPins(), stamp=lambda: None)
    server = McpServer("shop", entry, pins, None, lambda: None)
    begun = asyncio.Event()

    async def connected():
        begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            raise RuntimeError("its end broke") from None

    server._connected = connected
    await server.start()
    await begun.wait()
    async with asyncio.timeout(10):
        await server.stop()
    assert (server.state, server.starts) == ("stopped", 1)
    assert "its end broke" in server.faults[-1].text
