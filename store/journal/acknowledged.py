"""The highest number that was acknowledged, kept beside the journal: its end alone is no proof.

It is written after each commit and never synced on its own, so it may lie behind the journal, and
never before it. What it says must be in the journal, or the journal has lost it.
"""

import os
import struct
import zlib
from pathlib import Path
from typing import NamedTuple

import structlog

from store.boot import boot_id

_logger = structlog.get_logger(__name__)
_NOTE = struct.Struct("<Q8s40s")
_SUM = struct.Struct("<I")
_NAME = "acknowledged"


class Acknowledged(NamedTuple):
    """A number that was acknowledged, how durably, and in which run of the machine."""

    number: int
    durable: str
    boot: str

    @property
    def binding(self) -> bool:
        """True if the journal must have it: nothing but damage can have taken it."""
        return self.durable == "power" or bool(self.boot and self.boot == boot_id())


def path_of(journal: Path) -> Path:
    return journal.with_name(f"{journal.stem}.{_NAME}")


def read(journal: Path) -> Acknowledged | None:
    """The note beside a journal; None if there is none that says anything."""
    try:
        content = path_of(journal).read_bytes()
    except FileNotFoundError:
        return None
    note, rest = content[: _NOTE.size], content[_NOTE.size :]
    if len(note) < _NOTE.size or rest != _SUM.pack(zlib.crc32(note)):
        if any(content):  # zeros are what a loss of power leaves of a file that was just made
            _logger.warning("a note does not read", path=str(path_of(journal)))
        return None
    number, durable, boot = _NOTE.unpack(note)
    return Acknowledged(number, durable.rstrip(b"\0").decode(), boot.rstrip(b"\0").decode())


class Note:
    """The note, open to be written again after each commit; for one thread."""

    def __init__(self, journal: Path, durable: str) -> None:
        self._descriptor = os.open(path_of(journal), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        self._durable = durable.encode()
        self._boot = boot_id().encode()
        self._failed = False

    def write(self, number: int) -> None:
        """The records up to `number` are acknowledged from now on. Never fails: they are safe."""
        note = _NOTE.pack(number, self._durable, self._boot)
        try:
            os.pwrite(self._descriptor, note + _SUM.pack(zlib.crc32(note)), 0)
        except OSError as error:
            if not self._failed:
                _logger.warning("the note of what is acknowledged failed", error=str(error))
            self._failed = True

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
