"""The bounds that the child puts on itself before it takes a statement, where a system has them.

DuckDB's own locks come first; these hold where one of them should fail.
"""

import contextlib
import math
import os
import platform
import resource
import sys
from pathlib import Path

from reins.tools.sandbox import launcher, seccomp
from reins.tools.sandbox.surroundings import SETTINGS, SYSTEM

_POLITE = 10
_CPU_SPARE_S = 2


def confine(data: Path) -> None:
    """Keep this process to its programs and the data folder, both to be read alone, without
    sockets, signals and other programs; before any thread.
    """
    with contextlib.suppress(OSError):
        os.nice(_POLITE)  # ticks come first
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform != "linux":
        return
    programs = [sys.prefix, sys.base_prefix, *filter(None, sys.path), "/usr"]
    system = [*(f"/{name}" for name in SYSTEM), *(f"/etc/{name}" for name in SETTINGS)]
    machine = ["/proc/self", "/proc/meminfo", "/proc/cpuinfo", "/sys/devices/system/cpu",
               "/dev/urandom", "/sys/fs/cgroup"]  # fmt: skip
    filtered = seccomp.program(platform.machine(), namespaces=False, signals=False, programs=False)
    if launcher.confine([*programs, *system, *machine, str(data)], [], filtered):
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def bound_memory(more_mb: int) -> None:
    """From now on this process may take so much more memory than it has."""
    with contextlib.suppress(OSError, ValueError):
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        most = pages * resource.getpagesize() + (more_mb << 20)
        resource.setrlimit(resource.RLIMIT_AS, (most, most))


def bound_time(limit_s: float, threads: int) -> None:
    """This process ends if the next statement takes more of the processors than it can in time.

    The parent ends it before; this holds where there is no parent any more.
    """
    used = resource.getrusage(resource.RUSAGE_SELF)
    most = math.ceil(used.ru_utime + used.ru_stime + limit_s * threads) + _CPU_SPARE_S
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_CPU, (most, hard))
