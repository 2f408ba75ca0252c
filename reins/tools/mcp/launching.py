"""The process of a server: as it is configured, or in the sandbox of commands."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from reins.tools.mcp.config import ServerEntry
from reins.tools.outcome import ToolError
from reins.tools.sandbox.command import Limits
from reins.tools.sandbox.confinement import Confinement, NoSandboxError
from reins.tools.sandbox.surroundings import give

_INHERITED = ("HOME", "LANG", "LOGNAME", "PATH", "SHELL", "TERM", "TMPDIR", "USER")
_LIMITS = Limits(time_s=10 * 365 * 86_400.0, cpu_s=10 * 365 * 86_400, address_bytes=32 << 30)
"""A server lives as long as Reins does."""


@dataclass(frozen=True, slots=True)
class Launch:
    """A process to start. `passed` are descriptors that it inherits."""

    line: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    cwd: str | None = None
    passed: Sequence[int] = ()

    @property
    def variables(self) -> dict[str, str]:
        """All variables of the process: of ours those alone that say nothing."""
        own = {name: os.environ[name] for name in _INHERITED if name in os.environ}
        return own | dict(self.environment)


@dataclass(frozen=True, slots=True)
class Launcher:
    """Makes processes of servers ready. `folder` holds those of servers in the sandbox."""

    folder: Path
    confine: Callable[[], Awaitable[Confinement]]

    @asynccontextmanager
    async def launch(self, server: str, entry: ServerEntry) -> AsyncIterator[Launch | None]:
        """The process of a server; None where it is behind an address. Raises: ToolError, OSError.

        What it holds is held until this is left.
        """
        if entry.command is None:
            yield None
            return
        line = [entry.command, *entry.args]
        if not entry.sandbox:
            yield Launch(line, entry.env, entry.cwd)
            return
        folder = await asyncio.to_thread(self._own, server)
        confinement = await self.confine()
        try:
            with confinement.long_line(
                line, folder, _LIMITS, network=entry.network, environment=entry.env
            ) as (whole, passed):
                yield Launch(whole, passed=passed)
        except NoSandboxError as error:
            raise ToolError(str(error)) from error

    def _own(self, server: str) -> Path:
        """The folder that a server in the sandbox has."""
        folder = self.folder / server
        if not folder.is_dir():
            folder.mkdir(parents=True)
            give(folder)
        return folder
