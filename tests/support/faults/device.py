"""A disk of its own whose power can be cut: ext4 on a loop device, where root may mount one."""

import fcntl
import os
import shutil
import struct
import subprocess
from pathlib import Path
from typing import Self

_SIZE_BYTES = 256 << 20
_SHUTDOWN, _WITHOUT_ITS_LOG = 0x8004587D, 2
"""ext4 stops at once, and not even its own log is written: what was not synced is gone."""
_TOOLS = ("mkfs.ext4", "mount", "umount")


class Device:
    """Mounted at `path` for the duration. Raises: OSError where that is not permitted."""

    def __init__(self, at: Path) -> None:
        self._image, self.path = at / "device.img", at / "device"

    def __enter__(self) -> Self:
        self.path.mkdir()
        with self._image.open("wb") as file:
            file.truncate(_SIZE_BYTES)
        _run("mkfs.ext4", "-q", "-F", str(self._image))
        self._mount()
        return self

    def __exit__(self, *_: object) -> None:
        self._unmount()
        self._image.unlink()

    def cut(self) -> None:
        """From now on every call fails."""
        descriptor = os.open(self.path, os.O_RDONLY)
        try:
            fcntl.ioctl(descriptor, _SHUTDOWN, struct.pack("I", _WITHOUT_ITS_LOG))
        finally:
            os.close(descriptor)

    def back(self) -> None:
        """Mount what is on the disk, from a copy.

        The file system that was cut lives on where a mount namespace of another process (a sandbox
        that started meanwhile) has it too, and would be mounted again.
        """
        self._unmount()
        copy = self._image.with_suffix(".copy")
        _run("cp", "--sparse=always", str(self._image), str(copy))
        copy.replace(self._image)
        self._mount()

    def _unmount(self) -> None:
        _run("umount", "--lazy", str(self.path))

    def _mount(self) -> None:
        _run("mount", "-o", "loop", str(self._image), str(self.path))


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise OSError(f"{' '.join(command)}: {done.stderr.strip()}")


def possible(at: Path) -> bool:
    """True if this process may mount a device in that folder, and cut its power."""
    if os.geteuid() != 0 or not all(map(shutil.which, _TOOLS)):
        return False
    try:
        at.mkdir()
        with Device(at) as device:
            device.cut()
    except OSError:
        return False
    return True
