"""MCP servers of our own, as processes, and the part of Reins that has them."""

import json
import sys

import pytest

from reins.tools.calling import Calls
from reins.tools.context import Context
from reins.tools.mcp.config import read
from reins.tools.mcp.launching import Launcher
from reins.tools.mcp.pins import Pins
from reins.tools.mcp.servers import McpServers
from reins.tools.registry import Registry
from reins.tools.sandbox.probing import probe
from tests.support.program import ROOT
from tests.support.waiting import until_async


def raw(folder, *words, **more):
    """The entry of a server by hand, whose traces stand in this folder."""
    folder.mkdir(exist_ok=True)
    return {
        "command": sys.executable,
        "args": [str(ROOT / "tests" / "support" / "mcp_raw.py"), str(folder), *words],
        **more,
    }


class Having:
    """Servers of an mcp.json, without a worker."""

    def __init__(self, folder):
        self.folder = folder
        self.file = folder / "mcp.json"
        (folder / "data").mkdir(exist_ok=True)
        self.changes = 0
        self.calls = Calls()
        self.context = Context()
        self.anew()

    def anew(self):
        """As another process has them."""
        self.pins = Pins(self.folder / "data")
        launcher = Launcher(self.folder / "workspaces", probe)
        self.servers = McpServers(self.pins, launcher, self.changed)

    def changed(self):
        self.changes += 1

    async def take(self, **servers):
        self.file.write_text(json.dumps({"mcpServers": servers}))
        await self.servers.take(read(self.file))

    @property
    def tools(self):
        return self.servers.beside(Registry(())).tools

    def told(self, name):
        return next(each for each in self.servers.told() if each["name"] == name)

    async def until(self, name, state="connected"):
        await until_async(lambda: self.told(name)["state"] == state, f"{name} is {state}")
        return self.told(name)

    async def until_fault(self, name, words):
        await until_async(
            lambda: any(words in each["text"] for each in self.told(name)["faults"]),
            f"{name} has a fault with {words!r}",
        )

    async def call(self, tool, **arguments):
        return await self.calls.call(self.tools[tool], arguments, self.context)


@pytest.fixture
async def having(tmp_path):
    made = Having(tmp_path)
    yield made
    await made.servers.stop()


def lines(folder, name):
    file = folder / name
    return file.read_text().splitlines() if file.exists() else []
