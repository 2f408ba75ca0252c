"""Tells one run of the machine from the next: what was written before may not be on disk."""

from pathlib import Path

_LINUX = Path("/proc/sys/kernel/random/boot_id")


def boot_id() -> str:
    """A name for this run of the machine; empty where the system gives it none."""
    try:
        return _LINUX.read_text().strip()
    except OSError:
        return ""
