"""SQL as tools have it: what has no result is told as a tool's error."""

import threading
from collections.abc import Callable
from typing import Any

from reins.sql.asking import as_csv
from reins.sql.errors import SqlError
from reins.sql.runner import SqlRunner
from reins.tools.outcome import ToolError
from reins.tools.threads import in_thread


class ToolTables:
    """See `reins.tools.context.Tables`."""

    def __init__(self, runner: Callable[[], SqlRunner]) -> None:
        self._runner = runner

    async def select(self, statement: str, most: int) -> str:
        given_up = threading.Event()

        def selected() -> dict[str, Any]:
            return self._runner().run(statement, rows=most, cancelled=given_up.is_set)

        try:
            found = await in_thread(selected)
        except SqlError as error:
            raise ToolError(str(error)) from None
        finally:
            given_up.set()  # a call that is given up ends its statement
        return as_csv(found) + ("[there are more rows]" if found["truncated"] else "")
