"""From a decided call to its outcome: on record before it is made, and never made twice."""

import asyncio
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import asdict
from typing import Any, NoReturn

from agent_core.agent.looping import TickYielded
from agent_core.agent.results import StepResult
from agent_core.inbox.inbox import Inbox
from agent_core.inbox.item import Call as RuledCall
from agent_core.session.log import Event
from agents_impl.boarding import ToolBoards
from agents_impl.documenting import documents_of
from agents_impl.knowing import ToolFacts
from agents_impl.searching import ToolSearch
from agents_impl.selecting import ToolTables
from agents_impl.task.acting import LOOK_FIRST, Manner, in_scope
from agents_impl.task.bounds import FILES_BYTES, MEMORY_BYTES, fits_memory, newest
from agents_impl.task.calls import as_payload, aspects_of, call_line, changed_file, kept
from agents_impl.task.minding import CallMind
from agents_impl.task.models import Pending, ToolsSpent
from agents_impl.task.permitting import Permit, permit
from agents_impl.task.recording import TaskRecords
from reins.blackboard.boards import Boards
from reins.blackboard.calling import CallBoards
from reins.facts.calling import CallFacts
from reins.facts.facts import Facts
from reins.llm import Model
from reins.sql.runner import SqlRunner
from reins.tools.asking import Answered
from reins.tools.budget import Spent
from reins.tools.outcome import ToolError
from reins.tools.tool import Tool
from reins.tools.toolbox import Acted
from store.reading import Reader

_FILES = 60
_UNKNOWN = "not repeated: it was begun, the worker ended before its result was on record, and "
_DROPPED = "not repeated: {why}; it was begun, its result is not on record, and "
_CHANGED = "not repeated: it was begun, what it changes has been changed since, and "
_BARRED = "not repeated: it was begun, nobody allows such calls any more, and "


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
            told = {"thought": pending.thought, "call": call, **self._take_recalled()}
            await self.intend(line, told)
            await self.safe_point()
            if self.retired:
                await self._wait_for_next_start()
        except (TickYielded, asyncio.CancelledError) as error:
            return self._not_begun(error)
        pending = self._still_pending()  # guidance may have taken another's place
        if pending.dropped is None and not await self._still_permitted(pending):
            pending.begun = False
            self.keep_state()
            raise TickYielded  # and decided anew
        return await self._make(pending)

    async def _still_permitted(self, pending: Pending) -> bool:
        """False where rules would not let the call go now; a person's word goes before an ask."""
        tool = self._tools().get(pending.call.tool)
        if tool is None:
            return True  # said when it is made
        verdict = self._by_rules(pending, tool, await self._whole(pending)).verdict
        return verdict == "run" or (verdict == "ask" and pending.verdict is not None)

    def _by_rules(self, pending: Pending, tool: Tool, arguments: Mapping[str, Any]) -> Permit:
        session = self.session
        rule = self.services.get(Inbox).rules.decide(
            RuledCall(
                session.session_id,
                session.agent_id,
                session.agent_type,
                tool.name,
                arguments,
                pending.call.risk,
                aspects_of(tool, arguments, pending.leads_to),
            )
        )
        effect = None if rule is None else rule.effect
        return permit(pending.call.risk, self.config.approvals, effect)

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
        if pending.begun:
            why = await self._why_not_again(pending)
            if why is not None:
                self.state.spent.calls += 1  # it counts as made
                return self._result(pending, Acted.not_made("unknown", why + LOOK_FIRST))
            pending.repeated = True
        return await self._make(pending)

    async def _why_not_again(self, pending: Pending) -> str | None:
        """The reason why a call that may have been begun is not made again."""
        if pending.dropped is not None:
            return _DROPPED.format(why=pending.dropped)
        tool = self._tools().get(pending.call.tool)
        if tool is None or not tool.policy.idempotent:
            return _UNKNOWN
        if not await self._still_permitted(pending):
            return _BARRED
        arguments = await self._whole(pending)
        try:
            around = await self._surroundings()
            so = await self._toolbox.finds_it_so(tool, arguments, around, pending.touches)
        except ToolError:
            so = False
        return None if so else _CHANGED

    async def _make(self, pending: Pending) -> StepResult:
        """Make the call, unless it is not to be made any more; announce it first."""
        if pending.dropped is not None:
            return self._result(pending, Acted.not_made("withdrawn", pending.dropped))
        tool = self._tools().get(pending.call.tool)
        if tool is None:
            why = f"there is no tool {pending.call.tool!r} any more"
            return self._result(pending, Acted.never_made("unknown_tool", why))
        try:  # before it is announced: from then on nobody can tell if it was begun
            await self._surroundings()
        except ToolError as error:
            return self._result(pending, Acted.never_made("failed", str(error)))
        if not pending.begun:
            return await self._announced(pending)
        return await self._act(pending, tool)

    async def _act(self, pending: Pending, tool: Tool) -> StepResult:
        arguments, around = await self._whole(pending), await self._surroundings()
        around.seq, around.key, around.begun = self.session.seq + 1, pending.call.key, False
        memory = deepcopy(self.state.memory)
        around.memory, around.answered = self.state.memory, _answer_to(pending)
        boards = CallBoards(lambda: self.services.get(Boards), self.session, pending.call.key)
        around.boards = ToolBoards(boards)
        facts = CallFacts(lambda: self.services.get(Facts), self.session, pending.call.key)
        around.facts = ToolFacts(facts)
        around.documents = documents_of(self.services, self.session, pending.call.key)
        get, session_id = self.services.get, self.session.session_id
        around.search = ToolSearch(lambda: get(Reader), get(Model), session_id)
        around.tables = ToolTables(lambda: get(SqlRunner))
        around.mind = mind = CallMind(self.session, self.state, pending.call.key)
        around.budget.spent = Spent(**self.state.spent.model_dump())
        acted = await in_scope(
            self._toolbox.act(tool, arguments, around),
            self.session.scope,
            Manner.of(tool),
            lambda: around.begun,
        )
        self.state.spent = _rounded(around.budget.spent)
        if acted.attempts:  # its error may be the words of a page
            self._came_in(tool)
        if not fits_memory(self.state.memory):
            self.state.memory = memory
            why = f"the memory of a session holds {MEMORY_BYTES:,} bytes; forget something first"
            acted = Acted.not_made("failed", why)
        if acted.ok:
            self._note(tool, arguments)
        if acted.asks is not None:
            return self._asks_before_it_goes_on(pending, acted, acted.asks)
        step = self._result(pending, acted)
        if acted.ok:
            step.effects = [*step.effects, *mind.effects(), *facts.effects()]
        return step

    def _came_in(self, tool: Tool) -> None:
        """Once the tool has begun, material from outside may have come in."""
        self.state.outside = self.state.outside or tool.policy.brings_in

    def _note(self, tool: Tool, arguments: Mapping[str, Any]) -> None:
        """Keep what the call has changed for the thoughts to come."""
        state = self.state
        if (path := changed_file(tool, arguments)) is not None:
            others = [each for each in state.files_changed if each != path]
            state.files_changed = newest([*others, path][-_FILES:], FILES_BYTES)


def _answer_to(pending: Pending) -> Answered | None:
    """The answer of a person with which the call goes on."""
    if pending.goes_on is None or pending.verdict is None:
        return None
    return Answered(pending.verdict.text or "", pending.goes_on)


def _rounded(spent: Spent) -> ToolsSpent:
    """As a snapshot keeps it, short."""
    parts = {name: round(value, 6) for name, value in asdict(spent).items()}
    return ToolsSpent.model_validate(parts)
