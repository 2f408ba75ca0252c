"""The queue's writer, in any process: actions are appended durably, many to one commit."""

import contextlib
import functools
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from reins.settings import current_settings
from store import forks, new_ids
from store.errors import OutcomeUnknownError, StoreError
from store.folder import DataFolder
from store.queue import watch as queue_watch
from store.queue.file import QueueFile
from store.queue.rows import Action, Asked, Mark, asked
from store.queue.shrinking import is_large
from store.queue.table import Row

Listener = Callable[[list[Action], int], object]
_FORGOTTEN_AT_ONCE = 1_000
_UNSYNCED = frozenset({sqlite3.SQLITE_IOERR_FSYNC, sqlite3.SQLITE_IOERR_DIR_FSYNC})


@dataclass(slots=True, eq=False)
class _Waiting:
    asked: Asked | None = None
    marks: Sequence[Mark] = ()
    done: bool = False
    error: StoreError | None = field(default=None)
    told: threading.Lock = field(init=False)
    """Taken until it is done, or may commit."""

    def __post_init__(self) -> None:
        self.told = threading.Lock()
        self.told.acquire()

    def tell(self) -> None:
        if self.told.locked():
            self.told.release()


class QueueWriter:
    """Appends and marks actions durably; threads that do so at the same moment share one commit.

    The first thread in commits for all who are waiting: no thread of its own to start or stop. What
    comes meanwhile is the next commit, and each is told of its own: to wait for the lock in turn
    would keep those that are done behind a commit that is not theirs.
    `most` actions may wait, as many as the settings say when the file is opened if it is not given.
    """

    def __init__(self, folder: DataFolder | Path | str, *, most: int | None = None) -> None:
        self._folder = folder if isinstance(folder, DataFolder) else DataFolder(folder)
        self._commit_lock = threading.Lock()
        self._gathering_lock = threading.Lock()
        self._gathering: list[_Waiting] = []
        self._most = most
        self._limit = 0
        self._file: QueueFile | None = None
        self._file_id = (0, 0)
        self._bells: queue_watch.Bells | None = None
        self._listeners: list[Listener] = []
        self.failures = 0
        self.last_failure: tuple[float, str] | None = None
        """Monotonic time and error of the newest commit, where it failed."""
        forks.know(self)

    def append(self, *rows: Row) -> None:
        """Return once the actions are on disk, all of them or none.

        Raises: StoreError (none is acknowledged), QueueFullError among them, OutcomeUnknownError
        (they may be in the queue; sent again under the same ids, they have one effect).
        """
        if rows:
            mine = asked(rows)
            mine.new = frozenset(id_ for row in rows if new_ids.take(id_ := row["action_id"]))
            self._share(_Waiting(mine))

    def confirm(self, *rows: Row) -> None:
        """Return once actions that were found in the queue are on disk.

        One that another program has put into the table may not be, and is enqueued once more: it
        has one effect. Raises: as `append`.
        """
        left = [row for row in rows if not row["processed"]]  # the worker syncs what it marks
        if left:
            self._share(_Waiting(asked(left, once=True)))

    def adopt(self, rows: Sequence[Row]) -> None:
        """Take in actions that another program has put into the table. Raises: as `append`."""
        self._share(_Waiting(asked(rows, adopted=True)))

    def mark(self, marks: Sequence[Mark]) -> None:
        """Return once the outcomes are on disk. Raises: StoreError."""
        self._share(_Waiting(marks=marks))

    def forget(self, numbers: Sequence[int]) -> None:
        """Delete actions that the table has for good. Raises: StoreError."""
        for at in range(0, len(numbers), _FORGOTTEN_AT_ONCE):
            with self._alone():  # in parts, so that the commits between them wait little
                try:
                    self._opened().forget(numbers[at : at + _FORGOTTEN_AT_ONCE])
                except sqlite3.Error as error:
                    raise self._told(error) from error

    def shrink(self) -> None:
        """Give the space back that deleted actions took, if it is much."""
        if not is_large(self._folder.queue):
            return
        with self._alone(), contextlib.suppress(sqlite3.Error):  # others may commit: later, then
            self._opened().shrink()

    def listen(self, arrived: Listener) -> Callable[[], None]:
        """Call `arrived` with the actions of each commit of this process, and the number of the
        newest action before them.

        Returns what ends that.
        """
        self._listeners.append(arrived)
        return lambda: self._listeners.remove(arrived)

    def _share(self, mine: _Waiting) -> None:
        with self._gathering_lock:
            self._gathering.append(mine)
        try:
            while not mine.done:
                if self._commit_lock.acquire(blocking=False):
                    self._commit_gathered()
                else:
                    mine.told.acquire()
        except BaseException:  # it goes; somebody else commits for those that wait
            with self._gathering_lock:
                self._gathering = [each for each in self._gathering if each is not mine]
                self._tell_next()
            raise
        if mine.error is not None:
            raise mine.error

    def _commit_gathered(self) -> None:
        """Commit what has gathered; the lock is taken, and given back."""
        batch: list[_Waiting] = []
        try:
            with self._gathering_lock:
                batch, self._gathering = self._gathering, []
            if batch:
                self._commit(batch)
        finally:
            self._give(batch)

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Nobody commits meanwhile."""
        self._commit_lock.acquire()
        try:
            yield
        finally:
            self._give()

    def _give(self, done: Sequence[_Waiting] = ()) -> None:
        self._commit_lock.release()
        with self._gathering_lock:
            self._tell_next()
            for each in done:
                each.tell()

    def _tell_next(self) -> None:
        for first in self._gathering[:1]:
            first.tell()

    def _commit(self, batch: list[_Waiting]) -> None:
        # Whatever ends this commit early, nobody in it may take it for done, nor for undone.
        error: StoreError | None = OutcomeUnknownError("its commit was broken off")
        all_asked = [waiting.asked for waiting in batch if waiting.asked is not None]
        before = 0
        try:
            marks = [mark for waiting in batch for mark in waiting.marks]
            before = self._opened().commit(all_asked, marks, self._limit)
            error = None
        except (OSError, MemoryError, OverflowError, sqlite3.Error, StoreError) as failure:
            self._close()
            error = self._told(failure)
        finally:
            for waiting in batch:
                waiting.done, waiting.error = True, error
                if error is None and waiting.asked is not None:
                    waiting.error = waiting.asked.error
                elif isinstance(error, OutcomeUnknownError):  # each is told of its own
                    waiting.error = _unknown(waiting.asked, error)
            self.failures += error is not None
            self.last_failure = None if error is None else (time.monotonic(), str(error))
        if error is None:
            self._tell([row for each in all_asked for row in each.numbered], before)

    def _told(self, failure: Exception) -> StoreError:
        """The error of a commit that failed, for those who wait for it."""
        if getattr(failure, "sqlite_errorcode", 0) in _UNSYNCED:
            # It may be found after a crash.
            return OutcomeUnknownError(str(failure))
        return StoreError(
            f"the action could not be written to the queue in {self._folder.path}: "
            f"{str(failure).rstrip('.')}. It is not acknowledged; make space, or mend the cause, "
            "and send it again."
        )

    def _tell(self, numbered: list[Action], before: int) -> None:
        if self._bells is not None:
            self._bells.ring("committed")
            if numbered and not self._listeners:
                self._bells.ring("enqueued")
        if not numbered:
            return
        for arrived in list(self._listeners):
            with contextlib.suppress(RuntimeError):  # its loop has ended; the action is safe
                arrived(numbered, before)

    def _opened(self) -> QueueFile:
        if self._file is not None and self._folder.queue_id() != self._file_id:
            self._close()  # the folder was replaced
        if self._file is None:
            self._folder.prepare()
            self._limit = current_settings().queue_max if self._most is None else self._most
            self._file = self._folder.open_queue()
            self._file_id = self._folder.queue_id()
            self._bells = queue_watch.Bells(self._folder.path)
        return self._file

    def close(self) -> None:
        """Give the file up until the next commit."""
        with self._alone():
            self._close()

    def before_fork(self) -> bool:
        if not self._commit_lock.acquire(timeout=forks.PATIENCE_S):
            return False
        self._gathering_lock.acquire()
        self._close()
        return True

    def after_fork(self, *, child: bool) -> None:
        if child:  # what threads of the parent wait for is the parent's to commit, and its worker's
            self._gathering, self._listeners = [], []
        self._gathering_lock.release()
        self._give()

    def _close(self) -> None:
        file, self._file = self._file, None
        bells, self._bells = self._bells, None
        for each in (file, bells):
            if each is not None:
                with contextlib.suppress(sqlite3.Error, OSError):
                    each.close()


def mark_of_id(folder: DataFolder, action_id: str, done: Callable[[Row], Row]) -> bool:
    """Mark what waits in the file under this id; true if the file has it. Raises: StoreError."""
    with folder.read_queue() as file:
        found = [] if file is None else file.of_id(action_id)
    waits = [action for action in found if not action.row["processed"]][:1]
    if waits:
        writer_at(folder).mark([Mark(action.number, done(action.row)) for action in waits])
    return bool(found)


def _unknown(rows: Asked | None, error: Exception) -> OutcomeUnknownError:
    ids = ", ".join(str(row["action_id"]) for row in ([] if rows is None else rows.rows))
    return OutcomeUnknownError(
        f"action {ids[:300]} is not acknowledged: it may be in the queue, and may not survive a "
        f"loss of power ({error}). Ask for its receipt, or send it again under the same id: it "
        "has one effect all the same."
    )


@functools.lru_cache(maxsize=64)
def _writer_at(folder: DataFolder) -> QueueWriter:
    return QueueWriter(folder)


def writer_at(folder: DataFolder | Path) -> QueueWriter:
    """The one writer of this process for a folder, so that its threads share commits."""
    return _writer_at(folder if isinstance(folder, DataFolder) else DataFolder(folder))
