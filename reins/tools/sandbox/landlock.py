"""The command line of the launcher, which confines where there can be no namespaces."""

import json
import os
import sys
from pathlib import Path

from reins.tools.sandbox import launcher
from reins.tools.sandbox.command import Command, Limits
from reins.tools.sandbox.surroundings import SETTINGS, SYSTEM, owner, reachable, variables

SIGNALS_SINCE = 6
"""Version of Landlock from which on it keeps signals in."""
_DEVICES = ("/dev/full", "/dev/random", "/dev/urandom", "/dev/zero")
_FIGURES = ("cpuinfo", "filesystems", "loadavg", "meminfo", "stat", "uptime", "version")
"""Of `/proc`, the files that tell of the machine and of no process."""


def line(
    command: Command, scratch: Path, seccomp: int | None, *, confined: bool = True
) -> list[str]:
    """The whole command line; `seccomp` is the descriptor of a filter that the child inherits.

    Not `confined`, the launcher bounds the command and ends what it leaves behind, no more.
    """
    workspace, readable = str(command.workspace), reachable(command.readable)
    own = {"TMPDIR": str(scratch), **command.environment}
    order = {
        "parent": os.getpid(),
        "user": owner(),
        "confined": confined,
        "filter": seccomp,
        "folder": workspace,
        "time_s": command.limits.second_end_s,
        "limits": _limits(command.limits),
        "environment": variables(workspace, readable) | own,
        "readable": [*_system(), *map(str, readable)],
        "writable": [workspace, str(scratch)],
    }
    program = [sys.executable, "-I", "-S", launcher.__file__]
    return [*program, json.dumps(order), *command.argv]


def _limits(limits: Limits) -> dict[str, int]:
    return {
        "AS": limits.address_bytes,
        "CPU": limits.cpu_s,
        "FSIZE": limits.file_bytes,
        "NOFILE": limits.files,
        "NPROC": limits.processes if owner() is None else limits.processes_of_all,
        "CORE": 0,
    }


def _system() -> list[str]:
    return [
        "/usr",
        *(f"/{name}" for name in SYSTEM),
        *(f"/etc/{name}" for name in SETTINGS),
        *(f"/proc/{name}" for name in _FIGURES),
        *_DEVICES,
        "/sys/devices/system/cpu",
    ]
