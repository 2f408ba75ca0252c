"""Queries of a SQLite file in the workspace: read-only, and bounded in time, rows and bytes.

The file is read as a whole through the workspace and queried in memory: SQLite opens by name, and
a name may lead elsewhere a moment later.
"""

import sys
import tempfile
from pathlib import Path as Program
from typing import IO, Annotated

import orjson
from pydantic import Field

from reins.tools.builtin.files import Path, workspace
from reins.tools.context import Context
from reins.tools.declaring import tool
from reins.tools.outcome import ToolError
from reins.tools.own_query import MEMORY_BYTES
from reins.tools.sandbox.running import Ran, run

_FILE_BYTES = 64 << 20
_TIME_S = 5.0
_STARTS_S = 5.0
"""Added for the program itself: SQLite says first that its time is over, where it still can."""
_SHOWN_BYTES = 64 << 10
_PROGRAM = Program(__file__).parents[1] / "own_query.py"
Value = str | int | float | bool | None


@tool(risk="low", idempotent=True, attempts=1, breaker_failures=None, at_once=2)
async def query_database(
    context: Context,
    path: Path,
    sql: Annotated[str, Field(min_length=1, max_length=20_000, description="one SELECT")],
    parameters: Annotated[
        list[Value] | None, Field(max_length=100, description="for each ? in it")
    ] = None,
    most: Annotated[int, Field(ge=1, le=1_000)] = 100,
) -> str:
    """Query a SQLite file of the workspace with one SELECT; its tables are in sqlite_master."""
    content, log = await context.in_thread(_read, context, path)
    order = {"sql": sql, "parameters": parameters or [], "most": most}
    order |= {"path": path, "time_s": _TIME_S, "shown_bytes": _SHOWN_BYTES}
    with tempfile.TemporaryFile() as answer:
        ran = await _asked(orjson.dumps(order) + b"\n" + content, answer)
        answer.seek(0)
        told = answer.read().decode("utf-8", "replace")
    if not ran.ok:
        raise ToolError(_why(ran, told))
    return f"{told}\n[{path}-wal holds changes that are not read here]" if log else told


def _read(context: Context, path: str) -> tuple[bytes, int]:
    with workspace(context) as here:
        return here.read(path, _FILE_BYTES), here.size(f"{path}-wal")


async def _asked(order: bytes, answer: IO[bytes]) -> Ran:
    """A process of its own: one step of SQLite may take hours, and can only be killed."""
    line = [sys.executable, "-I", "-S", str(_PROGRAM), str(answer.fileno())]
    time_s = _TIME_S + _STARTS_S
    try:
        return await run(line, time_s=time_s, stdin=order, passed=[answer.fileno()])
    except OSError as error:
        raise ToolError(f"the query cannot be run: {error.strerror}") from None


def _why(ran: Ran, told: str) -> str:
    if ran.end == "time":
        return f"the query took longer than {_TIME_S:g} s; ask for less"
    if told:
        return told
    said = ran.signal or ran.output.strip()[-200:] or f"exit code {ran.code}"
    return f"the query ended in the middle ({said}): at most {MEMORY_BYTES >> 20} MiB may be used"
