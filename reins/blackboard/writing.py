"""Writing to a board as an effect: on disk with the tick that says it, or neither is."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import Any, Literal, TypeAlias

from agent_core.actions.boards import checked_board, checked_value
from agent_core.actions.ids import checked_id
from agent_core.agent.base import AgentBase
from agent_core.agent.effects import Prepared
from reins.blackboard.board import Board, Change, Changed, ConflictError
from reins.blackboard.boards import Boards

OnConflict: TypeAlias = Literal["again", "drop"] | Callable[[Any], Any]


class WriteBoard:
    """A key's new value, for `StepResult.effects` of any agent; None as `value` deletes it.

    `expect` is the version that must be there when the tick is committed, 0 for none; without it
    the last one wins. Where another is there, `on_conflict` says what is done: `again` undoes the
    tick and does it once more, with the newer value to be read; `drop` commits it without this
    change; a function is given the value that is there, None for none, and gives the one to write.
    The tick's payload has `{"version": …}` or `{"conflict": …}` below `board:BOARD/KEY`. Raises:
    ActionError where it does not fit.
    """

    __slots__ = ("_boards", "_change", "board", "on_conflict")

    def __init__(
        self,
        agent: AgentBase,
        board: str,
        key: str,
        value: Any,
        *,
        expect: int | None = None,
        on_conflict: OnConflict = "again",
    ) -> None:
        session = agent.session
        self.board = checked_board(board)
        self.on_conflict = on_conflict
        self._boards = agent.services.get(Boards)
        self._change = Change(
            key=checked_id(key, "key"),
            value=None if value is None else checked_value(value),
            author=session.session_id,
            expect=expect,
            # The same for a tick that is done again, another for each life of a session.
            origin=f"{session.session_id}\n{session.created_at}\n{session.iteration + 1}",
            agent_id=session.agent_id,
            session_id=session.session_id,
        )

    @property
    def key(self) -> str:
        return f"board {self.board}"

    @asynccontextmanager
    async def prepare(self) -> AsyncIterator[Prepared | None]:
        board, change = await self._boards.board(self.board), self._change
        async with AsyncExitStack() as stack:
            try:
                changed = await stack.enter_async_context(board.changing(change))
            except ConflictError as error:
                if self.on_conflict == "again":
                    yield None
                    return
                if self.on_conflict == "drop":
                    found = 0 if error.found is None else error.found.version
                    told = {"conflict": {"expected": change.expect, "found": found}}
                    yield Prepared((), {self._place: told})
                    return
                changed = await self._merged(stack, board, error, self.on_conflict)
            yield Prepared(changed.records, {self._place: {"version": changed.version}})

    async def _merged(
        self,
        stack: AsyncExitStack,
        board: Board,
        error: ConflictError,
        merge: Callable[[Any], Any],
    ) -> Changed:
        """Write what the function makes of the value that is there; nobody changes it meanwhile."""
        while True:
            found = error.found
            value = checked_value(merge(None if found is None else found.value))
            change = replace(
                self._change, value=value, expect=0 if found is None else found.version
            )
            try:
                return await stack.enter_async_context(board.changing(change))
            except ConflictError as newer:
                error = newer

    @property
    def _place(self) -> str:
        return f"board:{self.board}/{self._change.key}"
