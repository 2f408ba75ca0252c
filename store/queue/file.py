"""The queue's own file: SQLite in WAL mode, one row an action until the table has it for good.

Numbers grow and are never used twice; each action gets one, and each mark. A commit is one
statement wherever it can be: each step of SQLite gives Python's lock away, and waits for it again.
"""

import contextlib
import sqlite3
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple, TypeVar

import orjson

from reins import jitter
from store.errors import QueueFullError
from store.journal.opening import BUSY_TIMEOUT_S, Appender, Layout, one_moment
from store.queue.rows import LISTED, Action, Asked, Mark, marked, parsed, values
from store.queue.shrinking import shrink
from store.queue.table import Row, is_refused

T = TypeVar("T")
_Values = tuple[Any, ...]
_AT_ONCE = 100
"""Rows in one statement; SQLite takes 32,766 values."""
_READ_AT_ONCE = 2_000
ALL = 1 << 31
_PAUSE_S, _LONGEST_PAUSE = (0.000_05, 0.000_25), 8
"""Before another try while another process commits, twice as long each time up to so many times:
where many try, each try takes time from all. SQLite's own waits are 1 to 100 ms."""
_FIRST_RETRY_S, _A_ROW_S, _LONGEST_RETRY_S = 0.2, 0.000_5, 30.0
_NEWEST = "SELECT coalesce((SELECT newest FROM place), 0)"
_PLACE = "SELECT newest, action, waiting FROM place"
_VALUES = ", ".join(f"column{number}" for number in range(2, 10))
_COLUMNS = "n, action_id, type, session_id, created_us, new, adopted, body, crc"

LAYOUT = Layout(
    name="queue",
    statements=(
        """CREATE TABLE IF NOT EXISTS action (
            n INTEGER PRIMARY KEY, action_id TEXT NOT NULL, type TEXT, session_id TEXT,
            created_us INTEGER, new INTEGER NOT NULL, adopted INTEGER NOT NULL, body BLOB NOT NULL,
            crc INTEGER NOT NULL, mark BLOB, mark_crc INTEGER)""",
        "CREATE INDEX IF NOT EXISTS action_by_id ON action (action_id)",
        "CREATE INDEX IF NOT EXISTS action_marked ON action (n) WHERE mark IS NOT NULL",
        "CREATE INDEX IF NOT EXISTS action_adopted ON action (n) WHERE adopted",
        """CREATE TABLE IF NOT EXISTS place (
            id INTEGER PRIMARY KEY CHECK (id = 1), newest INTEGER NOT NULL,
            action INTEGER NOT NULL, waiting INTEGER NOT NULL)""",
        """CREATE TRIGGER IF NOT EXISTS action_enqueued AFTER INSERT ON action BEGIN
            UPDATE place SET newest = max(newest, new.n), action = max(action, new.n),
                waiting = waiting + 1;
        END""",
        """CREATE TRIGGER IF NOT EXISTS action_is_marked AFTER UPDATE OF mark ON action BEGIN
            UPDATE place SET newest = newest + 1, waiting = waiting - 1;
        END""",
    ),
    newest=_NEWEST,
    tables=("action", "place"),
    page_bytes=4096,
)


class Place(NamedTuple):
    """The newest number of all, the newest of an action, and how many actions wait."""

    newest: int
    action: int
    waiting: int


