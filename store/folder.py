"""The data folder: made ready, its format checked, owned by one worker at a time."""

import contextlib
import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import filelock

from store.barrier import Barrier, sync_file_system
from store.boot import boot_id
from store.errors import FolderOwnedError, FolderUnusableError, FormatUnknownError
from store.failed_syncs import FailedSyncs
from store.journal.log import NotingLog, Witness, open_log
from store.journal.opening import Durable
from store.journal.proof import Proof, prove
from store.journal.reading import open_for_others, open_for_reading
from store.lance.opening import LanceTables, Tables
from store.local_path import check_local_path
from store.locks import Shared, is_shared, share
from store.queue.file import QueueFile
from store.queue.opening import QueueReader, open_queue, prove_queue

FORMAT = 2
"""Version of the folder's layout: 2 with the queue's file, 0 from before it was recorded."""

_FORMAT_FILE = "format.json"
_LOCK_FILE = "owner.lock"
_FAILED_SYNCS_FILE = "failed-syncs.count"
_VERSIONS_FILE = "versions.lock"
OWNER_FILE = "owner.json"

Left = Literal["clean", "killed", "power"]
"""How an owner left the folder: by a stop, by a kill, or perhaps because the power was lost."""


class Owner:
    """A process's ownership of a folder, and how the owner before left it."""

    def __init__(self, folder: "DataFolder", left: Left, boot: str) -> None:
        self._folder = folder
        self._boot = boot
        self.left = left

    def proven(self) -> None:
        """The folder holds what it should: a kill from now on is this process's own."""
        self.left, self._boot = "clean", boot_id()
        self.note()

    def note(self) -> None:
        self._folder.write_json(OWNER_FILE, {"pid": os.getpid(), "boot": self._boot})

    def gone(self) -> None:
        if self.left == "clean":
            (self._folder.path / OWNER_FILE).unlink(missing_ok=True)
        else:  # refused before it was proven: the next start has to prove it too
            self._folder.write_json(OWNER_FILE, {"pid": None, "boot": self._boot})


