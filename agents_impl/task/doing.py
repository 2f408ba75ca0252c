"""From a decided call to its outcome: on record before it is made, and never made twice."""

import asyncio
from collections.abc import Mapping
from copy import deepcopy
from typing import Any, NoReturn

from agent_core.agent.looping import TickYielded
from agent_core.agent.results import StepResult
from agent_core.session.log import Event
from agents_impl.task.acting import in_scope, limit_s
from agents_impl.task.bounds import FILES_BYTES, MEMORY_BYTES, fits_memory, newest
from agents_impl.task.calls import as_payload, call_line, changed_file, kept
from agents_impl.task.models import Pending
from agents_impl.task.recording import TaskRecords
from reins.tools.outcome import ToolError
from reins.tools.tool import Tool
from reins.tools.toolbox import Acted

_FILES = 60
_UNKNOWN = (
    "not repeated: it was begun, the worker ended before its result was on record, and nobody "
    "knows whether it was done. Look first; do it again only if it was not done"
)


class TaskActs(TaskRecords):
    """Announces calls and makes them. A call without a result is in the state, as `pending`."""

    async def _announced(self, pending: Pending) -> StepResult:
        """Put the call on record, give way to whoever waits, and make it."""
        arguments = await self._whole(pending)
        pending.begun = True
        self.state.pending = kept(pending)
        call = as_payload(pending.call.model_copy(update={"arguments": arguments}))
        line = call_line(pending.call.tool, arguments)
        try:
            await self.intend(line, {"thought": pending.thought, "call": call})
            await self.safe_point()
            if self.retired:
                await self._wait_for_next_start()
        except (TickYielded, asyncio.CancelledError) as error:
            return self._not_begun(error)
        return await self._make(self._still_pending())  # guidance may have taken another's place

    def _still_pending(self) -> Pending:
        pending = self.state.pending
        if pending is None:
            raise RuntimeError("the call that was announced is gone from the state")
        return pending

    def _not_begun(self, error: BaseException) -> StepResult:
        """The call was not begun: given up for guidance, or to be made when the session goes on."""
        pending = self._still_pending()
        pending.begun = False
        if isinstance(error, asyncio.CancelledError) and self.session.scope.aborted == "guidance":
            why = "it was given up for guidance, before it was begun"
            return self._result(pending, Acted.not_made("cancelled", why))
        self.keep_state()
        raise error

    async def _wait_for_next_start(self) -> NoReturn:
        """The worker ends: what is not begun yet waits for the next one, on record."""
        session = self.session
        self._still_pending().begun = False
        text = f"{session.status.value}: the call that was decided waits for the next start"
        await session.log.record(Event("status", text), state=self.save_state())
        raise TickYielded

    async def _go_on(self, pending: Pending) -> StepResult:
        """A call that was decided on in a tick before: before a pause, a decision or a crash."""
        if pending.dropped is not None or not pending.begun:
            return await self._make(pending)
        tool = self._tools().get(pending.call.tool)
        if tool is None or not tool.policy.idempotent:
            return self._result(pending, Acted.not_made("unknown", _UNKNOWN))
        return await self._make(pending)

    async def _make(self, pending: Pending) -> StepResult:
        """Make the call, unless it is not to be made any more; announce it first."""
        if pending.dropped is not None:
            return self._result(pending, Acted.not_made("withdrawn", pending.dropped))
        tool = self._tools().get(pending.call.tool)
        if tool is None:
            why = f"there is no tool {pending.call.tool!r} any more"
            return self._result(pending, Acted.not_made("unknown_tool", why))
        try:  # before it is announced: from then on nobody can tell if it was begun
            await self._surroundings()
        except ToolError as error:
            return self._result(pending, Acted.not_made("failed", str(error)))
        if not pending.begun:
            return await self._announced(pending)
        return await self._act(pending, tool)

    async def _act(self, pending: Pending, tool: Tool) -> StepResult:
        arguments, around = await self._whole(pending), await self._surroundings()
        around.seq, around.key = self.session.seq + 1, pending.call.key
        memory = deepcopy(self.state.memory)
        around.memory = self.state.memory
        acted = await in_scope(
            self._toolbox.act(tool, arguments, around),
            self.session.scope,
            cancellable=tool.cancellable,
            most_s=limit_s(tool.policy),
        )
        if not fits_memory(self.state.memory):
            self.state.memory = memory
            why = f"the memory of a session holds {MEMORY_BYTES:,} bytes; forget something first"
            acted = Acted.not_made("failed", why)
        if acted.ok:
            self._note(tool, arguments)
        return self._result(pending, acted)

    def _note(self, tool: Tool, arguments: Mapping[str, Any]) -> None:
        """Keep what the call has changed for the thoughts to come."""
        state = self.state
        state.outside = state.outside or tool.policy.brings_in
        if (path := changed_file(tool, arguments)) is not None:
            others = [each for each in state.files_changed if each != path]
            state.files_changed = newest([*others, path][-_FILES:], FILES_BYTES)
