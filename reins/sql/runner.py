"""Statements of many askers, one at a time, by one warm child that is replaced when it fails."""

import importlib.util
import math
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import structlog

from reins.settings import Settings
from reins.sql.errors import (
    SqlBusyError,
    SqlCancelledError,
    SqlError,
    SqlUnavailableError,
    StatementError,
)
from reins.sql.process import Child

_logger = structlog.get_logger(__name__)

WAITING = 4
"""Statements that may wait while one is run."""
_LOOK_S = 0.05


def why_unavailable(settings: Settings) -> str | None:
    """The reason why no statement is run by these settings; None if they are."""
    if settings.sql == "off":
        return "SQL is off; set REINS_SQL=on where Reins runs, and start it again"
    if importlib.util.find_spec("duckdb") is None:
        return "SQL needs DuckDB, which is not installed; install the extra: pip install reins[sql]"
    return None


class SqlRunner:
    """Runs statements over one data folder; from any thread. Its child starts with the first.

    `stop` ends the child and whatever it runs; a second stop does nothing.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._data = Path(settings.data)
        self._lock = threading.Lock()
        self._places = threading.BoundedSemaphore(WAITING + 1)
        self._child: Child | None = None
        self._stopped = threading.Event()

    @property
    def pid(self) -> int | None:
        """The child's process; None where there is none."""
        child = self._child
        return None if child is None or not child.runs else child.pid

    def run(
        self,
        statement: str,
        *,
        rows: int | None = None,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> dict[str, Any]:
        """The result of one SELECT: `columns` (name, type), `rows`, `truncated`, `elapsed_ms`.

        At most `rows` rows, and never more than the settings say. `cancelled` says whether whoever
        asked has gone. Raises: StatementError, SqlUnavailableError, SqlBusyError,
        SqlCancelledError.
        """
        if why := why_unavailable(self._settings):
            raise SqlUnavailableError(why)
        most = min(rows or self._settings.sql_rows, self._settings.sql_rows)
        if not self._places.acquire(blocking=False):
            raise SqlBusyError(
                f"{WAITING + 1} statements are run or wait already; try again in a moment",
                math.ceil(self._settings.sql_s),
            )
        try:
            self._await_turn(lambda: cancelled() or self._stopped.is_set())
            try:
                return self._asked(statement, most, cancelled)
            finally:
                self._lock.release()
        finally:
            self._places.release()

    def stop(self) -> None:
        self._stopped.set()
        with self._lock:
            self._drop()

    def _await_turn(self, given_up: Callable[[], bool]) -> None:
        while not self._lock.acquire(timeout=_LOOK_S):
            if given_up():
                raise SqlCancelledError("the statement was given up before it began")

    def _asked(self, statement: str, most: int, cancelled: Callable[[], bool]) -> dict[str, Any]:
        if self._stopped.is_set():
            raise SqlCancelledError("Reins is being stopped")
        if self._child is None or not self._child.runs or not self._child.is_of_the_folder:
            self._replace()
        assert self._child is not None
        begun = time.monotonic()
        try:
            return self._child.ask(statement, most, lambda: cancelled() or self._stopped.is_set())
        except StatementError:
            raise
        except SqlError as error:
            lasted_s = round(time.monotonic() - begun, 1)
            _logger.warning("a statement was ended", why=str(error), lasted_s=lasted_s)
            self._drop()
            if not self._stopped.is_set():
                self._replace()  # so that the next statement finds it warm
            if isinstance(error, SqlCancelledError):
                raise
            raise StatementError(str(error)) from None
        except BaseException:
            self._drop()  # an answer may be under way, which would be the next one's
            raise

    def _replace(self) -> None:
        self._drop()
        self._child = Child(
            self._data, limit_s=self._settings.sql_s, memory_mb=self._settings.sql_mb
        )

    def _drop(self) -> None:
        child, self._child = self._child, None
        if child is not None:
            child.kill()
