"""The queue at one moment, for who checks a folder: its file and its table, as one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from store.folder import DataFolder
from store.journal.inspection import acknowledged_number, inspected
from store.journal.opening import newest_number
from store.lance.tables import Row
from store.queue import reading as queue_reading
from store.queue.file import LAYOUT, listed
from store.queue.rows import Action
from store.times import from_us, to_us


@dataclass(slots=True)
class QueueFileMoment:
    """The content of the queue's file.

    `acknowledged` is the highest number that it must have, `newest` the highest that it has.
    """

    actions: Sequence[Action] = ()
    acknowledged: int = 0
    newest: int = 0

    @property
    def torn(self) -> list[int]:
        """The numbers of the actions that are not what was committed."""
        return [action.number for action in self.actions if not action.whole]

    def rows(self, stored: Sequence[Row], columns: Sequence[str]) -> list[Row]:
        """The actions with those of the table, read later, each once; times are numbers."""
        rows = [action.row for action in self.actions if action.whole]
        rows += queue_reading.beside(map(_timed, stored), self.actions)
        return [{name: _plain(row.get(name)) for name in columns} for row in rows]


def read(folder: DataFolder) -> QueueFileMoment:
    """The file as it stands; nothing of it is changed. Raises: FolderUnusableError."""
    acknowledged = acknowledged_number(folder.queue)
    with inspected(folder.queue, LAYOUT) as connection:
        if connection is None:
            return QueueFileMoment(acknowledged=acknowledged)
        actions = listed(connection)
        return QueueFileMoment(actions, acknowledged, newest_number(connection, LAYOUT))


def _timed(row: Row) -> Row:
    at = row["created_at"]
    try:
        return row | {"created_at": None if at is None else from_us(at)}
    except OverflowError:  # of another program; no action of the file has such a time
        return row


def _plain(value: object) -> object:
    return to_us(value) if isinstance(value, datetime) else value
