"""Boards as a call of a tool or a task of a plan has them: each change is its own commit."""

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

import orjson

from agent_core.actions.boards import checked_board, checked_value
from agent_core.actions.ids import checked_id
from agent_core.session.session import Session
from reins.blackboard.board import Change, Entry
from reins.blackboard.boards import Boards
from reins.bus.topic import keyed_id
from store.kv import topic_of


class CallBoards:
    """A change is on disk, and announced, when it returns, whatever becomes of the call.

    The same call that is done again after a crash changes nothing a second time. `boards` is asked
    for at the first use. Raises: BoardError, ActionError.
    """

    def __init__(self, boards: Callable[[], Boards], session: Session, key: str) -> None:
        self._boards, self._session, self._key = boards, session, key
        self._changes = 0

    async def get(self, board: str, key: str) -> Entry | None:
        """The value with its version; None where there is none."""
        return await self._boards().get(checked_board(board), key)

    async def all(self, board: str, prefix: str = "") -> Mapping[str, Entry]:
        """The values whose keys begin so, by key."""
        found = await self._boards().all(checked_board(board))
        return {key: found[key] for key in sorted(found) if key.startswith(prefix)}

    async def put(self, board: str, key: str, value: Any, expect: int | None = None) -> int:
        """Give a key a value; returns its version. Raises: ConflictError."""
        return await self._change(board, key, checked_value(value), expect)

    async def delete(self, board: str, key: str, expect: int | None = None) -> int:
        """Take a key away. Raises: ConflictError; BoardError where there is none."""
        return await self._change(board, key, None, expect)

    async def _change(self, board: str, key: str, value: Any, expect: int | None) -> int:
        self._changes += 1
        key = checked_id(key, "key")
        there = await self._boards().board(checked_board(board))
        # A retry of a person has the key of the call, and its content need not be the same.
        content = orjson.dumps([key, value, expect], option=orjson.OPT_SORT_KEYS)
        digest = hashlib.blake2b(content, digest_size=16).hexdigest()
        change = Change(
            key=key,
            value=value,
            author=self._session.session_id,
            expect=expect,
            message_id=keyed_id(topic_of(board), f"{self._key}\n{self._changes}\n{digest}"),
            agent_id=self._session.agent_id,
            session_id=self._session.session_id,
            again=True,
        )
        return await there.commit(change)
