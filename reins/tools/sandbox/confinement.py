"""The confinement that is in force: how each command is run, shown to people, told with each."""

import asyncio
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from reins.tools.sandbox import bubblewrap, landlock, seatbelt
from reins.tools.sandbox.command import Command, Limits
from reins.tools.sandbox.running import Ending, Ran, run
from reins.tools.sandbox.surroundings import check_owner, owner, python

Kind = Literal["bubblewrap", "landlock", "seatbelt", "unconfined", "none"]


class NoSandboxError(RuntimeError):
    """No command is run: nothing here can confine it."""


@dataclass(frozen=True, slots=True)
class Confinement:
    """How commands are confined here.

    `kind` none: they are refused. `detail` is for a person: the program, or why there is none.
    """

    kind: Kind
    detail: str
    program: str = ""
    filter: bytes | None = field(default=None, repr=False)

    @property
    def owner(self) -> int | None:
        """The user to whom a workspace must belong; None where it is whoever runs Reins."""
        return owner()

    @property
    def confined(self) -> bool:
        return self.kind not in ("unconfined", "none")

    def told(self) -> dict[str, object]:
        """For `/health`, the page and the shell."""
        return {"kind": self.kind, "confined": self.confined, "detail": self.detail}

    def home(self, workspace: Path) -> str:
        """The workspace's path as a command sees it."""
        return bubblewrap.WORK if self.kind == "bubblewrap" else str(workspace)

    async def run(
        self,
        argv: Sequence[str],
        workspace: Path,
        limits: Limits | None = None,
        *,
        stdin: bytes = b"",
        network: bool = False,
        environment: Mapping[str, str] | None = None,
    ) -> Ran:
        """Run a command in the workspace. Only bubblewrap can let it into the network.

        Raises: NoSandboxError, WorkspaceOwnerError, OSError.
        """
        if self.kind == "none":
            raise NoSandboxError(
                f"commands are refused: {self.detail}. Install bubblewrap, or Reins with the extra "
                "`sandbox`, or set REINS_TOOLS_UNCONFINED=true: they run without, and each asks."
            )
        command = Command(
            argv, workspace, limits or Limits(), stdin, network, environment or {}, python()
        )
        check_owner(workspace)
        with _descriptor(self.filter) as seccomp:
            if self.kind == "bubblewrap":
                line = bubblewrap.line(self.program, command, seccomp)
                return await _run(line, command, seccomp, "namespace")
            async with _scratch() as folder:
                if self.kind == "seatbelt":
                    line = seatbelt.line(self.program, command, folder)
                    return await _run(line, command, seccomp, "group")
                line = landlock.line(command, folder, seccomp, confined=self.confined)
                return await _run(line, command, seccomp, "launcher")

    @contextmanager
    def long_line(
        self,
        argv: Sequence[str],
        workspace: Path,
        limits: Limits,
        *,
        network: bool = False,
        environment: Mapping[str, str] | None = None,
    ) -> Iterator[tuple[list[str], list[int]]]:
        """The command line of a process that lives on, and the descriptors that it inherits.

        Only bubblewrap ends such a process with all that it started. Raises: NoSandboxError,
        WorkspaceOwnerError, OSError.
        """
        if self.kind != "bubblewrap":
            raise NoSandboxError(
                f"only bubblewrap confines a process that lives on, and here there is {self.kind}: "
                f"{self.detail}. Install bubblewrap, or Reins with the extra `sandbox`"
            )
        check_owner(workspace)
        command = Command(argv, workspace, limits, b"", network, environment or {}, python())
        with _descriptor(self.filter) as seccomp:
            line = bubblewrap.line(self.program, command, seccomp)
            yield line, [] if seccomp is None else [seccomp]


async def _run(line: list[str], command: Command, seccomp: int | None, ending: Ending) -> Ran:
    return await run(
        line,
        time_s=command.limits.time_s,
        stdin=command.stdin,
        passed=[] if seccomp is None else [seccomp],
        output_bytes=command.limits.output_bytes,
        bounds=command.limits,
        ending=ending,
    )


@contextmanager
def _descriptor(content: bytes | None) -> Iterator[int | None]:
    """A file in memory, for a child to inherit."""
    if content is None:
        yield None
        return
    descriptor = os.memfd_create("seccomp", os.MFD_CLOEXEC)
    try:
        os.write(descriptor, content)
        os.lseek(descriptor, 0, os.SEEK_SET)
        yield descriptor
    finally:
        os.close(descriptor)


@asynccontextmanager
async def _scratch() -> AsyncIterator[Path]:
    """A folder for a command's temporary files, where it has no `/tmp` of its own."""
    folder = Path(tempfile.mkdtemp(prefix="reins-command-"))
    try:
        os.chown(folder, owner() or -1, owner() or -1)
        yield folder
    finally:
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