class QueueFile:
    """A handle to append and to mark with; its caller lets one thread at a time use it.

    What commits returns once that is on disk, all of it or none. Raises: sqlite3.Error.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._connection.execute("PRAGMA busy_timeout = 0")
        self._known: tuple[int, int] | None = None
        """The newest number and the newest action's as this handle last found them."""

    def commit(self, asked: Sequence[Asked], marks: Sequence[Mark], most: int) -> int:
        """Commit everything as one; returns the number of the newest action before, or a higher one
        below all of these: then another process has committed since this handle did.

        What has no room among `most` waiting actions gets its error, and nothing of it is in.
        """
        known, self._known = self._known, None
        try:
            before = self._at_once(asked, marks, most)
            if before is None:
                return self._in_turn(asked, marks, most)
            return known[1] if known is not None and known[0] == before else before
        finally:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")

    def _at_once(self, asked: Sequence[Asked], marks: Sequence[Mark], most: int) -> int | None:
        """Commit in one statement; returns the newest number before, None if it cannot be so."""
        if asked:
            return None if marks else self._append_at_once(asked, most)
        if 0 < len(marks) <= _AT_ONCE:
            self._patiently(lambda: self._mark(marks))
            after = self.place()
            self._note(after.newest, after.action)
            return after.action
        return None

    def _append_at_once(self, asked: Sequence[Asked], most: int) -> int | None:
        rows = _rows(asked)
        if not 0 < len(rows) <= _AT_ONCE or any(each.once for each in asked):
            return None
        needed = _needed(asked)
        last = self._patiently(lambda: self._append(rows, needed, most))
        if last is None:
            return None  # not all have room
        _number(asked, last - len(rows))
        self._note(last, last)
        return last - len(rows)

    def _in_turn(self, asked: Sequence[Asked], marks: Sequence[Mark], most: int) -> int:
        self._patiently(lambda: self._connection.execute("BEGIN IMMEDIATE"))
        before = self.place()
        for each in asked:
            if each.once:
                self._leave_out(each)
        fitting = _fitting(asked, before.waiting, most)
        for part in _parts(_rows(fitting)):
            self._append(part)
        _number(fitting, before.newest)
        for given in _parts(marks):
            self._mark(given)
        after = self.place()
        self._connection.execute("COMMIT")
        self._note(after.newest, after.action)
        return before.action

    def _append(self, rows: Sequence[_Values], needed: int = -ALL, most: int = 0) -> int | None:
        """Insert rows behind the newest; returns the last one's number.

        None, and nothing is in, where there is no room for so many as are needed among `most`.
        """
        done = self._connection.execute(
            f"INSERT INTO action ({_COLUMNS}) SELECT newest + column1, {_VALUES} "
            f"FROM ({_rows_of(len(rows), 9)}), place WHERE waiting + ? <= ?",
            [*(each for n, row in enumerate(rows, 1) for each in (n, *row)), needed, most],
        )
        return done.lastrowid if done.rowcount else None

    def _mark(self, marks: Sequence[Mark]) -> None:
        self._connection.execute(
            "UPDATE action SET mark = given.column2, mark_crc = given.column3 FROM "
            f"({_rows_of(len(marks), 3)}) AS given WHERE n = given.column1 AND mark IS NULL",
            [value for mark in marks for value in marked(mark)],
        )

    def _note(self, newest: int, action: int) -> None:
        self._known = newest, action
        if isinstance(self._connection, Appender) and self._connection.note is not None:
            self._connection.note.write(newest)

    def _leave_out(self, each: Asked) -> None:
        there = self.ids(row["action_id"] for row in each.rows)
        left = [n for n, row in enumerate(each.rows) if row["action_id"] not in there]
        each.rows, each.bodies = [each.rows[n] for n in left], [each.bodies[n] for n in left]

    def place(self) -> Place:
        found = self._patiently(lambda: self._connection.execute(_PLACE).fetchone())
        if found is None:
            raise sqlite3.DatabaseError("the queue's counters are gone")
        return Place(*found)

    def waiting(self, after: int = 0) -> tuple[list[Action], int]:
        """The actions numbered above `after` that wait, in order; the newest action's number."""
        found: list[Action] = []
        # The place first: what is committed meanwhile is found by the next read.
        newest = max(after, self.place().action)
        while True:
            part = self._listed(f"n > {after} AND mark IS NULL", _READ_AT_ONCE)
            found += part
            if len(part) < _READ_AT_ONCE:
                return found, max([newest, *(action.number for action in part[-1:])])
            after = part[-1].number

    def finished(self, most: int) -> list[Action]:
        """The oldest actions that are marked, `most` of them."""
        return self._listed("mark IS NOT NULL", most)

    def adopted(self) -> list[Action]:
        """Those that another program has put into the table, where they have no outcome yet."""
        return self._listed("adopted", ALL)

    def of_id(self, action_id: str) -> list[Action]:
        """The actions with this id."""
        return self._listed("action_id = ?", ALL, action_id)

    def ids(self, among: Iterable[str]) -> set[str]:
        """Those of the ids that are in the file."""
        query = "SELECT 1 FROM action WHERE action_id = ? LIMIT 1"
        return {each for each in among if self._connection.execute(query, (each,)).fetchone()}

    def matching(self, where: str, *given: Any) -> list[Action]:
        """The actions that fit, in order."""
        return self._listed(where, ALL, *given)

    def _listed(self, where: str, most: int, *given: Any) -> list[Action]:
        return self._patiently(lambda: listed(self._connection, where, *given, most=most))

    def processed(self, action_ids: Iterable[str]) -> dict[str, Row]:
        """Of these ids, the actions that have their outcome, and were not refused."""
        rows = (action.row for each in action_ids for action in self.of_id(each))
        return {row["action_id"]: row for row in rows if row["processed"] and not is_refused(row)}

    def forget(self, numbers: Sequence[int]) -> None:
        """Delete actions that the table has for good, with their outcomes."""
        statement = "DELETE FROM action WHERE n IN (SELECT value FROM json_each(?))"
        given = (orjson.dumps(numbers).decode(),)
        self._patiently(lambda: self._connection.execute(statement, given))

    def go_on_after(self, number: int) -> None:
        """Never give out the numbers up to `number` again, and count what waits anew."""
        statement = """
            UPDATE place SET newest = max(newest, ?),
                waiting = (SELECT count(*) FROM action WHERE mark IS NULL)
        """
        self._patiently(lambda: self._connection.execute(statement, (number,)))

    def shrink(self) -> None:
        """Give free space back. Raises: sqlite3.Error."""
        shrink(self._connection)

    def close(self) -> None:
        self._connection.close()

    @staticmethod
    def _patiently(work: Callable[[], T]) -> T:
        until = time.monotonic() + BUSY_TIMEOUT_S
        times = 1
        while True:
            try:
                return work()
            except sqlite3.OperationalError as error:
                if not _is_busy(error) or time.monotonic() > until:
                    raise
            time.sleep(times * jitter.between(*_PAUSE_S))
            times = min(2 * times, _LONGEST_PAUSE)


