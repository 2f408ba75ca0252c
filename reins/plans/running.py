"""A plan run to its end on an event loop: its tasks side by side, their ends folded one by one."""

import asyncio
import inspect
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from reins.plans import paths, tree
from reins.plans.context import Context
from reins.plans.errors import PlanFailedError
from reins.plans.json_value import as_json
from reins.plans.limiters import Limiters
from reins.plans.moves import Ended
from reins.plans.outcome import Alarm, Chosen, End, Event, Failure, Spent
from reins.plans.performing import Performer
from reins.plans.pool import Pool
from reins.plans.program import Program
from reins.plans.result import Fault, Ok
from reins.plans.stepping import Decision, Stepped, enter, step
from reins.plans.tree import Leaf, Tree

GRACE_S = 1.0
"""Seconds that a cancelled task has to end; then nobody waits for it any more."""
_NOTHING = Spent()


@dataclass(frozen=True, slots=True)
class PlanRun:
    """The end of a plan.

    What was said and spent, and all else, is of this run: since its start, or since it was resumed.
    `said` has the path and the line. `cancelled` and `abandoned` are paths: what was abandoned
    swallowed its cancellation, or runs on in its thread.
    """

    result: Ended
    said: tuple[tuple[str, str], ...]
    spent: Spent
    cancelled: tuple[str, ...]
    abandoned: tuple[str, ...]
    decisions: tuple[Decision, ...]

    @property
    def state(self) -> Any:
        """The state that the plan has left. Raises: PlanFailedError where it failed."""
        if isinstance(self.result, Ok):
            return self.result.value
        raise PlanFailedError(self.result.error)


class Runner:
    """One run of a plan. `on_step` gets each tree before its tasks start: keep it, and a run that

    is killed goes on with `resume`; tasks that were live then are done again.
    """

    def __init__(
        self,
        program: Program,
        *,
        pool: Pool,
        limiters: Limiters,
        key: str = "",
        guidance: Any = None,
        grace_s: float = GRACE_S,
        on_step: Callable[[Tree], Any] | None = None,
    ) -> None:
        self._program = program
        self._performer = Performer(program.actions, pool, limiters)
        self._key = key
        self._guidance = guidance
        self._grace_s = grace_s
        self._on_step = on_step
        self._tree: Tree = {}
        self._running: dict[str, tuple[asyncio.Task[End], Context]] = {}
        self._due: dict[str, float] = {}
        self._ends: deque[tuple[str, End]] = deque()
        self._news = asyncio.Event()
        self._said: list[tuple[str, str]] = []
        self._spent, self._tasks = _NOTHING, 0
        self._cancelled: list[str] = []
        self._abandoned: list[str] = []
        self._decisions: list[Decision] = []

    async def run(self, state: Any) -> PlanRun:
        """Run the plan from its beginning. Raises: PlanError for a state that is not JSON."""
        return await self._go_on(enter(self._program, state))

    async def resume(self, standing: Tree) -> PlanRun:
        """Run the plan from where it stands; its live tasks begin anew."""
        begun = tuple(tree.leaves(self._program.plan, standing))
        return await self._go_on(Stepped(standing, begun=begun, waits=True))

    async def _go_on(self, stepped: Stepped) -> PlanRun:
        try:
            await self._take(stepped)
            while (result := tree.result(self._tree)) is None:
                path, event = await self._next()
                self._count(path, event)
                await self._take(step(self._program, self._tree, path, event))
        finally:
            await self._cancel(sorted(self._running, key=paths.order))
        return PlanRun(
            result,
            tuple(self._said),
            self._spent + Spent(tasks=self._tasks),
            tuple(self._cancelled),
            tuple(self._abandoned),
            tuple(self._decisions),
        )

    async def _take(self, stepped: Stepped) -> None:
        """Make true what the step decided: first what it ends, then what it begins."""
        if stepped.late:
            return
        self._tree = stepped.tree
        self._decisions += stepped.decisions
        if stepped.cancelled:
            await self._cancel(stepped.cancelled)
        if self._on_step is not None:
            kept = self._on_step(self._tree)
            if inspect.isawaitable(kept):
                await kept
        for leaf in stepped.begun:
            self._start(leaf)
        if self._due or stepped.waits:
            self._set_timers()

    def _set_timers(self) -> None:
        now = asyncio.get_running_loop().time()
        timers = {timer.path: timer.left_s for timer in tree.timers(self._tree)}
        self._due = {path: self._due.get(path, now + left_s) for path, left_s in timers.items()}

    async def _next(self) -> tuple[str, Event]:
        """The next end of a task, or the alarm that is due."""
        while not self._ends:
            self._news.clear()
            if not self._due:
                await self._news.wait()
                continue
            first = min(self._due, key=lambda path: self._due[path])
            try:
                async with asyncio.timeout_at(self._due[first]):
                    await self._news.wait()
            except TimeoutError:
                del self._due[first]
                return first, Alarm()
        path, end = self._ends.popleft()
        self._running.pop(path, None)
        return path, end

    def _count(self, path: str, event: Event) -> None:
        if isinstance(event, Alarm | Chosen):
            return
        self._said += [(path, line) for line in event.said]
        self._tasks += 1
        if event.spent != _NOTHING:
            self._spent += event.spent

    def _start(self, leaf: Leaf) -> None:
        context = Context(
            leaf.path,
            as_json(leaf.args) if leaf.args else {},
            paths.attempt(leaf.path),
            f"{self._key}:{leaf.path}",
            self._guidance,
        )
        task = asyncio.get_running_loop().create_task(
            self._performer.perform(leaf, context), name=f"plan {leaf.path} {leaf.name}"
        )
        self._running[leaf.path] = (task, context)
        task.add_done_callback(lambda done: self._ended(leaf.path, done))

    def _ended(self, path: str, task: "asyncio.Task[End]") -> None:
        """Note the end of a task, unless nobody waits for it any more."""
        if self._running.get(path, (None,))[0] is not task:
            if not task.cancelled():
                task.exception()  # asyncio would log it as never retrieved
            return
        # It stays among those that run until its end is folded in: till then its tree has it live.
        if task.cancelled():
            self._ends.append((path, Failure(Fault("action", "it was cancelled from within"))))
        else:
            self._ends.append((path, task.result()))
        self._news.set()

    async def _cancel(self, cancelled: "tuple[str, ...] | list[str]") -> None:
        """Cancel tasks in the order of the plan, and wait for them, but not for ever."""
        found = {path: self._running.pop(path) for path in cancelled if path in self._running}
        going = {path: each for path, each in found.items() if not each[0].done()}
        for task, context in going.values():
            context.stop.set()
            task.cancel()
        self._cancelled += going
        if going:
            await asyncio.wait([task for task, _ in going.values()], timeout=self._grace_s)
        self._abandoned += [
            path for path, (task, context) in going.items() if not task.done() or context.runs_on
        ]