class DataFolder:
    """One folder of tables with the journal beside them: where both are opened and synced."""

    def __init__(self, path: Path | str) -> None:
        """Raises: FolderUnusableError, where the path can be no local folder."""
        check_local_path(str(path))
        # Absolute: LanceDB takes a path that begins with "db" for its cloud.
        self.path = Path(path).expanduser().absolute()
        self.failed_syncs = FailedSyncs(self.path / _FAILED_SYNCS_FILE)
        self.queue = self.path / "queue.sqlite"
        self._queue_reader = QueueReader(self.queue)
        self._opening = threading.Lock()
        self._syncing = threading.Lock()
        self._descriptor: int | None = None

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other.path == self.path

    def __hash__(self) -> int:
        return hash(self.path)

    @property
    def journal(self) -> Path:
        return self.path / "journal.sqlite"

    def prove_log(self) -> Proof:
        """Read the journal through, and what it should have; changes nothing."""
        return prove(self.journal)

    def open_log(
        self,
        durable: Durable,
        *,
        checked: bool = False,
        waits: bool = True,
        witness: Witness | None = None,
    ) -> NotingLog:
        """The journal's log, to append to. Raises: FolderUnusableError."""
        return open_log(self.journal, durable, checked=checked, waits=waits, witness=witness)

    def read_log(self) -> contextlib.AbstractContextManager[NotingLog | None]:
        """The same for one read; None where there is none yet. Raises: FolderUnusableError."""
        return open_for_reading(self.journal)

    def prove_queue(self) -> Proof:
        """Read the queue's file through, and what it should have; changes nothing."""
        return prove_queue(self.queue)

    def open_queue(self, *, checked: bool = False) -> QueueFile:
        """The queue's file, to append to; made from what waits in the table, if it is missing.

        Raises: FolderUnusableError.
        """
        return open_queue(self.queue, self.open_tables, checked=checked)

    def read_queue(self) -> contextlib.AbstractContextManager[QueueFile | None]:
        """The same for a query or two; None where there is none. Raises: FolderUnusableError."""
        return self._queue_reader.read()

    @contextlib.contextmanager
    def open_for_others(self) -> Iterator[None]:
        """For the duration a process that may not write in the folder can read all of it.

        Raises: FolderUnusableError.
        """
        with open_for_others(self.journal), open_for_others(self.queue):
            yield

    def queue_id(self) -> tuple[int, int]:
        """Tell the queue's file from one that has taken its place."""
        return _id_of(self.queue)

    def id(self) -> tuple[int, int]:
        """Tell the folder from one that has taken its place."""
        return _id_of(self.path)

    def open_tables(self) -> Tables:
        return LanceTables(self.path)

    def prepare(self) -> None:
        """Make the folder, and record its format if it is new.

        Raises: FolderUnusableError, FormatUnknownError.
        """
        try:
            # The owner's alone: what agents and people say is nobody else's on this machine.
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            probe = self.path / f".probe-{_here()}"
            probe.write_bytes(b"reins")
            probe.unlink()
            if self.format() is None:
                self.write_json(_FORMAT_FILE, {"format": FORMAT})
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
        self.write_json(_FORMAT_FILE, {"format": FORMAT})

    @contextlib.contextmanager
    def owned(self) -> Iterator[Owner]:
        """Own the folder for the duration; the lock goes with the process, however it ends.

        Until `Owner.proven` is called the note of how it was left stays as it is.

        Raises: FolderOwnedError if another process owns it.
        """
        lock = filelock.FileLock(self.path / _LOCK_FILE)
        try:
            lock.acquire(timeout=0)
        except filelock.Timeout:
            raise FolderOwnedError(
                f"another worker (process {self.owner_pid() or 'unknown'}) owns the data folder "
                f"{self.path}. Stop it first, or use another folder."
            ) from None
        except OSError as error:
            raise FolderUnusableError(
                f"{self.path / _LOCK_FILE} cannot be locked: {error.strerror or error}. "
                "Check the folder's permissions and its disk."
            ) from error
        owner = Owner(self, *self._left())
        try:
            owner.note()
            (self.path / _VERSIONS_FILE).touch()  # readers make nothing, and share its lock
            yield owner
        finally:
            with contextlib.suppress(OSError):  # or the lock would stay
                owner.gone()
            lock.release()

    def _left(self) -> tuple[Left, str]:
        """How the last owner left, and in which run of the machine."""
        try:
            boot = str(json.loads((self.path / OWNER_FILE).read_text())["boot"])
        except FileNotFoundError:
            return "clean", boot_id()
        except (ValueError, KeyError, TypeError):
            return "power", ""
        return ("killed" if boot and boot == boot_id() else "power"), boot

    def owner_pid(self) -> int | None:
        """Process id that the owner wrote down; None if there is no owner."""
        try:
            pid = int(json.loads((self.path / OWNER_FILE).read_text())["pid"])
        except (OSError, ValueError, KeyError, TypeError):
            return None
        # An owner that was killed leaves its note behind.
        return pid if _runs(pid) else None

    def hold_versions(self) -> Shared | None:
        """Keep all versions of the tables from now on, while somebody has what is returned.

        None where no worker has cleaned up here yet.
        """
        return share(self.path / _VERSIONS_FILE)

    def versions_held(self) -> bool:
        """True while anybody, in any process, needs versions of the tables that were replaced."""
        return is_shared(self.path / _VERSIONS_FILE)

    def barrier(self) -> Barrier:
        """A barrier for one writer, opened before it writes; `close` when all are done with.

        Raises: OSError.
        """
        with self._opening:
            if self._descriptor is None:
                self._descriptor = os.open(self.path, os.O_RDONLY)
        return Barrier(self)

    def sync(self) -> None:
        """Everything written to the folder's file system so far is on disk. Raises: OSError.

        An error that came before the folder's first barrier was opened may be unknown here.
        """
        if self._descriptor is None:
            with contextlib.closing(DataFolder(self.path)) as once:
                once.barrier()
                once.sync()
            return
        with self._syncing:  # or another's sync succeeds before this one's failure is counted
            try:
                sync_file_system(self._descriptor)
            except OSError:
                self.failed_syncs.add()
                raise

    def close(self) -> None:
        """Give the barriers' descriptor back, and the handle of the queue's file."""
        self._queue_reader.close()
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def write_json(self, name: str, value: object) -> None:
        part = self.path / f"{name}.{_here()}.part"
        try:
            with part.open("w") as file:
                json.dump(value, file)
                file.flush()
                os.fsync(file.fileno())  # or a loss of power leaves an empty file under the name
            part.replace(self.path / name)
        except BaseException:
            part.unlink(missing_ok=True)  # what a sync failed for is written anew
            raise


def _id_of(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except OSError:
        return 0, 0
    return found.st_dev, found.st_ino


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