def listed(
    connection: sqlite3.Connection, where: str = "1", *given: Any, most: int = ALL, skip: int = 0
) -> list[Action]:
    """The actions that fit, `most` of them, in order; the first of them are skipped."""
    fitting = f"(SELECT * FROM action WHERE {where} ORDER BY n LIMIT {most} OFFSET {skip})"
    with contextlib.ExitStack() as moment:
        try:
            (text,) = connection.execute(f"SELECT {LISTED} FROM {fitting}", given).fetchone()
            return list(parsed(text))
        except sqlite3.DataError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_TOOBIG or most == 1:
                raise
        moment.enter_context(one_moment(connection))
        (count,) = connection.execute(f"SELECT count(*) FROM {fitting}", given).fetchone()
        half = max(1, count // 2)
        found = listed(connection, where, *given, most=half, skip=skip)
        if count > half:
            found += listed(connection, where, *given, most=count - half, skip=skip + half)
        return found


def _fitting(asked: Sequence[Asked], waiting: int, most: int) -> list[Asked]:
    """Those that have room beside `waiting` actions; each other is told that it has none."""
    fitting = []
    for each in asked:
        count = len(each.rows)
        if each.bounded and waiting + count > most:
            each.error = _full(waiting, most, count)
            continue
        waiting += count
        fitting.append(each)
    return fitting


def _needed(asked: Sequence[Asked]) -> int:
    """The room that there must be for all of them to fit."""
    needed, count = -ALL, 0
    for each in asked:
        count += len(each.rows)
        if each.bounded:
            needed = count
    return needed


def _rows(asked: Sequence[Asked]) -> list[_Values]:
    """The rows to insert, without their numbers."""
    return [values(each, at) for each in asked for at in range(len(each.rows))]


def _number(asked: Sequence[Asked], before: int) -> None:
    """Tell those who asked the numbers of their actions, behind `before`."""
    number = before
    for each in asked:
        for at in range(len(each.rows)):
            number += 1
            each.number(at, number)


def _full(waiting: int, most: int, count: int) -> QueueFullError:
    retry_after_s = min(_LONGEST_RETRY_S, _FIRST_RETRY_S + waiting * _A_ROW_S)
    return QueueFullError(
        f"the queue is full: {waiting} actions wait, {count} more were to come, and "
        f"REINS_QUEUE_MAX is {most}. None of these was enqueued. Is a worker running? Send them "
        f"again in {retry_after_s:.1f} s, or raise REINS_QUEUE_MAX.",
        retry_after_s=retry_after_s,
    )


def _parts(rows: Sequence[T]) -> Iterable[Sequence[T]]:
    return (rows[at : at + _AT_ONCE] for at in range(0, len(rows), _AT_ONCE))


def _rows_of(rows: int, columns: int) -> str:
    one = f"({', '.join('?' * columns)})"
    return f"VALUES {', '.join([one] * rows)}"


def _is_busy(error: sqlite3.OperationalError) -> bool:
    return (getattr(error, "sqlite_errorcode", 0) & 0xFF) == sqlite3.SQLITE_BUSY
