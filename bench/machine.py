"""Facts of the machine that figures belong to; without them no figure says anything."""

import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import psutil

from reins.settings import Settings

_PACKAGES = ("lancedb", "pyarrow", "orjson", "baml-py", "pydantic", "uvloop")
_SYNCS = 50


def facts() -> dict[str, Any]:
    """Facts of this machine now, of this Python and of this state of the code."""
    return {
        "cpu": _cpu(),
        "cores": len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "kernel": f"{platform.system()} {platform.release()}",
        "file_system": _file_system(Path(tempfile.gettempdir())),
        "fdatasync_ms_p50": _fdatasync_ms(),
        "python": platform.python_version(),
        "packages": {name: found for name in _PACKAGES if (found := _version(name))},
        "durable": Settings.model_fields["durable"].default,
        "commit": _commit(),
        "load": [round(each, 2) for each in os.getloadavg()],
        "at": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
    }


def in_a_line(machine: Mapping[str, Any]) -> str:
    packages = ", ".join(f"{name} {number}" for name, number in machine["packages"].items())
    return (
        f"{machine['at']}, commit {machine['commit']}: {machine['cores']} cores of "
        f"{machine['cpu']}, {machine['memory_gib']} GiB, {machine['kernel']}, "
        f"{machine['file_system']} with an fdatasync of {machine['fdatasync_ms_p50']} ms, "
        f"Python {machine['python']}, {packages}; load {machine['load'][0]} at the start and "
        f"{machine.get('load_after', machine['load'])[0]} at the end"
    )


def was_busy(machine: Mapping[str, Any]) -> bool:
    """True where other work kept half of the cores or more before the first benchmark began."""
    return bool(machine["load"][0] > machine["cores"] / 2)


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _cpu() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _file_system(folder: Path) -> str:
    mounts = [
        each for each in psutil.disk_partitions(all=True)
        if folder.resolve().is_relative_to(each.mountpoint)
    ]  # fmt: skip
    return max(mounts, key=lambda each: len(each.mountpoint)).fstype if mounts else "unknown"


def _fdatasync_ms() -> float:
    """Of 4 KiB appended to a file where the benchmarks have their folders."""
    sync = getattr(os, "fdatasync", os.fsync)
    took_ms = []
    with tempfile.TemporaryFile() as file:
        for _ in range(_SYNCS):
            file.write(os.urandom(4_096))
            file.flush()
            began = time.perf_counter()
            sync(file.fileno())
            took_ms.append((time.perf_counter() - began) * 1_000)
    return round(statistics.median(took_ms), 2)


def _commit() -> str:
    done = subprocess.run(
        ["git", "describe", "--always", "--dirty"],
        cwd=Path(__file__).parent, check=False, capture_output=True, text=True,
    )  # fmt: skip
    return done.stdout.strip() or "unknown"
