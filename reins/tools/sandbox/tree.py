"""The processes below one, and the memory that they hold together.

Source: proc(5), `/proc/PID/task/TID/children`, `statm` and `smaps_rollup`.
"""

import os
import re
from typing import Literal

_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_PROC = "/proc"
_SHARED = re.compile(rb"^(?:Pss|SwapPss):\s+(\d+) kB$", re.MULTILINE)


def children(pid: int) -> list[int]:
    """Processes that the process has started, by any of its threads; none where it is gone."""
    found: list[int] = []
    try:
        with os.scandir(f"{_PROC}/{pid}/task") as tasks:
            for task in tasks:
                found += map(int, _read(f"{pid}/task/{task.name}/children").split())
    except OSError:
        return found
    return found


def below(pid: int, most: int = 10_000) -> list[int]:
    """The process and all below it."""
    found = [pid]
    for each in found:
        if len(found) >= most:
            break
        found += children(each)
    return found


def exceeded(pid: int, memory_bytes: int, processes: int) -> Literal["memory", "processes"] | None:
    """The bound that the processes below this one exceed.

    Pages that several of them share count for each; only where the sum exceeds `memory_bytes` they
    are counted once, which takes the kernel longer.
    """
    pids = below(pid)[1:]
    if len(pids) > processes:
        return "processes"
    if sum(map(_resident, pids)) <= memory_bytes:
        return None
    return "memory" if sum(map(_proportional, pids)) > memory_bytes else None


def _resident(pid: int) -> int:
    try:
        return int(_read(f"{pid}/statm").split()[1]) * _PAGE_BYTES
    except (OSError, IndexError):
        return 0


def _proportional(pid: int) -> int:
    try:
        found = _SHARED.findall(_read(f"{pid}/smaps_rollup"))
    except OSError:  # not ours to look at, or gone
        return _resident(pid)
    return sum(map(int, found)) * 1_024


def _read(name: str) -> bytes:
    descriptor = os.open(f"{_PROC}/{name}", os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(descriptor, 65_536)
    finally:
        os.close(descriptor)
