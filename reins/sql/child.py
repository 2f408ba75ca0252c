"""The process that runs statements, one after the other; it ends when its standard input does.

Started as `python -m reins.sql.child ORDER`, with no variables of the parent and none of its files.
"""

import os
import queue
import re
import sys
import threading
import time
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from reins.sql.confining import bound_memory, bound_time, confine
from reins.sql.errors import StatementError
from reins.sql.frames import framed, packed, read

RESULT_BYTES = 16 << 20
_THREADS = 2
_ERROR_CHARS = 4_000
_UNREAD = re.compile(r"Invalid Input Error: reading the stream registered as '(\w+)' failed: "
                     r"[\w ]+: (.*)", re.DOTALL)  # fmt: skip
_AT_ONCE = 200
"""Rows that are taken from DuckDB at once."""
_BESIDE_MB = 1_024
"""Address space for all but DuckDB: threads, and the rows on their way from the tables."""


def main() -> None:
    order = orjson.loads(sys.argv[1])
    asked = os.fdopen(os.dup(0), "rb", 0)
    answers = os.fdopen(os.dup(1), "wb", 0)
    os.dup2(os.open(os.devnull, os.O_RDWR), 1)  # nothing else may write between the answers
    confine(Path(order["data"]))
    statements = _Statements(Path(order["data"]), order["memory_mb"], order["limit_s"])
    waiting: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(asked, waiting), daemon=True).start()
    statements.warm()
    bound_memory(order["memory_mb"] + _BESIDE_MB)
    _send(answers, packed({"ready": True}))
    while True:
        asked_for = waiting.get()
        _send(answers, framed(statements.answered(asked_for["statement"], asked_for["rows"])))


def _listen(asked: BinaryIO, waiting: "queue.SimpleQueue[dict[str, Any]]") -> None:
    while (message := read(asked)) is not None:
        waiting.put(message)
    # The parent has ended, however it did; a statement that is running ends with it.
    os._exit(0)


def _send(answers: BinaryIO, frame: bytes) -> None:
    view = memoryview(frame)
    while view:
        view = view[answers.write(view) :]


class _Statements:
    """Runs each statement in a database of its own, over the tables of one folder."""

    def __init__(self, data: Path, memory_mb: int, limit_s: float) -> None:
        # After this process has confined itself, since these start threads.
        from reins.sql import catalog, database, source, statement  # noqa: PLC0415
        from store.reading import Reader  # noqa: PLC0415

        self._check = statement.checked
        self._locked = database.locked
        self._memory_mb = memory_mb
        self._limit_s = limit_s
        self._folder = Reader(data, prepared=True)
        self._sources = {
            name: source.Source(self._folder, table) for name, table in catalog.tables().items()
        }

    def warm(self) -> None:
        """Load what the first statement needs, so that it does not wait for it."""
        self.answered("SELECT count(*) FROM agent_steps WHERE session_id = ''", 1)

    def answered(self, text: str, most_rows: int) -> bytes:
        """The answer to one statement, as JSON."""
        import duckdb  # noqa: PLC0415 - as above

        bound_time(self._limit_s, _THREADS)
        begun = time.monotonic()
        held = self._folder.folder.hold_versions()
        connection = self._locked(self._memory_mb, _THREADS)
        try:
            for name, source in self._sources.items():
                connection.register(name, source)
            statement = self._check(connection, text, self._sources)
            columns, rows, cut = _result(connection.execute(statement), most_rows)
        except StatementError as error:
            return orjson.dumps({"error": str(error)})
        except (duckdb.OutOfMemoryException, MemoryError) as error:
            return orjson.dumps({"error": _too_large(error), "spent": True})
        except Exception as error:  # noqa: BLE001 - whatever it is, the next statement is no part
            return orjson.dumps({"error": _told(error)})
        finally:
            connection.close()
            if held is not None:
                held.close()
        head = {"columns": columns, "truncated": cut, "elapsed_ms": _since_ms(begun)}
        return orjson.dumps(head)[:-1] + b',"rows":[' + b",".join(rows) + b"]}"


def _result(found: Any, most_rows: int) -> tuple[list[dict[str, str]], list[bytes], bool]:
    """The columns, the rows as JSON, and whether there were more than are taken."""
    from reins.sql.cells import row_as_json  # noqa: PLC0415

    columns = [{"name": str(each[0]), "type": str(each[1])} for each in found.description]
    rows: list[bytes] = []
    size_bytes = 0
    while part := found.fetchmany(_AT_ONCE):
        for row in part:
            if len(rows) == most_rows:
                return columns, rows, True
            made = row_as_json(row)
            size_bytes += len(made) + 1
            if size_bytes > RESULT_BYTES:
                if not rows:
                    raise StatementError(
                        f"the first row has {len(made):,} bytes; a result has {RESULT_BYTES:,} at "
                        "most. Select less, or a part: left(text, 1000)"
                    )
                return columns, rows, True
            rows.append(made)
    return columns, rows, False


def _told(error: BaseException) -> str:
    """The message without the way that DuckDB took to a table of ours."""
    text = str(error).partition(". Detail: Python exception")[0] or type(error).__name__
    if found := _UNREAD.match(text):
        text = f"the table {found[1]} could not be read: {found[2]}"
    return text[:_ERROR_CHARS]


def _too_large(error: BaseException) -> str:
    # DuckDB goes on with settings that nobody can change here.
    why = str(error).partition("\n")[0] or "Out of Memory Error"
    return f"{why}. The statement takes more memory than it may: select less, or set REINS_SQL_MB"


def _since_ms(begun: float) -> float:
    return round((time.monotonic() - begun) * 1_000, 1)


if __name__ == "__main__":
    main()
