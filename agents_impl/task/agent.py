"""An agent that works towards a goal with tools: a thought and an act in each tick."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

import orjson

from agent_core.agent.base import AgentRejectedError
from agent_core.agent.guidance import GuidanceRejectedError
from agent_core.agent.looping import LoopingAgentBase, TickYielded
from agent_core.agent.results import StepResult
from agent_core.session.controls import Control, Interrupt
from agent_core.session.log import Event
from agent_core.session.waiting import Waiting
from agents_impl.task import goals
from agents_impl.task.acting import in_scope, limit_s
from agents_impl.task.calls import (
    MAX_ARGUMENTS_BYTES,
    as_payload,
    call_line,
    changed_file,
    digest,
    kept,
    key_of,
    size_bytes,
)
from agents_impl.task.history import History, Seen
from agents_impl.task.models import (
    Call,
    Pending,
    Recent,
    Result,
    Said,
    SetGoal,
    SetTools,
    TaskConfig,
    TaskGuidance,
    TaskState,
)
from agents_impl.task.own_tools import OWN, finish
from agents_impl.task.prompting import Thought, decide
from agents_impl.task.reading import UnreadableError
from agents_impl.task.stuck import why_stuck, with_act
from reins.llm import Model
from reins.tools.context import Context
from reins.tools.outcome import ToolError
from reins.tools.tool import Tool
from reins.tools.toolbox import Acted, Toolbox
from store.agent_steps import list_steps
from store.journal.file import Record
from store.reading import Reader

_UNREADABLE = 3
_LAST_THOUGHTS = 3
_GUIDANCE = 20
_GUIDANCE_CHARS = 2_000
_FILES = 60
_WARNING = (
    "You make no way: {why}. Do something else: look from another side, ask a person, or finish "
    "with the status blocked or failed."
)
_FEW_LEFT = "{left} thoughts are left for this goal. Bring it to an end, or finish truthfully."
_UNKNOWN = (
    "unknown, not repeated: it was begun before the worker ended, and nobody knows whether it was "
    "done. Look first what is there; do it again only if it was not done"
)


class TaskAgent(LoopingAgentBase):
    """Thinks, announces what it is about to do, does it, and remembers what it has seen."""

    agent_type = "task"
    Config = TaskConfig
    State = TaskState
    Guidance = TaskGuidance

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._toolbox: Toolbox = self.services.get(Toolbox)
        self._chosen: tuple[object, list[str], dict[str, Tool]] | None = None
        self._around: Context | None = None
        self._history: History | None = None
        self._arguments: tuple[str, dict[str, Any]] | None = None
        self._shown: dict[str, Any] | None = None
        self._seen: tuple[int, dict[str, Any]] | None = None
        self._mode = ""

    def first_state(self) -> TaskState:
        state = TaskState()
        if self.config.goal is not None:
            goals.begin(state, self.config.goal, self.config)
        return state

    async def admit(self) -> Sequence[Record]:
        try:
            self._toolbox.select(self.config.tools)
            await self._surroundings()
        except ToolError as error:
            raise AgentRejectedError(str(error)) from error
        return ()

    def report(self) -> dict[str, Any] | None:
        done = self.state.goals_done
        return done[-1].model_dump() if done else None

    def may_tick(self) -> bool:
        pending = self.state.pending
        idle = not self.state.goal if pending is None else pending.waits
        return not idle and super().may_tick()

    # -- one tick

    async def tick(self) -> StepResult:
        history = await self._known()
        if self.state.pending is not None:
            return await self._go_on(self.state.pending)
        return await self._next(history)

    async def _next(self, history: History) -> StepResult:
        """A thought, and what it leads to."""
        state = self.state
        if state.thoughts >= state.allowed:
            return self._held(f"{state.thoughts} thoughts did not reach the goal (max_iterations)")
        tools = self._choose(state.tools or self.config.tools)
        try:
            thought = await self._think(history, tools)
        except UnreadableError as error:
            return self._unreadable(str(error))
        state.thoughts += 1
        state.unreadable = 0
        state.noted = None
        self._shown = thought.window.shown() | {"model": thought.model}
        decided = thought.decided
        tool = tools[decided.tool]
        if tool is finish:
            return self._finished(thought)
        return await self._do(tool, decided.thought, decided.arguments)

    async def _think(self, history: History, tools: Mapping[str, Tool]) -> Thought:
        state = self.state
        notes = [state.noted] if state.noted else []
        left = state.allowed - state.thoughts
        if left <= _LAST_THOUGHTS:
            notes.append(_FEW_LEFT.format(left=left))
        return await decide(
            self.services.get(Model), state, history, tools, self.config.context_tokens, notes=notes
        )

    async def _do(self, tool: Tool, thought: str, arguments: dict[str, Any]) -> StepResult:
        """Make the call that was decided on, if it may be made."""
        pending = self._pending(tool, thought, arguments)
        if size_bytes(arguments) > MAX_ARGUMENTS_BYTES:
            why = f"the arguments are more than {MAX_ARGUMENTS_BYTES:,} bytes; do it in parts"
            return self._result(pending, Acted.not_made("arguments", why))
        try:
            looked = await self._toolbox.look(tool, arguments, await self._surroundings())
        except (ToolError, OSError) as error:
            return self._result(pending, Acted.not_made("failed", str(error)))
        pending.call.risk, pending.call.reasons = looked.risk, looked.reasons
        pending.touches = looked.touches
        if tool.policy.idempotent and looked.risk == "low":  # a pure read
            return await self._act(pending, tool)
        return await self._announced(pending, tool)

    def _pending(self, tool: Tool, thought: str, arguments: dict[str, Any]) -> Pending:
        session = self.session
        seq = session.seq + 1
        key = key_of(session.session_id, session.created_at, seq)
        self._arguments = key, arguments
        return Pending(
            thought=thought,
            call=Call(tool=tool.name, arguments=arguments, key=key),
            call_hash=digest([tool.name, arguments]),
            seq=seq,
        )

    # -- between thought and act

    async def _announced(self, pending: Pending, tool: Tool) -> StepResult:
        """Put the call on record, give way to whoever waits, and make it."""
        arguments = await self._whole(pending)
        pending.begun = True
        self.state.pending = kept(pending)
        call = as_payload(pending.call.model_copy(update={"arguments": arguments}))
        try:
            await self.intend(
                call_line(pending.call.tool, arguments), {"thought": pending.thought, "call": call}
            )
            await self.safe_point()
            if self.retired:
                await self._wait_for_next_start()
        except (TickYielded, asyncio.CancelledError) as error:
            return self._not_begun(error)
        # Guidance may have taken the state's place, and the call's.
        return await self._go_on(self.state.pending, begun=False)

    def _not_begun(self, error: BaseException) -> StepResult:
        """The call was given up before it was begun: for guidance for good, else for now."""
        pending = self.state.pending
        if isinstance(error, asyncio.CancelledError) and self.session.scope.aborted == "guidance":
            why = "it was given up for guidance, before it was begun"
            return self._result(pending, Acted.not_made("cancelled", why))
        pending.begun = False
        self.keep_state()
        raise error

    async def _wait_for_next_start(self) -> NoReturn:
        """The worker ends: what is not begun yet waits for the next one, on record."""
        session = self.session
        self.state.pending.begun = False
        text = f"{session.status.value}: the call that was decided waits for the next start"
        await session.log.record(Event("status", text), state=self.save_state())
        raise TickYielded

    async def _go_on(self, pending: Pending, *, begun: bool | None = None) -> StepResult:
        """A call that was decided on before: in this tick, or before a pause or a crash."""
        if pending.dropped is not None:
            return self._result(pending, Acted.not_made("withdrawn", pending.dropped))
        tool = self._choose(self.state.tools or self.config.tools).get(pending.call.tool)
        if tool is None:
            why = f"there is no tool {pending.call.tool!r} any more"
            return self._result(pending, Acted.not_made("unknown_tool", why))
        if begun is None and not pending.begun:
            return await self._announced(pending, tool)
        if begun is None and not tool.policy.idempotent:
            return self._result(pending, Acted.not_made("unknown", _UNKNOWN))
        return await self._act(pending, tool)

    async def _act(self, pending: Pending, tool: Tool) -> StepResult:
        arguments = await self._whole(pending)
        around = await self._surroundings()
        around.seq, around.key = self.session.seq + 1, pending.call.key
        around.memory = self.state.memory
        acted = await in_scope(
            self._toolbox.act(tool, arguments, around),
            self.session.scope,
            cancellable=tool.cancellable,
            most_s=limit_s(tool.policy),
        )
        self._note_effects(tool, arguments, acted)
        return self._result(pending, acted)

    def _note_effects(self, tool: Tool, arguments: Mapping[str, Any], acted: Acted) -> None:
        state = self.state
        if not acted.ok:
            return
        if tool.policy.brings_in:
            state.outside = True
        if (path := changed_file(tool, arguments)) is not None:
            others = [each for each in state.files_changed if each != path]
            state.files_changed = [*others, path][-_FILES:]

    # -- results

    def _result(self, pending: Pending, acted: Acted) -> StepResult:
        """The tick's row of a call that has an outcome; held where the task makes no way."""
        state = self.state
        state.pending = None
        arguments = self._own_arguments(pending) or {}
        line = call_line(pending.call.tool, arguments)
        payload = {
            "thought": pending.thought,
            "call": as_payload(pending.call),
            "outcome": acted.as_payload(),
        }
        if self._shown is not None:
            payload["context"], self._shown = self._shown, None
        self._seen = self.session.iteration, payload
        text = line if acted.ok else f"{line}: {acted.kind}"
        act = Recent(
            call=digest([pending.call.tool, arguments]), result=digest(acted.text), ok=acted.ok
        )
        state.recent = with_act(state.recent, act)
        if (why := why_stuck(state.recent)) is None:
            return StepResult(text, payload, next_in_s=self._next_in_s)
        if not state.warned:
            state.warned, state.recent = True, []
            state.noted = _WARNING.format(why=why)
            payload["warned"] = why
            return StepResult(text, payload, next_in_s=self._next_in_s)
        return self._held(why, text, payload)

    def _held(
        self, why: str, text: str = "held", payload: dict[str, Any] | None = None
    ) -> StepResult:
        """No tick follows before a person resumes the session, or says something."""
        state = self.state
        state.warned, state.recent, state.unreadable = False, [], 0
        state.allowed = max(state.allowed, state.thoughts + self.config.max_iterations)
        return StepResult(
            f"{text}; it is stuck: {why}",
            {**(payload or {}), "stuck": why},
            waits=Waiting.stuck(why),
        )

    def _unreadable(self, why: str) -> StepResult:
        state = self.state
        state.thoughts += 1
        state.unreadable += 1
        payload = {"unreadable": why[:_GUIDANCE_CHARS]}
        if state.unreadable >= _UNREADABLE:
            reason = f"{_UNREADABLE} answers of the model could not be read"
            return self._held(reason, "the answer could not be read", payload)
        state.noted = f"Your last answer could not be read: {why[:500]}"
        return StepResult("the answer could not be read", payload, next_in_s=self._next_in_s)

    def _finished(self, thought: Thought) -> StepResult:
        state, decided = self.state, thought.decided
        given: Any = finish.check(decided.arguments)
        result = Result(
            status=given.status,
            goal=state.goal,
            summary=given.summary,
            files=given.files or list(state.files_changed),
            facts=given.facts,
        )
        done = goals.finish(state, result, self.config)
        payload = {
            "thought": decided.thought,
            "call": {"tool": decided.tool, "arguments": decided.arguments},
            "result": result.model_dump(),
            "context": self._shown,
        }
        self._shown = None
        return StepResult(result.summary, payload, done=done, next_in_s=self._next_in_s)

    @property
    def _next_in_s(self) -> float:
        own_s: float | None = self.config.heartbeat_s
        return own_s or 0.0

    def after_tick(self) -> None:
        super().after_tick()
        if self._seen is None:
            return
        (iteration, payload), self._seen = self._seen, None
        if self._history is not None and self.session.iteration > iteration:
            seen = Seen.of(self.session.seq, payload)
            if seen is not None:
                self._history.add(seen)

    # -- what it works with

    async def _known(self) -> History:
        """What it has seen; read from its log once."""
        if self._history is None:
            session = self.session
            if session.iteration:
                reader = self.services.get(Reader)
                self._history = await History.load(
                    session.session_id, reader, self.state.summary.upto
                )
            else:
                self._history = History()
        return self._history

    def _choose(self, names: Sequence[str]) -> dict[str, Tool]:
        """The tools of these names, and its own; chosen anew after a reload."""
        source, known = self._toolbox.tools, self._chosen
        if known is None or known[0] is not source or known[1] != names:
            known = self._chosen = source, [*names], {**self._toolbox.select(names), **OWN}
        return known[2]

    async def _surroundings(self) -> Context:
        if self._around is None:
            session = self.session
            self._around = await self._toolbox.context(
                session.session_id, session.agent_id, self.config.workspace
            )
        return self._around

    def _own_arguments(self, pending: Pending) -> dict[str, Any] | None:
        """The call's arguments, if they are at hand."""
        if pending.call.arguments is not None:
            return pending.call.arguments
        known = self._arguments
        return known[1] if known is not None and known[0] == pending.call.key else None

    async def _whole(self, pending: Pending) -> dict[str, Any]:
        """The call's arguments, from its row of the log if they are too large for a snapshot."""
        if (arguments := self._own_arguments(pending)) is None:
            reader, session_id = self.services.get(Reader), self.session.session_id
            arguments = await asyncio.to_thread(_on_record, session_id, pending, reader)
            self._arguments = pending.call.key, arguments
        return arguments

    # -- guidance

    async def apply(self, control: Control) -> None:
        self._mode = control.mode if isinstance(control, Interrupt) else ""
        await super().apply(control)

    async def guide(self, guidance: SetGoal | SetTools | str) -> str:
        state = self.state
        match guidance:
            case SetGoal():
                return goals.take(state, guidance, self.config)
            case SetTools():
                return self._set_tools(guidance)
        if len(guidance) > _GUIDANCE_CHARS:
            raise GuidanceRejectedError(
                f"the guidance has {len(guidance)} characters; expected {_GUIDANCE_CHARS} at the "
                "most. Put more into a file of its workspace and name that"
            )
        state.guidance = [*state.guidance, Said(text=guidance, seq=self.session.seq)][-_GUIDANCE:]
        if self._mode == "now" and state.pending is not None and state.pending.waits:
            state.pending.dropped = "it was given up for guidance"
        return f"guidance: {guidance[:80]}"

    def _set_tools(self, order: SetTools) -> str:
        try:
            chosen = self._toolbox.select(order.tools)
        except ToolError as error:
            raise GuidanceRejectedError(str(error)) from error
        self.state.tools = order.tools
        return f"tools: {', '.join(chosen)}"[:200]


def _on_record(session_id: str, pending: Pending, reader: Reader) -> dict[str, Any]:
    """The arguments of a call from the row that told of it. Raises: LookupError."""
    for row in list_steps(session_id, pending.seq - 1, 20, store=reader):
        call = orjson.loads(row["payload"] or "{}").get("call") or {}
        if call.get("key") == pending.call.key and call.get("arguments") is not None:
            found: dict[str, Any] = call["arguments"]
            return found
    raise LookupError(f"the arguments of call {pending.call.key} are not on record")
