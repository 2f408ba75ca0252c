"""The queue's file opened: made from what waits in the table, proven, or read by anybody."""

import contextlib
import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from store import forks
from store.errors import FolderUnusableError
from store.journal import opening, proof
from store.journal.opening import BUSY_TIMEOUT_S, Durable, refuse_if_emptied, why_not
from store.journal.proof import Proof
from store.lance.damage import Range, as_ranges
from store.lance.opening import Tables
from store.queue.file import LAYOUT, QueueFile, listed
from store.queue.rows import asked, values
from store.queue.table import TABLE, Row, highest, waiting_rows

Before = tuple[int, list[Row]]
"""The highest number in the table, and the rows that wait there, in order."""
DURABLE: Durable = "power"
"""Whatever the journal's level is: an outcome may not be lost whose effect is not."""
_PROVEN_AT_ONCE = 2_000


def open_queue(path: Path, tables: Callable[[], Tables], *, checked: bool = False) -> QueueFile:
    """The file, to append to; made if it is missing, from what waits in the table.

    `checked`: for the folder's owner, who has proven it. Raises: FolderUnusableError.
    """
    found = None if path.exists() else before(tables())

    def make(connection: sqlite3.Connection) -> None:
        if connection.execute("SELECT count(*) FROM place").fetchone() == (0,):
            begin(connection, found or before(tables()))

    connection = opening.open_for_writing(path, DURABLE, proven=checked, layout=LAYOUT, make=make)
    try:
        if checked:
            opening.check(connection, path, LAYOUT)
            opening.begin_anew(connection)
        return QueueFile(connection)
    except BaseException:
        connection.close()
        raise


def before(tables: Tables) -> Before:
    """The table's rows, while there is no file yet."""
    table = tables.open_if_there(TABLE)
    return (0, []) if table is None else (highest(table), waiting_rows(table))


def make_queue(connection: sqlite3.Connection, found: Before) -> None:
    """Make the whole content of a new file."""
    for statement in LAYOUT.statements:
        connection.execute(statement)
    begin(connection, found)


def begin(connection: sqlite3.Connection, found: Before) -> None:
    """Go on where the table ends: what waits there comes before all that is enqueued here."""
    newest, rows = found
    connection.execute("INSERT INTO place VALUES (1, ?, ?, 0)", (newest, newest))
    waiting = asked(rows, adopted=True)
    for at in range(len(rows)):
        line = (newest + 1 + at, *values(waiting, at))
        connection.execute(
            "INSERT INTO action (n, action_id, type, session_id, created_us, new, adopted, body, "
            "crc) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            line,
        )


def prove_queue(path: Path) -> Proof:
    """Read the file through, and what it should have; changes nothing."""
    return proof.prove(path, LAYOUT, _unread)


def _unread(connection: sqlite3.Connection) -> Iterator[Range]:
    after, more = 0, True
    while more:
        found = listed(connection, "n > ?", after, most=_PROVEN_AT_ONCE)
        yield from as_ranges([action.number for action in found if not action.whole])
        more = bool(found)
        after = found[-1].number if found else after


class QueueReader:
    """The file as its readers see it, from any process; safe to share between threads.

    The handle is kept while the file is the same: who waits for an action asks many times.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._file: QueueFile | None = None
        self._seen: tuple[int, int] | None = None
        forks.know(self)

    @contextlib.contextmanager
    def read(self) -> Iterator[QueueFile | None]:
        """The file for a query or two; None where there is none yet.

        Raises: FolderUnusableError.
        """
        with self._lock:
            try:
                file = self._opened()
                if file is None:
                    yield None
                    return
                yield file
            except sqlite3.Error as error:
                self._drop()
                if self._path.exists():
                    raise FolderUnusableError(f"the queue {self._path} {why_not(error)}") from error
                raise

    def _opened(self) -> QueueFile | None:
        try:
            found = self._path.stat()
        except (FileNotFoundError, NotADirectoryError):
            self._drop()
            return None
        except OSError as error:
            raise FolderUnusableError(
                f"the queue {self._path} cannot be read: {error.strerror or error}. Check that its "
                "disk is there, and that the user of the process may read the folder."
            ) from error
        seen = found.st_dev, found.st_ino
        if self._file is None or seen != self._seen:  # the folder was replaced
            self._drop()
            self._file, self._seen = _for_reading(self._path), seen
        return self._file

    def close(self) -> None:
        """Give the handle up until the next read."""
        with self._lock:
            self._drop()

    def before_fork(self) -> bool:
        if not self._lock.acquire(timeout=forks.PATIENCE_S):
            return False
        with contextlib.suppress(sqlite3.Error):
            self._drop()
        return True

    def after_fork(self, *, child: bool) -> None:
        del child
        self._lock.release()

    def _drop(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            file.close()


def _for_reading(path: Path) -> QueueFile | None:
    refuse_if_emptied(path)
    connection = sqlite3.connect(
        f"{path.as_uri()}?mode=rw", uri=True, isolation_level=None, timeout=BUSY_TIMEOUT_S,
        check_same_thread=False,
    )  # fmt: skip
    try:
        connection.execute("PRAGMA query_only = ON")
        made = "SELECT count(*) FROM sqlite_master WHERE name IN ('action', 'place')"
        if connection.execute(made).fetchone() == (2,):
            return QueueFile(connection)
    except sqlite3.Error:
        connection.close()
        raise
    connection.close()
    return None
