"""SQL over the tables of all sessions, where a setting turns it on."""

from typing import Annotated

from pydantic import Field

from reins.tools.context import Context
from reins.tools.declaring import tool
from reins.tools.outcome import ToolError, bounded

_SHOWN_BYTES = 16 << 10


@tool(
    risk="medium",
    why="it reads what all sessions and people have said",
    idempotent=True,
    attempts=1,
    breaker_failures=None,
    brings_in=True,
    timeout_s=60,
)
async def sql(
    context: Context,
    statement: Annotated[
        str,
        Field(
            min_length=1,
            max_length=20_000,
            description="one SELECT in DuckDB's dialect; SHOW TABLES and DESCRIBE agent_steps say "
            "what there is to be read",
        ),
    ],
    most: Annotated[int, Field(ge=1, le=1_000, description="rows at the most")] = 100,
) -> str:
    """Read the tables of all sessions by one SELECT: steps, messages, actions, costs; as CSV."""
    if context.tables is None:
        raise ToolError("there are no tables here; sessions have them")
    return bounded(await context.tables.select(statement, most), _SHOWN_BYTES)
