"""One child process as its parent sees it: started, asked, and killed."""

import contextlib
import os
import selectors
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson

from reins import redaction
from reins.sql.errors import SqlCancelledError, SqlError, StatementError
from reins.sql.frames import HEAD_BYTES, packed, size_of
from store.folder import DataFolder

_START_S = 60.0
_LOOK_S = 0.05
"""Seconds between two looks at whether somebody still waits."""
_CHUNK = 1 << 20
_ENVIRONMENT = {
    "LANG": "C.UTF-8",
    "PATH": "/usr/bin:/bin",
    # Few threads and few pools of memory, which the limit of the address space counts.
    "MALLOC_ARENA_MAX": "2",
    "ARROW_DEFAULT_MEMORY_POOL": "system",
    "OMP_NUM_THREADS": "2",
    "LANCE_CPU_THREADS": "2",
    "LANCE_IO_THREADS": "8",
    "TOKIO_WORKER_THREADS": "2",
}


class Child:
    """A process of `reins.sql.child`. For one thread, but for `kill`, which is for any.

    Raises: FolderUnusableError, FormatUnknownError where the data folder cannot be used.
    """

    def __init__(self, data: Path, *, limit_s: float, memory_mb: int) -> None:
        self.limit_s = limit_s
        self._folder = DataFolder(data)
        order = {"data": str(self._folder.path), "memory_mb": memory_mb, "limit_s": limit_s}
        self._folder.prepare()
        self._of = self._folder.id()
        self._ready = False
        self._process = subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-P", "-m", "reins.sql.child", orjson.dumps(order).decode()],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            # Nothing of ours: what is in the variables of this process is no business of SQL.
            env={**_ENVIRONMENT, "PYTHONPATH": str(Path(__file__).parents[2])},
            cwd="/",
            bufsize=0,
            start_new_session=True,
        )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def runs(self) -> bool:
        return self._process.poll() is None

    @property
    def is_of_the_folder(self) -> bool:
        """False once another folder has taken the place of that which the child may read."""
        return self._folder.id() == self._of

    def ask(self, statement: str, rows: int, cancelled: Callable[[], bool]) -> dict[str, Any]:
        """The answer to a statement. After any error but StatementError the child is of no use.

        Raises: StatementError where the statement is at fault, SqlCancelledError, SqlError.
        """
        try:
            statement.encode()
        except UnicodeEncodeError:
            raise StatementError(
                "the statement has half of a character (a lone surrogate); take it out"
            ) from None
        with self._folder.open_for_others():  # the child may write nothing there
            return self._asked(statement, rows, cancelled)

    def _asked(self, statement: str, rows: int, cancelled: Callable[[], bool]) -> dict[str, Any]:
        if not self._ready:
            if self._answer(_START_S, cancelled) is None:
                raise SqlError("the process for SQL does not start; see `reins sql` in a shell")
            self._ready = True
        with contextlib.suppress(BrokenPipeError):  # the answer says it
            assert self._process.stdin is not None
            view = memoryview(packed({"statement": statement, "rows": rows}))
            while view:
                view = view[self._process.stdin.write(view) or 0 :]
        found = self._answer(self.limit_s, cancelled)
        if found is None:
            raise SqlError(
                "the process for SQL ended over this statement, which took more memory than it "
                "may, most likely; select less, or set REINS_SQL_MB"
            )
        if found.get("spent"):  # of its memory: it does not give all of it back
            raise SqlError(found["error"])
        if "error" in found:
            raise StatementError(found["error"])
        return found

    def _answer(self, limit_s: float, cancelled: Callable[[], bool]) -> dict[str, Any] | None:
        """The next message; None if the child has ended. Raises: SqlError."""
        assert self._process.stdout is not None
        deadline = time.monotonic() + limit_s
        got = bytearray()
        needed = HEAD_BYTES
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            while len(got) < needed:
                if cancelled():
                    raise SqlCancelledError("the statement was given up: nobody waits for it")
                if time.monotonic() > deadline:
                    raise SqlError(
                        f"the statement took longer than {limit_s:g} s and was ended; narrow it by "
                        "session or time, or set REINS_SQL_S"
                    )
                if not selector.select(_LOOK_S):
                    continue
                part = os.read(self._process.stdout.fileno(), min(_CHUNK, needed - len(got)))
                if not part:
                    return None
                got += part
                if len(got) == HEAD_BYTES == needed:
                    needed += size_of(bytes(got))
        # Keys that became known after a row was written are still in it.
        found: dict[str, Any] = orjson.loads(redaction.redactor().json(bytes(got[HEAD_BYTES:])))
        return found

    def kill(self) -> None:
        """End it, whatever it does; a second time does nothing."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
