"""Boards as tools have them: what cannot be is told as a tool's error."""

from typing import Any

from agent_core.actions.ids import ActionError
from reins.blackboard.board import BoardError
from reins.blackboard.calling import CallBoards
from reins.tools.outcome import ToolError


class ToolBoards:
    """See `reins.tools.context.Boards`."""

    def __init__(self, boards: CallBoards) -> None:
        self._boards = boards

    async def get(self, board: str, key: str) -> tuple[Any, int] | None:
        try:
            found = await self._boards.get(board, key)
        except (BoardError, ActionError) as error:
            raise ToolError(str(error)) from None
        return None if found is None else (found.value, found.version)

    async def keys(self, board: str) -> dict[str, int]:
        try:
            found = await self._boards.all(board)
        except (BoardError, ActionError) as error:
            raise ToolError(str(error)) from None
        return {key: each.version for key, each in found.items()}

    async def put(self, board: str, key: str, value: Any, expect: int | None) -> int:
        try:
            return await self._boards.put(board, key, value, expect)
        except (BoardError, ActionError) as error:
            raise ToolError(str(error)) from None

    async def delete(self, board: str, key: str, expect: int | None) -> int:
        try:
            return await self._boards.delete(board, key, expect)
        except (BoardError, ActionError) as error:
            raise ToolError(str(error)) from None
