"""The data folder: made ready, its format checked, owned by one worker at a time."""

import contextlib
import ctypes
import json
import os
import re
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import filelock

from store.errors import FolderOwnedError, FolderUnusableError, FormatUnknownError

FORMAT = 1
"""Version of the folder's layout. 0 stands for tables from before it was recorded."""

_FORMAT_FILE = "format.json"
_LOCK_FILE = "owner.lock"
_OWNER_FILE = "owner.json"
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:/")  # a Path has one slash of two left
_NAME_BYTES = 255
_PATH_BYTES = 3_800  # Linux takes 4,096, and LanceDB's names of files come behind it


class DataFolder:
    """One folder of tables with the journal beside them."""

    def __init__(self, path: Path | str) -> None:
        """Raises: FolderUnusableError, where the path can be no local folder."""
        _check_path(str(path))
        # Absolute: LanceDB takes a path that begins with "db" for its cloud.
        self.path = Path(path).expanduser().absolute()

    @property
    def journal(self) -> Path:
        return self.path / "journal.sqlite"

    def prepare(self) -> None:
        """Make the folder, and record its format if it is new.

        Raises: FolderUnusableError, FormatUnknownError.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            probe = self.path / f".probe-{_here()}"
            probe.write_bytes(b"reins")
            probe.unlink()
            if self.format() is None:
                self._write_json(_FORMAT_FILE, {"format": FORMAT})
        except OSError as error:
            raise FolderUnusableError(
                f"the data folder {self.path} cannot be used: {error.strerror or error}. "
                "Check that its disk is there, writable and has room, or set REINS_DATA."
            ) from error

    def format(self) -> int | None:
        """The folder's format; None if none is recorded.

        Raises: FormatUnknownError if it is newer, FolderUnusableError if it is not readable.
        """
        try:
            found = json.loads((self.path / _FORMAT_FILE).read_text())["format"]
        except FileNotFoundError:
            # Tables without the file are from before it existed.
            return 0 if any(self.path.glob("*.lance")) else None
        except (ValueError, KeyError, TypeError):
            raise FolderUnusableError(
                f"{self.path / _FORMAT_FILE} is not readable; expected "
                f'{{"format": {FORMAT}}}. Restore the file.'
            ) from None
        if not isinstance(found, int) or found > FORMAT:
            raise FormatUnknownError(
                f"the data folder {self.path} has format {found}, this Reins knows up to {FORMAT}. "
                "Upgrade Reins, or use another folder."
            )
        return found

    def record_format(self) -> None:
        self._write_json(_FORMAT_FILE, {"format": FORMAT})

    @contextlib.contextmanager
    def owned(self) -> Iterator[None]:
        """Own the folder for the duration; the lock goes with the process, however it ends.

        Raises: FolderOwnedError if another process owns it.
        """
        lock = filelock.FileLock(self.path / _LOCK_FILE)
        try:
            lock.acquire(timeout=0)
        except OSError as error:
            raise FolderUnusableError(
                f"{self.path / _LOCK_FILE} cannot be locked: {error.strerror or error}. "
                "Check the folder's permissions and its disk."
            ) from error
        except filelock.Timeout:
            raise FolderOwnedError(
                f"another worker (process {self.owner_pid() or 'unknown'}) owns the data folder "
                f"{self.path}. Stop it first, or use another folder."
            ) from None
        try:
            self._write_json(_OWNER_FILE, {"pid": os.getpid()})
            yield
        finally:
            with contextlib.suppress(OSError):  # a note of a process that is gone is not believed
                (self.path / _OWNER_FILE).unlink(missing_ok=True)
            lock.release()

    def owner_pid(self) -> int | None:
        """Process id that the owner wrote down; None if there is no owner."""
        try:
            pid = int(json.loads((self.path / _OWNER_FILE).read_text())["pid"])
        except (OSError, ValueError, KeyError, TypeError):
            return None
        # An owner that was killed leaves its note behind.
        return pid if _runs(pid) else None

    def sync(self) -> None:
        """Everything written to the folder's file system so far is on disk."""
        descriptor = os.open(self.path, os.O_RDONLY)
        try:
            _sync_file_system(descriptor)
        finally:
            os.close(descriptor)

    def _write_json(self, name: str, value: object) -> None:
        part = self.path / f"{name}.{_here()}.part"
        with part.open("w") as file:
            json.dump(value, file)
            file.flush()
            os.fsync(file.fileno())  # or a loss of power leaves an empty file under the name
        part.replace(self.path / name)


def _check_path(path: str) -> None:
    why = None
    if _ADDRESS.match(path):
        why = "it is an address; lock, sync and watch need a folder of this machine"
    elif not path.isprintable():
        why = "it has control or invisible characters, which LanceDB cannot open"
    elif len(os.fsencode(path)) > _PATH_BYTES or any(
        len(os.fsencode(part)) > _NAME_BYTES for part in Path(path).parts
    ):
        why = f"it is too long; expected {_PATH_BYTES} bytes, {_NAME_BYTES} for a name, at the most"
    if why:
        raise FolderUnusableError(
            f"the data folder {path[:200]!a} cannot be used: {why}. Give a local folder with "
            "REINS_DATA or --data."
        )


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except (OSError, OverflowError):
        return False
    return True


def _here() -> str:
    """A name that no other process and no other thread uses at this moment."""
    return f"{os.getpid()}-{threading.get_ident()}"


if sys.platform == "linux":
    _libc = ctypes.CDLL(None, use_errno=True)

    def _sync_file_system(descriptor: int) -> None:
        # syncfs: one call for all files of a LanceDB commit, a tenth of the cost of one by one.
        if _libc.syncfs(descriptor) != 0:
            code = ctypes.get_errno()
            raise OSError(code, os.strerror(code))

else:

    def _sync_file_system(descriptor: int) -> None:
        del descriptor
        os.sync()
