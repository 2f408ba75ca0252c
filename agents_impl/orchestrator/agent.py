"""An agent that breaks a goal into tasks, gives them to child sessions, and sums up."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from agent_core.actions.ids import MAX_ID_CHARS
from agent_core.agent.base import AgentRejectedError
from agent_core.agent.creation import CreateError
from agent_core.agent.effects import Effect
from agent_core.agent.guidance import GuidanceRejectedError, Understood
from agent_core.agent.looping import LoopingAgentBase
from agent_core.agent.results import Quiet, StepResult
from agent_core.children.children import ChildEnd, Children, Wish
from agent_core.session.waiting import FOR_CHILDREN, Waiting
from agents_impl.orchestrator import deciding
from agents_impl.orchestrator.briefing import facts_for, goal_of
from agents_impl.orchestrator.models import (
    ORCHESTRATOR_WORDS,
    Contribution,
    EditPlan,
    OrchestratorConfig,
    OrchestratorState,
    PlannedTask,
    Report,
    Task,
    TaskResult,
)
from agents_impl.orchestrator.plan import (
    PlanError,
    as_payload,
    checked,
    edited,
    in_state,
    is_over,
    kept_of,
    ready,
    shown,
    stands_still,
)
from agents_impl.workers import config_of, told
from reins.llm import Model
from reins.tools.outcome import ToolError, bounded
from reins.tools.toolbox import Toolbox
from store.journal.file import Record
from store.times import now_us

MOST_ATTEMPTS = 2
MOST_REPLANS = 2
_MOST_UNUSABLE = 3
_SUMMARY_BYTES = 800
_NAMES = 12
_NAME_CHARS = 120
_GUIDANCE = 10
_GUIDANCE_CHARS = 1_000
_WHY_CHARS = 400
_UNREAD = "cannot be rebuilt: its type is missing, or its log does not read; mend that and reload"
_CHILD_CHARS = len(".") + 24 + len(".9999")
"""Of the id of a child, behind that of its parent: the task's, and the attempt."""


