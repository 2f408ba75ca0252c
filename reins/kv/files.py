"""A folder of small files that are replaced whole: locked, synced, and never seen torn."""

import contextlib
import fcntl
import hashlib
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from reins import jitter
from reins.kv.errors import KVError, UnavailableError

SUFFIX = ".json"
_NEW, _LOCK, _FLOOR = ".new-", ".lock", ".floor"
_SHOWN_CHARACTERS = 60


class File(NamedTuple):
    """The contents of a file."""

    key: str
    version: int
    seq: int
    value: Any


def file_name(key: str) -> str:
    """Readable, and different for different keys also where the file system ignores case."""
    shown = re.sub(r"[^a-z0-9._]+", "-", key.lower())[:_SHOWN_CHARACTERS].strip("-.")
    digest = hashlib.sha256(key.encode()).hexdigest()[:32]
    return f"{shown}-{digest}{SUFFIX}" if shown else f"{digest}{SUFFIX}"


class Folder:
    """The files, and the floor: the highest version of all that were deleted."""

    def __init__(self, path: Path, timeout_s: float) -> None:
        self._path, self._timeout_s = path, timeout_s
        self._prepared = False

    def names(self) -> list[str]:
        try:
            return [each.name for each in self._path.iterdir() if _is_row(each.name)]
        except FileNotFoundError:
            return []
        except OSError as error:
            raise self._failed(error) from error

    def read(self, name: str, key: str | None = None) -> File | None:
        """None where there is no such file. Raises: KVError, where it holds something else."""
        try:
            body = (self._path / name).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._failed(error) from error
        try:
            file = File(**orjson.loads(body))
        except (ValueError, TypeError) as error:
            raise self._altered(name, error) from error
        if key not in (None, file.key):
            raise self._altered(name, f"its key is {file.key!r}, and should be {key!r}")
        return file

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Write alone for the duration; the lock goes with the process."""
        try:
            self._prepare()
            descriptor = os.open(self._path / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                self._acquire(descriptor)
                self._remove_leftovers()
                yield
            finally:
                os.close(descriptor)  # which gives the lock back
        except OSError as error:
            raise self._failed(error) from error

    def place(self, name: str, body: bytes) -> None:
        """Replace a file, or make it, for good."""
        new = self._path / f"{_NEW}{os.getpid()}"
        try:
            descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(body)
                file.flush()
                os.fsync(descriptor)
            new.replace(self._path / name)
        except OSError:
            new.unlink(missing_ok=True)
            raise
        _sync(self._path)

    def drop(self, name: str) -> None:
        """Remove a file for good."""
        (self._path / name).unlink()
        _sync(self._path)

    def floor(self) -> int:
        try:
            return int((self._path / _FLOOR).read_bytes())
        except FileNotFoundError:
            return 0
        except ValueError as error:
            raise KVError(
                f"{self._path / _FLOOR} is no number: {error}. Write a number into it that is "
                "higher than all versions that were ever seen"
            ) from error

    def raise_floor(self, version: int) -> None:
        if version > self.floor():
            self.place(_FLOOR, str(version).encode())

    def _prepare(self) -> None:
        made = [each for each in (self._path, *self._path.parents) if not each.exists()]
        for each in reversed(made):
            each.mkdir(mode=0o700, exist_ok=True)
            _sync(each.parent)

    def _acquire(self, descriptor: int) -> None:
        deadline = time.monotonic() + self._timeout_s
        while True:
            try:
                # Not waiting in the kernel: a process that was stopped must not stop all others.
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    raise UnavailableError(
                        f"{self._path} has been locked by another process for "
                        f"{self._timeout_s:g} s. Is it stopped? Let it go on, or end it, and try "
                        "again"
                    ) from None
                time.sleep(jitter.between(0.0005, 0.005))
            else:
                return

    def _remove_leftovers(self) -> None:
        """Remove what writers have left that were killed: who holds the lock is the only one."""
        if not self._prepared:
            for each in self._path.glob(f"{_NEW}*"):
                each.unlink()
            self._prepared = True

    def _altered(self, name: str, why: object) -> KVError:
        return KVError(
            f"{self._path / name} is not as it was written: {why}. Restore it, or move it away and "
            "lose the value"
        )

    def _failed(self, error: OSError) -> KVError:
        return KVError(
            f"{self._path} cannot be used: {error.strerror or error}. Check that its disk is there "
            "and has room, and that this user may write it; what was being written may be in"
        )


def _is_row(name: str) -> bool:
    return name.endswith(SUFFIX) and not name.startswith(".")


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
