"""The means of a task: what it has seen, its tools, its workspace, the arguments of its call."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import orjson
import structlog

from agent_core.agent.looping import LoopingAgentBase
from agents_impl.task.finding import with_finder
from agents_impl.task.history import History
from agents_impl.task.models import Pending, TaskState
from agents_impl.task.own_tools import DELEGATION, OWN
from reins.llm import Model
from reins.tools.budget import Budget
from reins.tools.context import Context
from reins.tools.outcome import ToolError
from reins.tools.tool import Tool
from reins.tools.toolbox import Toolbox
from store.agent_steps import list_steps
from store.reading import Reader

_logger = structlog.get_logger(__name__)
_ROWS = 20


class TaskMeans(LoopingAgentBase):
    """Each is made at its first use, and kept while the session lives in this process."""

    State = TaskState
    state: TaskState

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._toolbox: Toolbox = self.services.get(Toolbox)
        self._chosen: tuple[object, Sequence[str], dict[str, Tool]] | None = None
        self._around: Context | None = None
        self._history: History | None = None
        self._arguments: tuple[str, dict[str, Any]] | None = None

    async def _known(self) -> History:
        """The steps so far; read from its log once."""
        if self._history is None:
            session = self.session
            if session.iteration:
                reader = self.services.get(Reader)
                upto = self.state.summary.upto
                self._history = await History.load(session.session_id, reader, upto)
            else:
                self._history = History()
        return self._history

    def _tools(self) -> dict[str, Tool]:
        """The tools that it has, its own among them; chosen anew after a reload.

        One that a reload has taken away is missed by no other.
        """
        names = self.state.tools or self.config.tools
        source, known = self._toolbox.tools, self._chosen
        if known is None or known[0] is not source or known[1] != names:
            own = OWN | DELEGATION if self.config.workers else OWN
            known = self._chosen = source, names, with_finder(self._selected(names), own)
        return known[2]

    def _selected(self, names: Sequence[str]) -> dict[str, Tool]:
        try:
            return self._toolbox.select(names)
        except ToolError as error:
            _logger.warning("tools are gone", error=str(error), **self.session.names)
        found: dict[str, Tool] = {}
        for name in names:
            with suppress(ToolError):
                found |= self._toolbox.select([name])
        return found

    async def _surroundings(self) -> Context:
        """The surroundings of its calls. Raises: ToolError."""
        if self._around is None:
            session = self.session
            self._around = await self._toolbox.context(
                session.session_id, session.agent_id, self.config.workspace
            )
            self._around.model = self.services.get(Model)
            limits = self.config.tool_budget
            if limits is not None:
                self._around.budget = Budget(**limits.model_dump())
        return self._around

    def _at_hand(self, pending: Pending) -> dict[str, Any] | None:
        """The call's arguments, without reading."""
        if pending.call.arguments is not None:
            return pending.call.arguments
        known = self._arguments
        return known[1] if known is not None and known[0] == pending.call.key else None

    async def _whole(self, pending: Pending) -> dict[str, Any]:
        """The call's arguments, from its row of the log if they are too large for a snapshot.

        Raises: LookupError.
        """
        if (arguments := self._at_hand(pending)) is None:
            reader, session_id = self.services.get(Reader), self.session.session_id
            arguments = await asyncio.to_thread(_on_record, session_id, pending, reader)
            self._arguments = pending.call.key, arguments
        return arguments


def _on_record(session_id: str, pending: Pending, reader: Reader) -> dict[str, Any]:
    for row in list_steps(session_id, pending.seq - 1, _ROWS, store=reader):
        call = orjson.loads(row["payload"] or "{}").get("call") or {}
        if call.get("key") == pending.call.key and call.get("arguments") is not None:
            found: dict[str, Any] = call["arguments"]
            return found
    raise LookupError(f"the arguments of call {pending.call.key} are not on record")
