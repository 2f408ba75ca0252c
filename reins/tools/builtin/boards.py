"""Boards: values by key that agents and people share."""

from typing import Annotated

import orjson
from pydantic import Field, JsonValue

from reins.tools.context import Boards, Context
from reins.tools.declaring import tool
from reins.tools.outcome import ToolError

_Board = Annotated[str, Field(min_length=1, max_length=100, description="its name")]
_Key = Annotated[str, Field(min_length=1, max_length=256)]
_Expect = Annotated[
    int | None,
    Field(ge=0, description="the version that must be there, 0: none; none: the last one wins"),
]


@tool(risk="low", idempotent=True, attempts=1, breaker_failures=None, brings_in=True)
async def board_get(
    context: Context,
    board: _Board,
    key: Annotated[str | None, Field(max_length=256, description="none: list all keys")] = None,
) -> str:
    """Read a value of a board, which other agents and people write too, with its version."""
    boards = _boards(context)
    if key is None:
        lines = [
            f"{name} (version {version})" for name, version in (await boards.keys(board)).items()
        ]
        return "\n".join(lines) or f"[board {board} is empty]"
    found = await boards.get(board, key)
    if found is None:
        raise ToolError(f"board {board} has no key {key!r}; without a key, all are listed")
    value, version = found
    return orjson.dumps({"version": version, "value": value}).decode()


@tool(risk="low", idempotent=True, attempts=1, breaker_failures=None)
async def board_put(
    context: Context, board: _Board, key: _Key, value: JsonValue, expect: _Expect = None
) -> str:
    """Write a value to a board, for other agents and people; with `expect` nobody's is lost."""
    version = await _boards(context).put(board, key, value, expect)
    return f"{key!r} of board {board} is at version {version}"


@tool(risk="low", idempotent=True, attempts=1, breaker_failures=None)
async def board_delete(context: Context, board: _Board, key: _Key, expect: _Expect = None) -> str:
    """Take a key of a board away."""
    await _boards(context).delete(board, key, expect)
    return f"{key!r} is not on board {board} any more"


def _boards(context: Context) -> Boards:
    if context.boards is None:
        raise ToolError("there are no boards here; sessions have them")
    return context.boards
