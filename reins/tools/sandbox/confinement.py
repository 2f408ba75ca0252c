"""The confinement that is in force: tried out once, shown to people, and told with each command."""

import asyncio
import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import structlog

from reins.tools.sandbox import bubblewrap, seccomp
from reins.tools.sandbox.bubblewrap import Limits
from reins.tools.sandbox.running import OUTPUT_BYTES, Ran, run

_logger = structlog.get_logger(__name__)
Kind = Literal["bubblewrap", "unconfined", "none"]
_PROBE_S = 10.0


class NoSandboxError(RuntimeError):
    """No command is run: nothing here can confine it."""


@dataclass(frozen=True, slots=True)
class Confinement:
    """How commands are confined here.

    `kind` none: they are refused. `detail` is what a person should know: the program, or why there
    is none.
    """

    kind: Kind
    detail: str
    bwrap: str = ""
    filter: bytes | None = field(default=None, repr=False)

    async def run(
        self,
        argv: Sequence[str],
        workspace: Path,
        limits: Limits | None = None,
        *,
        stdin: bytes = b"",
        network: bool = False,
        environment: Mapping[str, str] | None = None,
        output_bytes: int = OUTPUT_BYTES,
    ) -> Ran:
        """Run a command in the workspace. Raises: NoSandboxError, OSError."""
        limits = limits or Limits()
        if self.kind == "none":
            raise NoSandboxError(
                f"commands are refused: {self.detail}. Install the extra `sandbox` or bubblewrap, "
                "or set REINS_TOOLS_UNCONFINED=1 to run them without; then each call asks."
            )
        if self.kind == "unconfined":
            return await run(
                ["prlimit", "--core=0", "--", *argv],
                time_s=limits.time_s,
                stdin=stdin,
                output_bytes=output_bytes,
                cwd=str(workspace),
            )
        own_filter = None if self.filter is None else _in_memory(self.filter)
        try:
            line = bubblewrap.command(
                self.bwrap,
                argv,
                workspace,
                limits,
                seccomp=own_filter,
                network=network,
                environment=environment,
            )
            passed = [] if own_filter is None else [own_filter]
            return await run(
                line,
                time_s=limits.time_s,
                stdin=stdin,
                passed=passed,
                output_bytes=output_bytes,
            )
        finally:
            if own_filter is not None:
                os.close(own_filter)


def _in_memory(content: bytes) -> int:
    descriptor = os.memfd_create("seccomp", os.MFD_CLOEXEC)
    os.write(descriptor, content)
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


async def probe(*, unconfined: bool = False) -> Confinement:
    """Find the confinement by running a command in it. `unconfined`: a setting allows none."""
    bwrap = bubblewrap.found()
    why = "there is no bubblewrap here"
    if bwrap is not None:
        made = Confinement("bubblewrap", bwrap, bwrap, seccomp.program())
        with tempfile.TemporaryDirectory(prefix="reins-probe-") as folder:
            os.chown(folder, bubblewrap.owner() or -1, -1)
            try:
                ran = await made.run(["true"], Path(folder), Limits(time_s=_PROBE_S))
            except OSError as error:
                why = f"{bwrap} cannot be run: {error.strerror or error}"
            else:
                if ran.ok:
                    return made
                why = f"{bwrap} does not work here: {ran.output.strip()[:200] or ran.end}"
    if unconfined:
        _logger.warning("commands of tools are not confined", why=why)
        return Confinement("unconfined", f"by REINS_TOOLS_UNCONFINED; {why}")
    return Confinement("none", why)


def probed(*, unconfined: bool = False) -> Confinement:
    """The same where no loop runs."""
    return asyncio.run(probe(unconfined=unconfined))
