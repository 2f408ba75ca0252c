"""The command line for macOS' own sandbox. Nobody has tried it: there was no such machine.

Source: sandbox-exec(1), the profiles in /System/Library/Sandbox/Profiles.
"""

import json
import shutil
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from reins.tools.sandbox.command import Command
from reins.tools.sandbox.surroundings import variables

_SYSTEM = ("/usr", "/bin", "/sbin", "/System", "/Library", "/private/var/db", "/private/etc/ssl")
_DEVICES = ("/dev/null", "/dev/zero", "/dev/random", "/dev/urandom")


def found() -> str | None:
    """Path of the program, on macOS alone."""
    return shutil.which("sandbox-exec") if sys.platform == "darwin" else None


def profile(readable: Sequence[Path], writable: Sequence[Path]) -> str:
    """All is refused but for the system's files, these, and the command's own processes."""
    seen = [*_SYSTEM, *map(str, readable), *map(str, writable)]
    return "\n".join(
        (
            "(version 1)",
            "(deny default)",
            "(allow process-fork)",
            "(allow process-exec)",
            "(allow signal (target same-sandbox))",
            "(allow sysctl-read)",
            "(allow file-read-metadata)",
            f'(allow file-read* (literal "/") {_subpaths(seen)} {_literals(_DEVICES)})',
            f"(allow file-write* {_subpaths(map(str, writable))} {_literals(_DEVICES)})",
        )
    )


def _subpaths(paths: Iterable[str]) -> str:
    return " ".join(f"(subpath {json.dumps(path)})" for path in paths)


def _literals(paths: Sequence[str]) -> str:
    return " ".join(f"(literal {json.dumps(path)})" for path in paths)


def line(program: str, command: Command, scratch: Path) -> list[str]:
    """The whole command line. The shell sets the limits that macOS heeds."""
    limits, workspace = command.limits, command.workspace
    own = {"TMPDIR": str(scratch), **command.environment}
    values = variables(str(workspace), command.readable) | own
    bounds = (
        f"ulimit -c 0 -t {limits.cpu_s} -f {limits.file_bytes // 512} -n {limits.files} "
        f'-u {limits.processes}; cd "$0" && exec "$@"'
    )
    rules = profile(command.readable, [workspace.resolve(), scratch.resolve()])
    given = [f"{name}={value}" for name, value in values.items()]
    inside = [program, "-p", rules, "/usr/bin/env", "-i", *given, *command.argv]
    return ["/bin/sh", "-c", bounds, str(workspace), *inside]
