"""An agent that runs a plan: tasks side by side, each end on record, resumed after a kill -9."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from agent_core.agent.base import AgentRejectedError
from agent_core.agent.effects import Prepared
from agent_core.agent.guidance import GuidanceRejectedError
from agent_core.agent.outcomes import Done
from agent_core.agent.results import Quiet, StepResult
from agent_core.agent.working import GIVEN_UP_S, WorkingAgentBase
from agent_core.budgets.limits import spent_in
from agent_core.session.failures import away_in
from agent_core.session.waiting import Waiting
from agent_core.session.work import Ended, Told
from agents_impl import believing, reminding  # noqa: F401 - bring their guidance
from agents_impl.claiming import concern_of
from agents_impl.knowing import ToolFacts, facts_of
from agents_impl.minding import Acts, held_by
from agents_impl.plan.models import (
    ALARM,
    PLAN_WORDS,
    Cancel,
    Choose,
    Order,
    PlanConfig,
    PlanGuidance,
    PlanState,
    Retry,
    Set,
    Skip,
)
from reins import telemetry
from reins.blackboard.boards import Boards
from reins.blackboard.calling import CallBoards
from reins.facts.calling import CallFacts, Changes, effect_of
from reins.facts.facts import Facts
from reins.llm import Model
from reins.llm.calls.structured import CONVERSE
from reins.llm.text import one_line
from reins.plan_modules import PlanModules
from reins.tools.outcome import ToolError
from store.journal.file import Record

if TYPE_CHECKING:
    from agents_impl.plan.calling import PlanTools
    from agents_impl.plan.course import Course, Leaf, Taken
    from reins.mind import Act, Held
    from reins.plans import Context, Spent
    from reins.plans.outcome import Event

_GUIDANCE = 10
_GUIDANCE_CHARS = 1_000
_SHOWN_CHARS = 200
_SHOWN = 6


class _Performed(NamedTuple):
    """The end of a task, what of its spending is on the session's account already, and what it asks
    of the session's mind and of facts.
    """

    end: Any
    metered: "Spent"
    acts: "Sequence[Act]"
    facts: Changes


class PlanAgent(WorkingAgentBase):
    """Runs a plan: a tick commits what has ended since the row before, and what follows from it."""

    agent_type = "plan"
    Config = PlanConfig
    State = PlanState
    Guidance = PlanGuidance
    words = PLAN_WORDS

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._modules = self.services.get(PlanModules)
        self._known: tuple[int, Course | str] | None = None
        self._due: dict[str, float] = {}
        self._contexts: dict[str, Context] = {}
        self._own_tools: PlanTools | None = None

    # -- the plan

    async def admit(self) -> Sequence[Record]:
        from agents_impl.plan import course  # noqa: PLC0415 - plans take 40 ms to import

        config = self.config
        try:
            made = course.Course(self._modules.library.actions, config.plan, config.name)
            made.begin(config.state)
            if config.tools:
                await self._tools.check()
        except (course.PlanError, ToolError) as error:
            raise AgentRejectedError(f"the plan cannot be run: {error}") from None
        return ()

    @property
    def _tools(self) -> "PlanTools":
        if self._own_tools is None:
            from agents_impl.plan.calling import PlanTools  # noqa: PLC0415

            self._own_tools = PlanTools(self.session, self.config, self.services)
        return self._own_tools

    @property
    def _course(self) -> "Course | str":
        """The plan with the actions of now; in words why it cannot be run."""
        library = self._modules.library
        if self._known is None or self._known[0] != library.version:
            self._known = library.version, self._read_course()
        return self._known[1]

    def _read_course(self) -> "Course | str":
        from agents_impl.plan import course  # noqa: PLC0415

        config, state = self.config, self.state
        try:
            found = course.Course(
                self._modules.library.actions, config.plan, config.name, state.source
            )
            if state.tree is not None:
                found.check(self._standing or state.tree)
        except course.PlanError as error:
            return str(error)
        return found

    @property
    def _standing(self) -> dict[str, Any] | None:
        """The tree whose tasks are to run; after a failure the one before it."""
        tree: dict[str, Any] | None = self.state.before or self.state.tree
        return tree

    @property
    def _has_ended(self) -> bool:
        tree = self.state.tree
        return tree is not None and tree["kind"] == "ended" and self.state.before is None

    def may_tick(self) -> bool:
        has_work = (
            self.state.tree is None
            or bool(self.work.ends)
            or self._has_ended
            or self.session.waits is not None
            or self.state.again is not None
            or isinstance(self._course, str)
        )
        return has_work and super().may_tick()

    # -- pieces of work

    def wanted(self) -> Mapping[str, Callable[[], Coroutine[Any, Any, Any]]]:
        tree, course = self._standing, self._course
        if tree is None or isinstance(course, str):
            return {}
        again = (self.state.again or {}).get("path")
        pieces: dict[str, Callable[[], Coroutine[Any, Any, Any]]] = {
            leaf.path: partial(self._perform, leaf, self.state.guidance)
            for leaf in course.live(tree)
            if leaf.path != again
        }
        alarms = course.alarms(tree)
        return pieces | {name: partial(self._sleep, name, left) for name, left in alarms.items()}

    async def _perform(self, leaf: "Leaf", guidance: Sequence[str]) -> _Performed:
        from agents_impl.plan.course import Failure, fitting, outcome_of  # noqa: PLC0415
        from reins.mind import Lineage, TaskMind  # noqa: PLC0415
        from reins.plans import Context, Spent, paths  # noqa: PLC0415

        session, metered = self.session, Spent()
        stopped: BaseException | None = None

        async def ask(prompt: str) -> str:
            nonlocal metered, stopped
            messages = [{"role": "user", "content": prompt}]
            try:
                answer = await self.services.get(Model).call(CONVERSE, messages=messages)
            except BaseException as error:
                stopped = _stopped_by(error)
                raise
            spent = Spent(answer.tokens_in + answer.tokens_out, answer.cost_usd)
            metered += spent
            context.spent += spent
            return answer.text

        async def call(name: str, arguments: dict[str, Any]) -> str:
            number = f"{key}:{len(context.calls)}"
            acted = await self._tools.call(name, arguments, number, ToolFacts(facts))
            told = {"tool": name, "ok": acted.ok, "kind": acted.kind, "took_s": acted.took_s}
            context.calls.append({**told, "attempts": acted.attempts})
            if not acted.ok:
                raise ToolError(acted.error or acted.text)
            return acted.text

        key = f"{session.session_id}:{session.created_at}:{leaf.path}"
        facts = CallFacts(lambda: self.services.get(Facts), session, key)
        mind = TaskMind(self._mind, session.clock, Lineage(call_id=key))
        context = Context(
            leaf.path,
            leaf.args,
            paths.attempt(leaf.path),
            key,
            list(guidance),
            ask,
            call if self.config.tools else None,
            mind=mind,
            boards=CallBoards(lambda: self.services.get(Boards), session, key),
            facts=facts,
        )
        self._contexts[leaf.path] = context
        with telemetry.task(session, leaf.name, leaf.path, context.attempt) as span:
            end = await self._modules.library.performer.perform(leaf, context, session.session_id)
            end = fitting(end)
            is_stopped = stopped is not None and isinstance(end, Failure)
            if span is not None and not is_stopped:
                span.ended(outcome_of(end))
        if stopped is not None and is_stopped:
            raise stopped
        return _Performed(end, metered, tuple(mind.acts), facts.changes)

    def _mind(self) -> "Held":
        return held_by(self.session, self.state)

    async def _sleep(self, name: str, left_s: float) -> None:
        self._due[name] = asyncio.get_running_loop().time() + left_s
        await asyncio.sleep(left_s)

    def _left(self) -> dict[str, float]:
        now = asyncio.get_running_loop().time()
        return {name: max(0.0, at - now) for name, at in self._due.items()}

    @classmethod
    def told(cls, payload: Mapping[str, Any]) -> Sequence[Told]:
        return [
            Told(f"{ALARM}{node['path']}", is_wait=True)
            if node["outcome"] == "alarm"
            else Told(node["path"], None if "started_at" in node else node["outcome"])
            for node in payload.get("nodes", ())
        ]

    def before_cancel(self, name: str) -> None:
        if (context := self._contexts.get(name)) is not None:
            context.stop.set()

    def rest(self) -> None:
        """Clocks stop but those over tasks that run, and go on from there.

        What waits for its rate or for a thread is let go; so are, where nothing else runs, branches
        of races whose other branch is not begun.
        """
        course, tree = self._course, self.state.tree
        if tree is None or isinstance(course, str):
            return
        running = {name for name in self.work.running if not name.startswith(ALARM)}
        self._stop_clocks(course.without_work(self._due, running))
        contexts = self._contexts
        waiting = {name for name in running if name in contexts and contexts[name].is_waiting}
        if running - waiting == course.stalled(tree, running - waiting):
            waiting = running
        self.work.let_go(waiting)

    def hold(self) -> None:
        self._stop_clocks([*self._due])

    def _stop_clocks(self, alarms: Sequence[str]) -> None:
        course, tree = self._course, self.state.tree
        if not alarms or tree is None or isinstance(course, str):
            return
        left = self._left()
        self.state.tree = course.with_left(tree, {name: left[name] for name in alarms})
        self.keep_state()
        self.work.let_go(alarms)
        for name in alarms:
            del self._due[name]

    # -- a tick

    async def fold(self, ends: Sequence[Ended]) -> StepResult | Quiet:
        course, state = self._course, self.state
        if isinstance(course, str):
            self.keep_folded()
            why = f"the plan cannot be run as it is: {course}"
            return StepResult(why, waits=Waiting.stuck(why))
        began = state.tree is None
        asked = {_path_of(end): end.result.acts for end in ends if end.result is not None}
        acts = Acts(self.session, state, asked)
        known = {_path_of(end): end.result.facts for end in ends if end.result is not None}
        counted: list[str] = []
        if began:
            taken = course.begin(self.config.state)
            state.source = None if self.config.name is None else course.source
        else:
            if state.again is not None:
                self.keep_folded()
                ends = ()
            events = [(_path_of(end), self._event(end)) for end in self._not_stopped(ends)]
            taken = self._taken(course, events, acts, counted.append)
        cancelled = await self._cancel(course, taken)
        row = self._row(taken, ends, cancelled, began=began)
        if isinstance(row, StepResult):
            facts = facts_of(self.services) if counted else None
            made = [known[path] for path in counted if path in known]
            row.effects = [*acts.effects(), *effect_of(facts, self.session, *made)]
        return row

    def _heeding(
        self, acts: Acts, counts: Callable[[str], None]
    ) -> "Callable[[str, Event], Event]":
        """The ear for ends that count: the acts of a task are done then, or it has failed."""
        from agents_impl.plan import course  # noqa: PLC0415

        def heed(path: str, event: "Event") -> "Event":
            if not isinstance(event, course.Outcome | course.Replaced):
                return event
            error = acts.do(path)
            if error is None:
                counts(path)
                return event
            return course.Failure(course.failed(error), event.said, event.spent)

        return heed

    def _taken(
        self,
        course: "Course",
        events: Sequence[tuple[str, Any]],
        acts: Acts,
        counts: Callable[[str], None],
    ) -> "Taken":
        standing, again = self._standing or {}, self.state.again
        if again is None:
            return course.take(standing, events, self._heeding(acts, counts))
        return course.take_again(standing, again)

    def _not_stopped(self, ends: Sequence[Ended]) -> list[Ended]:
        """Those that were not stopped by a budget, or by a model that is away; they begin again.

        Raises: what stopped them, where none is left.
        """
        stopped = {
            end.name: why
            for end in ends
            if end.error is not None and (why := _stopped_by(end.error)) is not None
        }
        for name in stopped:
            self.work.drop(name)
        found = [end for end in ends if end.name not in stopped]
        if stopped and not found:
            raise next(iter(stopped.values()))
        return found

    def _event(self, end: Ended) -> Any:
        from agents_impl.plan import course  # noqa: PLC0415

        if end.name.startswith(ALARM):
            self._due.pop(end.name, None)
            return course.Alarm()
        if end.error is not None:
            return course.Failure(course.failed(end.error))
        return end.result.end

    async def _cancel(self, course: "Course", taken: "Taken") -> list[dict[str, Any]]:
        """End what a decision has ended, in the order of the plan, before the row that says so."""
        gone = await self.work.cancel(taken.cancelled, GIVEN_UP_S)
        told = [
            {"path": path, "outcome": "abandoned" if self._runs_on(path) else how}
            for path, how in gone.items()
        ]
        if not self._due:
            return told
        alarms = course.alarms(taken.tree)
        over = [name for name in self._due if name not in alarms]
        await self.work.cancel(over, GIVEN_UP_S)
        for name in over:
            self._due.pop(name, None)
        taken.tree = course.with_left(taken.tree, self._left())
        return told

    def _runs_on(self, path: str) -> bool:
        context = self._contexts.pop(path, None)
        return context is not None and context.runs_on

    def _row(
        self,
        taken: "Taken",
        ends: Sequence[Ended],
        cancelled: list[dict[str, Any]],
        *,
        began: bool,
    ) -> StepResult | Quiet:
        from agents_impl.plan import course  # noqa: PLC0415

        state = self.state
        state.tree = taken.tree
        if state.before is not taken.before:
            state.before, state.again = taken.before, taken.again
        times = {_path_of(end): end for end in ends}
        for each in taken.nodes:
            context = self._contexts.pop(each["path"], None)
            if context is not None and context.calls:
                each["tools"] = context.calls
            if (end := times.get(each["path"])) is not None:
                each |= {"started_at": end.started_at, "took_ms": end.took_ms}
        result = course.result(taken.tree)
        nodes = [*taken.nodes, *cancelled]
        if not (nodes or began or taken.decisions) and result is None:
            return Quiet()  # a wait that was over too late
        text = "the plan has begun" if began else _shown(nodes)
        own = [end.result for end in ends if end.error is None and end.result is not None]
        spent = [(each.end.spent, each.metered) for each in own]
        payload: dict[str, Any] = {"nodes": nodes}
        if taken.decisions:
            payload["decisions"] = taken.decisions
        if isinstance(result, course.Ok):
            text = one_line(f"done: {orjson.dumps(result.value).decode()}", _SHOWN_CHARS)
        elif result is not None:
            text = f"the plan has failed at {result.error}"[:_SHOWN_CHARS]
        return StepResult(
            text,
            payload,
            tokens_in=sum(all_.tokens - metered.tokens for all_, metered in spent),
            cost_usd=max(0.0, sum(all_.cost_usd - metered.cost_usd for all_, metered in spent)),
            done=isinstance(result, course.Ok),
            failed=text if taken.before is not None else None,
        )

    async def _commit(self, done: Done, prepared: Prepared) -> None:
        await super()._commit(done, prepared)
        nodes = (done.result.payload or {}).get("nodes", ())
        self._modules.ended.update(node["outcome"] for node in nodes)

    @property
    def concern(self) -> dict[str, Any] | None:
        return concern_of(self.state.mind)

    def report(self) -> dict[str, Any] | None:
        tree = self.state.tree
        if tree is None or tree["kind"] != "ended":
            return None
        return {"status": "failed" if "error" in tree else "done", **{
            name: tree[name] for name in ("state", "error") if name in tree
        }}  # fmt: skip

    # -- guidance

    async def guide(self, guidance: Order | str) -> str:
        if isinstance(guidance, str):
            if len(guidance) > _GUIDANCE_CHARS:
                raise GuidanceRejectedError(
                    f"the guidance has {len(guidance)} characters; expected {_GUIDANCE_CHARS} at "
                    "the most"
                )
            self.state.guidance = [*self.state.guidance, guidance][-_GUIDANCE:]
            return f"guidance: {guidance[:80]}"
        course, tree = self._course, self.state.tree
        if tree is None or isinstance(course, str):
            raise GuidanceRejectedError(f"nothing of the plan runs that {guidance.path} could be")
        if isinstance(guidance, Choose):
            return await self._choose(guidance, course, tree)
        return await self._steer(guidance, course, tree)

    async def _steer(
        self, order: Skip | Retry | Cancel | Set, course: "Course", tree: dict[str, Any]
    ) -> str:
        from agents_impl.plan import course as courses  # noqa: PLC0415
        from reins.plans import Fault  # noqa: PLC0415

        live = {leaf.path: leaf for leaf in course.live(tree)}
        leaf = live.get(order.path)
        if leaf is None:
            there = _listed((path, each.name) for path, each in live.items())
            raise GuidanceRejectedError(f"no task runs at {order.path}; there are: {there}")
        if isinstance(order, Retry):
            await self.work.cancel([leaf.path], GIVEN_UP_S)
            return f"again: {leaf.path} ({leaf.name})"
        event: Any = courses.Outcome(leaf.state)
        match order:
            case Set():
                event = courses.Outcome(order.state)
            case Cancel():
                event = courses.Failure(Fault("action", "it was cancelled by a person"))
        taken = course.take(tree, [(leaf.path, event)])
        if taken.before is not None:
            raise GuidanceRejectedError(
                f"without {leaf.path} ({leaf.name}) the plan would fail; skip or set the task, or "
                "destroy the session"
            )
        await self.work.cancel([leaf.path], GIVEN_UP_S)
        return await self._ordered(course, taken, f"{order.type}: {leaf.path} ({leaf.name})")

    async def _choose(self, order: Choose, course: "Course", tree: dict[str, Any]) -> str:
        from agents_impl.plan import course as courses  # noqa: PLC0415

        standing = {each.path: each for each in course.choices(tree)}
        found = standing.get(order.path)
        if found is None:
            there = _listed((path, f"item {each.item}") for path, each in standing.items())
            raise GuidanceRejectedError(f"no choose stands at {order.path}; there are: {there}")
        item = found.items.index(order.item) if order.item in found.items else order.item
        if isinstance(item, str) or item >= len(found.items):
            there = _listed((str(place), name) for place, name in enumerate(found.items))
            raise GuidanceRejectedError(
                f"item is {order.item!r}; expected one of those at {order.path}: {there}"
            )
        if item == found.item:
            raise GuidanceRejectedError(
                f"{order.path} has chosen {item} ({found.items[item]}) already; retry its task to "
                "have it begin again"
            )
        taken = course.take(tree, [(order.path, courses.Chosen(item))])
        if isinstance(end := courses.result(taken.tree), courses.Err):
            raise GuidanceRejectedError(f"with item {item} the plan would fail at {end.error}")
        return await self._ordered(
            course, taken, f"choose: {order.path} {item} ({found.items[item]})"
        )

    async def _ordered(self, course: "Course", taken: "Taken", did: str) -> str:
        """A person's order is done: what it ends is cancelled, and the tree is the one after it."""
        await self._cancel(course, taken)
        self.state.tree = taken.tree
        words = [f"{each['path']} {each['words']}" for each in taken.decisions]
        return one_line("; ".join([did, *words]), 2 * _SHOWN_CHARS)


def _stopped_by(error: BaseException) -> BaseException | None:
    """The error that is none of the task's: a budget that is spent, a model that is away."""
    return spent_in(error) or away_in(error)


def _listed(named: Iterable[tuple[str, str]]) -> str:
    shown = [f"{path} ({name})" for path, name in named]
    more = f" and {len(shown) - _SHOWN} more" if len(shown) > _SHOWN else ""
    return (", ".join(shown[:_SHOWN]) or "none") + more


def _path_of(end: Ended) -> str:
    return end.name.removeprefix(ALARM)


def _shown(nodes: Sequence[Mapping[str, Any]]) -> str:
    """The ends of tasks, in a line."""
    parts = []
    for each in nodes:
        name, outcome = each.get("name", each["path"]), each["outcome"]
        said = f": {each['said'][-1]}" if each.get("said") else ""
        why = f": {each['error']}" if each.get("error") else ""
        parts.append(f"{name} {outcome}{why or said}")
    more = f" and {len(parts) - _SHOWN} more" if len(parts) > _SHOWN else ""
    return one_line("; ".join(parts[:_SHOWN]), 4 * _SHOWN_CHARS) + more