class OrchestratorAgent(LoopingAgentBase):
    """Breaks a goal into tasks, gives each to a child session, judges the results, and sums up.

    Code decides what is ready, stalled and over; the model plans, judges, plans anew, sums up. One
    question to a model a tick, at the most. While its children work it has no tick and no row.
    """

    agent_type = "orchestrator"
    Config = OrchestratorConfig
    State = OrchestratorState
    Guidance = EditPlan
    words = ORCHESTRATOR_WORDS

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._children: Children = self.services.get(Children)
        self._folder: str | None = None
        self._unread: set[str] = set()
        """Children whose end nobody can read, such as those whose type is missing."""

    # -- before it begins

    async def admit(self) -> Sequence[Record]:
        lineage = self.session.lineage
        depth = 0 if lineage is None else lineage.depth
        if depth >= self.config.max_depth:
            raise AgentRejectedError(
                f"it is {depth} generations below {self.session.root}; expected less than "
                f"{self.config.max_depth} for one that has children (max_depth)"
            )
        session_id = self.session.session_id
        if len(session_id) > MAX_ID_CHARS - _CHILD_CHARS:
            raise AgentRejectedError(
                f"the id {session_id[:40]}… has {len(session_id)} characters; expected "
                f"{MAX_ID_CHARS - _CHILD_CHARS} at the most, so that its children can have theirs"
            )
        try:
            await self._workspace()
        except ToolError as error:
            raise AgentRejectedError(str(error)) from error
        for name in self.config.workers:
            task = Task(id="t", worker=name, brief="a task")
            try:  # under its own id: a folder of its own is there anyway
                await self._children.rehearse(self.session, await self._wish(task, session_id))
            except (CreateError, ToolError, ValueError) as error:
                raise AgentRejectedError(f"worker {name!r}: {error}") from error
        return ()

    async def _workspace(self) -> str | None:
        """The folder that its children share; None where each has its own. Raises: ToolError."""
        if self.config.share and self._folder is None:
            session, asked = self.session, self.config.workspace
            around = await self.services.get(Toolbox).context(
                session.session_id, session.agent_id, asked
            )
            self._folder = None if around.workspace is None else str(around.workspace)
        return self._folder

    # -- when it works

    def may_tick(self) -> bool:
        return self._has_work and super().may_tick()

    @property
    def _has_work(self) -> bool:
        state, tasks = self.state, self.state.tasks
        return (
            not state.planned
            or state.rethink is not None
            or bool(in_state(tasks, "returned"))
            or self._has_ended_child
            or (bool(ready(tasks)) and self._places > 0)
            or is_over(tasks)
            or bool(stands_still(tasks))
        )

    @property
    def _has_ended_child(self) -> bool:
        """True if an end is to be taken in. Asked anew each time: a tick may come to nothing."""
        return any(
            task.session not in self._unread and not self._children.is_living(task.session or "")
            for task in in_state(self.state.tasks, "running")
        )

    def news(self) -> None:
        self._unread.clear()
        super().news()

    @property
    def _places(self) -> int:
        return int(self.config.max_children) - len(in_state(self.state.tasks, "running"))

    @property
    def waits_for(self) -> dict[str, Any] | None:
        """The eldest child at work, while there is nothing to do but wait."""
        running = in_state(self.state.tasks, "running")
        if not running or self._has_work:
            return None
        names = ", ".join(f"{task.id} ({self._said(task)})" for task in running)
        since = min(task.begun_at or 0 for task in running)
        return {"kind": FOR_CHILDREN, "since": since, "reason": f"waits for {names}", "until": None}

    def _said(self, task: Task) -> str:
        unread = (
            " cannot be rebuilt: see its log, then reload" if task.session in self._unread else ""
        )
        return f"{task.session}{unread}"

    # -- one tick

    async def tick(self) -> StepResult | Quiet:
        state = self.state
        came = await self._gather()
        if not state.planned:
            did = await self._plan()
        elif state.rethink is not None:
            did = await self._replan()
        elif returned := in_state(state.tasks, "returned"):
            did = await self._judge(returned[0])
        elif is_over(state.tasks):
            return await self._sum_up()
        elif still := stands_still(state.tasks):
            why = f"nothing leads to {', '.join(task.id for task in still)} any more"
            self._rethink(why)
            did = why
        else:
            did = ""
        if state.rethink is not None and state.replans >= MOST_REPLANS:
            return self._stuck(" · ".join(filter(None, (came, did))))
        effects, begun, failed = await self._begin()
        began = f"began {', '.join(begun)}" if begun else ""
        text = " · ".join(filter(None, (came, did, began, failed)))
        if not text:
            return Quiet()
        if failed and state.replans >= MOST_REPLANS:
            return self._stuck(text, effects)
        return StepResult(
            text,
            {"plan": as_payload(state.tasks), **({"began": began} if began else {})},
            effects=effects,
            next_in_s=0.0,
        )

    async def _gather(self) -> str:
        """Take in the ends of children; in a line what came."""
        came = []
        for task in in_state(self.state.tasks, "running"):
            end = None if task.session is None else await self._children.end_of(task.session)
            if end is None and not self._children.is_living(task.session or ""):
                self._unread.add(task.session or "")
                came.append(f"{task.id}: {task.session} {_UNREAD}")
            if end is not None:
                _take_end(task, end)
                came.append(f"{task.id} came back: {task.result.status if task.result else '?'}")
        return ", ".join(came)

    async def _plan(self) -> str:
        state, config = self.state, self.config
        try:
            planned = await deciding.plan(
                self.services.get(Model), config.goal, config.workers, config.max_tasks,
                guidance=state.guidance, facts=config.facts, problem=state.noted,
            )  # fmt: skip
            state.tasks = checked(planned, state.tasks, config.workers, config.max_tasks)
        except PlanError as error:
            return self._unusable(error)
        state.planned, state.noted, state.unusable = True, None, 0
        return f"plan: {shown(state.tasks)}"

    async def _replan(self) -> str:
        state, config = self.state, self.config
        why = state.rethink or ""
        kept = kept_of(state.tasks)
        most = config.max_tasks - sum(task.state != "dropped" for task in kept)
        if most < 1:  # nobody can give it more: it says how far it came
            state.tasks = [*_given_up(kept)]
            state.rethink = None
            return f"no further task is allowed ({config.max_tasks}, max_tasks): {why}"
        try:
            planned = await deciding.replan(
                self.services.get(Model), config.goal, config.workers, state.tasks, most,
                guidance=state.guidance, why=why, problem=state.noted,
            )  # fmt: skip
            state.tasks = checked(planned, kept, config.workers, config.max_tasks)
        except PlanError as error:
            return self._unusable(error)
        state.rethink, state.noted, state.unusable = None, None, 0
        state.replans += 1
        new = [task for task in state.tasks if task.state == "open"]
        return f"plan anew ({why}): {shown(new)}"

    def _unusable(self, error: PlanError) -> str:
        state = self.state
        state.noted = str(error)[:_WHY_CHARS]
        state.unusable += 1
        if state.unusable >= _MOST_UNUSABLE:
            state.rethink, state.replans = state.noted, MOST_REPLANS
        return f"the plan cannot be used: {error}"

    async def _judge(self, task: Task) -> str:
        """Take the result, try the task once more, or plan anew."""
        result = task.result
        assert result is not None, "a task returns with a result"
        if result.status == "done" and not task.acceptance:
            task.state = "done"
            return f"{task.id} is done"
        if result.status == "crashed":
            return self._again(task, result.summary)
        if result.status == "destroyed":
            return self._give_up(task, result.summary)
        judged = await deciding.judge(self.services.get(Model), self.config.goal, task)
        reason = judged.reason[:_WHY_CHARS]
        match judged.verdict:
            case "accept":
                task.state = "done"
                return f"{task.id} is done: {reason}"
            case "again":
                return self._again(task, reason)
        return self._give_up(task, reason)

    def _again(self, task: Task, why: str) -> str:
        if task.tries >= MOST_ATTEMPTS:
            return self._give_up(task, why)
        task.state, task.problem = "open", why[:_WHY_CHARS]
        return f"{task.id} is tried again: {why}"

    def _give_up(self, task: Task, why: str) -> str:
        task.state = "failed"
        self._rethink(f"{task.id}: {why}")
        return f"{task.id} failed: {why}"

    def _rethink(self, why: str) -> None:
        self.state.rethink = why[:_WHY_CHARS]

    def _stuck(self, text: str, effects: Sequence[Effect] = ()) -> StepResult:
        """Held for a person: whoever resumes or guides it gives it two more new plans."""
        state = self.state
        reason = f"the plan was made anew {MOST_REPLANS} times and does not work: {state.rethink}"
        if state.unusable:
            reason = f"no plan could be used: {state.noted}"
        state.replans = state.unusable = 0
        return StepResult(
            f"{text} · {reason}" if text else reason,
            {"plan": as_payload(state.tasks)},
            waits=Waiting.stuck(reason),
            effects=effects,
        )

    async def _begin(self) -> tuple[list[Effect], list[str], str]:
        """Give out what is ready, as far as there are places: whom it began, and what could not."""
        state = self.state
        effects: list[Effect] = []
        begun: list[str] = []
        if not state.planned or state.rethink is not None:
            return effects, begun, ""
        for task in ready(state.tasks)[: max(0, self._places)]:
            session_id = self._next_id(task)
            try:
                wish = await self._wish(task, session_id)
                await self._children.rehearse(self.session, wish)
            except (AgentRejectedError, CreateError, ToolError) as error:
                return effects, begun, self._give_up(task, f"it cannot begin: {error}")
            effects.append(self._children.creating(self.session, wish))
            task.tries += 1
            task.state, task.session, task.begun_at, task.result = (
                "running", session_id, now_us(), None,
            )  # fmt: skip
            begun.append(session_id)
        return effects, begun, ""

    def _next_id(self, task: Task) -> str:
        while True:
            task.attempt += 1
            session_id = f"{self.session.session_id}.{task.id}.{task.attempt}"
            if self._children.free_id(session_id):
                return session_id

    async def _wish(self, task: Task, session_id: str) -> Wish:
        worker = self.config.workers[task.worker]
        results = {each.id: each for each in self.state.tasks if each.id in task.needs}
        config = config_of(
            worker,
            goal_of(task),
            facts_for(task, results),
            fields=self._children.kind(worker.agent_type).Config.model_fields,
            workspace=await self._workspace(),
            route=self.config.route,
        )
        return Wish(session_id, worker.agent_type, config, task.id, self.config.settle)

    async def _sum_up(self) -> StepResult:
        state, goal = self.state, self.config.goal
        summed = await deciding.sum_up(self.services.get(Model), goal, state.tasks, state.guidance)
        results = [task.result for task in state.tasks if task.result is not None]
        state.report = Report(
            status=summed.status,
            goal=goal[:1_000],
            summary=bounded(summed.summary, 4_000),
            files=[*dict.fromkeys(name for result in results for name in result.files)][-40:],
            facts=[*dict.fromkeys(fact for result in results for fact in result.facts)][-40:],
            tasks=[_contribution(task) for task in state.tasks if task.attempt],
        )
        return StepResult(
            f"{summed.status}: {state.report.summary}",
            {"plan": as_payload(state.tasks), "report": state.report.model_dump()},
            done=True,
        )

    def report(self) -> dict[str, Any] | None:
        return None if self.state.report is None else self.state.report.model_dump()

    # -- guidance

    async def guide(self, guidance: EditPlan | str) -> Understood:
        state = self.state
        if isinstance(guidance, EditPlan):
            return self._edit(guidance)
        if len(guidance) > _GUIDANCE_CHARS:
            raise GuidanceRejectedError(
                f"the guidance has {len(guidance)} characters; expected {_GUIDANCE_CHARS} at the "
                "most"
            )
        state.guidance = [*state.guidance, guidance][-_GUIDANCE:]
        state.replans = 0
        if state.planned:
            self._rethink(f"guidance: {guidance}")
        return Understood(f"guidance: {guidance[:80]}")

    def _edit(self, edit: EditPlan) -> Understood:
        state, config = self.state, self.config
        if not state.planned:
            raise GuidanceRejectedError("there is no plan yet; say in words what to mind in it")
        before = {task.id: task for task in state.tasks}
        copies = [task.model_copy(deep=True) for task in state.tasks]
        try:
            state.tasks = edited(copies, edit, config.workers, config.max_tasks)
        except PlanError as error:
            raise GuidanceRejectedError(str(error)) from None
        # A person's word comes before a new plan that was about to be made.
        state.replans = state.unusable = 0
        state.rethink = state.noted = None
        added = [each.id for each in edit.put if each.id not in before]
        changed = [each.id for each in edit.put if each.id in before]
        line = "; ".join(
            f"{word} {', '.join(names)}"
            for word, names in (("added", added), ("changed", changed), ("dropped", edit.drop))
            if names
        )
        lost = [
            task.id
            for task in state.tasks
            if task.id in before
            and task.id not in changed
            and task.needs != before[task.id].needs
            and not task.attempt
        ]
        back = [
            before[name].model_dump(include=set(PlannedTask.model_fields))
            for name in (*changed, *edit.drop, *lost)
        ]
        return Understood(f"plan: {line}", {"type": "plan", "put": back, "drop": added})


def _given_up(tasks: Sequence[Task]) -> Iterator[Task]:
    """The plan as it ends: what has not begun does not begin any more."""
    for task in tasks:
        yield task.model_copy(update={"state": "dropped"}) if task.state == "open" else task


def _take_end(task: Task, end: ChildEnd) -> None:
    report: Mapping[str, Any] = end.report or {}
    status, summary = told(end)
    task.state = "returned"
    task.result = TaskResult(
        status=status,
        summary=bounded(summary, _SUMMARY_BYTES),
        files=_short(report.get("files")),
        facts=_short(report.get("facts")),
    )


def _short(names: object) -> list[str]:
    given = names if isinstance(names, list) else []
    return [str(each)[:_NAME_CHARS] for each in given[:_NAMES]]


def _contribution(task: Task) -> Contribution:
    result = task.result
    return Contribution(
        task=task.id,
        worker=task.worker,
        session_id=task.session,
        attempts=task.tries,
        status=task.state,
        summary="" if result is None else result.summary[:200],
    )
