"""The worker's toolbox as its settings say, and what a reload changes of it."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import structlog

from reins.settings import Settings
from reins.tools import starts, workspaces
from reins.tools.mcp.config import ServerEntry, default_file, read
from reins.tools.mcp.launching import Launcher
from reins.tools.mcp.pins import Pins
from reins.tools.mcp.servers import McpServers
from reins.tools.outcome import ToolError
from reins.tools.registry import Registry
from reins.tools.sandbox.confinement import Confinement
from reins.tools.sandbox.probing import probe
from reins.tools.toolbox import Toolbox

_logger = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class SettingsFolders:
    """The folders that the settings name."""

    settings: Settings

    def open_for(self, session_id: str, asked: str | None) -> Path:
        folder = workspaces.open_for(session_id, asked, self.settings)
        try:
            starts.keep(folder, starts.folder_of(session_id, self.settings))
        except (OSError, ToolError) as error:  # the page shows no differences then
            _logger.warning("a workspace's start is not kept", error=str(error))
        return folder

    def results_of(self, session_id: str) -> Path:
        return workspaces.results_of(session_id, self.settings)


class Probing:
    """The confinement here, found by one probe that begins at the start and holds up nobody."""

    def __init__(self, *, unconfined: bool) -> None:
        self._unconfined = unconfined
        self._found: asyncio.Task[Confinement] | None = None

    @property
    def found(self) -> Confinement | None:
        """None while nobody knows yet."""
        task = self._found
        return task.result() if task is not None and task.done() and not task.cancelled() else None

    def told(self) -> dict[str, object] | None:
        """See `Confinement.told`; None while nobody knows yet."""
        return None if (found := self.found) is None else found.told()

    def begin(self) -> "asyncio.Task[Confinement]":
        """Probe, on the running loop; at a second time that is the same probe."""
        if self._found is None:
            self._found = asyncio.create_task(self._probe(), name="probe of the sandbox")
        return self._found

    async def __call__(self) -> Confinement:
        return await asyncio.shield(self.begin())

    async def stop(self) -> None:
        """End a probe that still runs."""
        if self._found is not None and not self._found.done():
            self._found.cancel()
            await asyncio.wait({self._found})

    async def _probe(self) -> Confinement:
        try:
            return await probe(unconfined=self._unconfined)
        except OSError as error:
            _logger.warning("no sandbox was found", error=str(error))
            return Confinement("none", f"the probe failed: {error}")


@dataclass(frozen=True, slots=True)
class ToolsRead:
    """The tools of modules and the MCP servers, as settings and files say at one moment."""

    settings: Settings
    registry: Registry
    servers: Mapping[str, ServerEntry]


class WorkerTools:
    """Puts the tools of modules and those of MCP servers into a toolbox, whenever they change."""

    def __init__(self, settings: Settings, toolbox: Toolbox, probing: Probing) -> None:
        self._toolbox = toolbox
        self._registry = Registry(())
        folder = workspaces.root_of(settings) / ".mcp"
        self.mcp = McpServers(Pins(settings.data), Launcher(folder, probing), self._put)

    async def read(self, settings: Settings, *, anew: bool = False) -> ToolsRead:
        """Raises: ToolModuleError, McpConfigError; nothing has changed then."""
        servers = await asyncio.to_thread(read, settings.mcp or default_file())
        registry = await asyncio.to_thread(Registry.load, settings.tools, anew=anew)
        return ToolsRead(settings, registry, servers)

    async def take(self, found: ToolsRead) -> None:
        """Use these from now on; calls in flight end with what they began with."""
        self._registry = found.registry
        self._toolbox.folders = SettingsFolders(found.settings)
        self._put()
        await self.mcp.take(found.servers)

    async def stop(self) -> None:
        await self.mcp.stop()

    def _put(self) -> None:
        self._toolbox.tools = self.mcp.beside(self._registry)


def toolbox_for(settings: Settings) -> tuple[Probing, Toolbox]:
    """A toolbox without tools, for `WorkerTools`; with what finds its confinement."""
    probing = Probing(unconfined=settings.tools_unconfined)
    return probing, Toolbox(Registry(()), folders=SettingsFolders(settings), confine=probing)
