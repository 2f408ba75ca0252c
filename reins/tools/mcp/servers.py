"""The MCP servers of a worker: begun, changed by a reload, and their tools beside all others."""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Protocol

import structlog

from reins.tools.mcp.config import ServerEntry
from reins.tools.mcp.launching import Launcher
from reins.tools.mcp.pins import Pins, ServerPins
from reins.tools.mcp.telling import Fault, told_of
from reins.tools.registry import Registry
from reins.tools.tool import Tool

_logger = structlog.get_logger(__name__)
_LOOK_S = 1.0
_SERVER = "reins.tools.mcp.server"
_MISSING = "the package mcp is not installed: pip install 'reins[mcp]'"


class Server(Protocol):
    """A server, as far as it is told of."""

    name: str
    entry: ServerEntry
    state: str
    about: str
    starts: int
    fault_count: int
    pins: ServerPins

    @property
    def tools(self) -> Mapping[str, Tool]: ...
    @property
    def faults(self) -> Iterable[Fault]: ...
    async def start(self, *, connect: bool = True) -> None: ...
    async def settled(self) -> None: ...
    async def stop(self) -> None: ...
    async def look_at_pins(self) -> None: ...


class McpServers:
    """All servers. `changed` is called on the loop when there are other tools than before.

    Without a server nothing is imported and no task runs. A second stop does nothing.
    """

    def __init__(self, pins: Pins, launcher: Launcher, changed: Callable[[], object]) -> None:
        self.live: dict[str, Server] = {}
        self.clashes: list[str] = []
        """Names of tools that fall together; nobody has them."""
        self._pins, self._launcher, self._changed = pins, launcher, changed
        self._looking: asyncio.Task[None] | None = None
        self._missing: dict[str, ServerEntry] = {}

    async def take(
        self,
        entries: Mapping[str, ServerEntry],
        connects: Callable[[str], bool] = lambda _: True,
    ) -> None:
        """Have these servers from now on; one that is as it was goes on.

        One that `connects` says no to has the tools that were agreed to, and is not started.
        """
        gone = [each for name, each in self.live.items() if entries.get(name) != each.entry]
        await asyncio.gather(*(each.stop() for each in gone))
        for each in gone:
            del self.live[each.name]
        self._missing = {}
        new = {name: entry for name, entry in entries.items() if name not in self.live}
        if new and find_spec("mcp") is None:
            self._missing = new
            _logger.error("MCP servers are left out", servers=[*new], why=_MISSING)
        elif new:
            made = (await asyncio.to_thread(import_module, _SERVER)).McpServer
            for name, entry in new.items():
                server: Server = made(name, entry, self._pins, self._launcher, self._changed)
                self.live[name] = server
                await server.start(connect=connects(name))
            if self._looking is None:
                self._looking = asyncio.create_task(self._look(), name="pins of MCP servers")
        if gone or new:
            self._changed()

    async def settled(self) -> None:
        """Wait until each is connected, or there is a reason why not."""
        await asyncio.gather(*(each.settled() for each in self.live.values()))

    async def stop(self) -> None:
        if self._looking is not None:
            self._looking.cancel()
        await asyncio.gather(*(each.stop() for each in self.live.values()))

    def beside(self, base: Registry) -> Registry:
        """These tools and all of the servers; two that fall together are left out."""
        found: dict[str, Tool] = dict(base.tools)
        clashes: set[str] = set()
        for server in self.live.values():
            for tool in server.tools.values():
                if found.setdefault(tool.name, tool) is not tool:
                    clashes.add(tool.name)
        if clashes != set(self.clashes):
            self.clashes = sorted(clashes)
            _logger.error("tools of MCP servers fall together", names=self.clashes)
        kept = [each for name, each in found.items() if name not in clashes or name in base.tools]
        return Registry(kept)

    def told(self) -> list[dict[str, Any]]:
        """All that is known of the servers, in plain values: for the page and the shell."""
        missing = [
            told_of(
                name, each, state="stopped", fault_count=1, faults=[Fault(time.time(), _MISSING)]
            )
            for name, each in self._missing.items()
        ]
        return [*(self._told(each) for each in [*self.live.values()]), *missing]

    def _told(self, server: Server) -> dict[str, Any]:
        tools = sorted(each.name for each in [*server.tools.values()])
        return told_of(
            server.name,
            server.entry,
            state=server.state,
            about=server.about,
            starts=server.starts,
            fault_count=server.fault_count,
            faults=[*server.faults],
            tools=[name for name in tools if name not in self.clashes],
            pins=server.pins,
            clashes=[name for name in tools if name in self.clashes],
        )

    async def _look(self) -> None:
        """People agree in any process: the file is looked at, which costs a few microseconds."""
        while True:
            await asyncio.sleep(_LOOK_S)
            for each in [*self.live.values()]:
                await each.look_at_pins()
