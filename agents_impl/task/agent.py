"""An agent that works towards a goal with tools: a thought and an act in each tick."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from agent_core.agent.base import AgentRejectedError
from agent_core.agent.guidance import GuidanceRejectedError, Understood
from agent_core.agent.results import StepResult
from agent_core.session.controls import Control, Interrupt
from agents_impl import believing, reminding  # noqa: F401 - bring their guidance
from agents_impl.claiming import concern_of
from agents_impl.task import goals
from agents_impl.task.bounds import FACTS_BYTES, GUIDANCE_BYTES, newest
from agents_impl.task.delegating import TaskDelegates
from agents_impl.task.history import History
from agents_impl.task.minding import remembered
from agents_impl.task.models import (
    TASK_WORDS,
    DropGuidance,
    Said,
    SetGoal,
    SetTools,
    TaskConfig,
    TaskGuidance,
    TaskState,
)
from agents_impl.task.own_tools import delegate, finish, read_log
from agents_impl.task.prompting import Thought, decide
from agents_impl.task.reading import UnreadableError
from reins.llm import Model
from reins.llm.tokens import BYTES_PER_TOKEN
from reins.tools.outcome import ToolError
from reins.tools.tool import Tool
from store.journal.file import Record

_LAST_THOUGHTS = 3
_CUES = 3
"""Words of people by which memories are looked for, the newest."""
_STEP_CHARS = 1_000
_GUIDANCE = 20
_GUIDANCE_CHARS = 2_000
_FEW_LEFT = "{left} thoughts are left for this goal. Bring it to an end, or finish truthfully."


def _cues(state: TaskState, history: History) -> Iterator[tuple[str, str]]:
    """The parts of its work by which memories are looked for."""
    yield "goal", state.goal
    yield "guidance", "\n".join(said.text for said in state.guidance[-_CUES:])
    for step in [*history][-1:]:
        yield "step", f"{step.thought}\n{step.result[:_STEP_CHARS]}"


class TaskAgent(TaskDelegates):
    """Thinks, announces what it is about to do, does it, and remembers what it has seen."""

    agent_type = "task"
    Config = TaskConfig
    State = TaskState
    Guidance = TaskGuidance
    words = TASK_WORDS

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._mode = ""

    def first_state(self) -> TaskState:
        state = TaskState(facts=newest(self.config.facts, FACTS_BYTES))
        if self.config.goal is not None:
            goals.begin(state, self.config.goal, self.config)
        return state

    async def admit(self) -> Sequence[Record]:
        try:
            self._toolbox.select(self.config.tools)
            await self._surroundings()
        except ToolError as error:
            raise AgentRejectedError(str(error)) from error
        return await super().admit()

    @property
    def concern(self) -> dict[str, Any] | None:
        return concern_of(self.state.mind)

    def report(self) -> dict[str, Any] | None:
        done = self.state.goals_done
        return done[-1].model_dump() if done else None

    @property
    def idle(self) -> bool:
        return not self.state.goal and self.state.pending is None

    def may_tick(self) -> bool:
        pending = self.state.pending
        waits = pending is not None and (pending.waits or self._is_at_work(pending))
        return not waits and not self.idle and super().may_tick()

    # -- one tick

    async def tick(self) -> StepResult:
        history = await self._known()
        pending = self.state.pending
        if pending is not None and pending.child is not None:
            return await self._came_back(pending)
        if pending is not None:
            return await self._go_on(pending)
        return await self._next(history)

    async def _next(self, history: History) -> StepResult:
        """One thought, and the call that it leads to."""
        state = self.state
        if state.thoughts >= state.allowed:
            return self._held(f"{state.thoughts} thoughts did not reach the goal (max_iterations)")
        tools = self._tools()
        try:
            thought = await self._think(history, tools)
        except UnreadableError as error:
            return self._unreadable(str(error))
        state.thoughts += 1
        state.unreadable = 0
        state.noted = None
        self._shown = thought.window.shown() | {"model": thought.model}
        decided = thought.decided
        if tools[decided.tool] is finish:
            wrong = await self._wrong_citations(decided.arguments)
            return self._finished(thought) if wrong is None else self._miscited(thought, wrong)
        if tools[decided.tool] is delegate:
            return await self._delegate(decided.thought, decided.arguments)
        if tools[decided.tool] is read_log:
            return await self._read_log(decided.thought, decided.arguments)
        return await self._do(tools[decided.tool], decided.thought, decided.arguments)

    async def _think(self, history: History, tools: Mapping[str, Tool]) -> Thought:
        state = self.state
        notes = [state.noted] if state.noted else []
        budget_bytes = self.config.memory_tokens * BYTES_PER_TOKEN
        kept = await remembered(self.session, state, lambda: _cues(state, history), budget_bytes)
        self._recalled = kept
        state.outside = state.outside or kept.is_of_others
        left = state.allowed - state.thoughts
        if left <= _LAST_THOUGHTS:
            notes.append(_FEW_LEFT.format(left=left))
        return await decide(
            self.services.get(Model), state, history, tools, self.config.context_tokens,
            notes=notes, kept=kept.lines,
        )  # fmt: skip

    # -- guidance

    async def apply(self, control: Control) -> None:
        self._mode = control.mode if isinstance(control, Interrupt) else ""
        await super().apply(control)

    async def guide(self, guidance: SetGoal | SetTools | DropGuidance | str) -> str | Understood:
        state = self.state
        match guidance:
            case SetGoal():
                return goals.take(state, guidance, self.config)
            case SetTools():
                return self._set_tools(guidance)
            case DropGuidance():
                return self._drop(guidance)
        if len(guidance) > _GUIDANCE_CHARS:
            raise GuidanceRejectedError(
                f"the guidance has {len(guidance)} characters; expected {_GUIDANCE_CHARS} at the "
                "most. Put more into a file of its workspace and name that"
            )
        seq = self.session.seq
        said = [*state.guidance, Said(text=guidance, seq=seq)][-_GUIDANCE:]
        state.guidance = newest(said, GUIDANCE_BYTES, lambda each: each.text)
        if self._mode == "now" and state.pending is not None and not state.pending.begun:
            state.pending.dropped = "it was given up for guidance"
        undo = {"type": "drop_guidance", "seq": seq}
        return Understood(f"guidance: {guidance[:80]}", undo)

    def _drop(self, order: DropGuidance) -> str:
        dropped = [said for said in self.state.guidance if said.seq == order.seq]
        if not dropped:
            raise GuidanceRejectedError(
                f"no guidance in words came in after row {order.seq}, or it counts no longer"
            )
        self.state.guidance = [said for said in self.state.guidance if said.seq != order.seq]
        return f"guidance dropped: {dropped[0].text[:80]}"

    def _set_tools(self, order: SetTools) -> Understood:
        try:
            chosen = self._toolbox.select(order.tools)
        except ToolError as error:
            raise GuidanceRejectedError(str(error)) from error
        before, self.state.tools = self.state.tools or self.config.tools, order.tools
        undo = {"type": "set_tools", "tools": before}
        return Understood(f"tools: {', '.join(chosen)}"[:200], undo)
