"""Processes whose clock is off, by as much as a test says while they run."""

import shutil
import struct
import subprocess
from pathlib import Path

SOURCE = Path(__file__).with_name("clock.c")


class WrongClock:
    """A clock for processes that are started with `environment`; needs gcc."""

    def __init__(self, folder: Path) -> None:
        self._offset = folder / "clock"
        library = folder / "clock.so"
        command = [shutil.which("gcc") or "gcc", "-O2", "-shared", "-fPIC", "-o", str(library)]
        subprocess.run([*command, str(SOURCE)], check=True, capture_output=True)
        self.off_by(0.0)
        self.environment = {"LD_PRELOAD": str(library), "CLOCK_OFFSET": str(self._offset)}

    def off_by(self, seconds: float) -> None:
        """Set the clock, of processes that run too."""
        with self._offset.open("r+b" if self._offset.exists() else "wb") as file:
            file.write(struct.pack("q", int(seconds * 1e9)))
