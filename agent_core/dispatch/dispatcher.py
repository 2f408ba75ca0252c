"""The dispatcher: takes actions out of the queue and sees each one to its outcome."""

import asyncio
import contextlib
import time
import weakref
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

import structlog

import agent_core.dispatch.reading_along  # noqa: F401 - hands its handlers in
from agent_core.actions.action import processed
from agent_core.actions.handling import ACTION_HANDLERS, Handler
from agent_core.dispatch import conversing  # noqa: F401 - brings its handlers
from agent_core.dispatch.handlers import REJECTIONS, Context, Result
from agent_core.dispatch.lanes import in_order
from agent_core.dispatch.queued import PayloadError, QueuedAction
from agent_core.fleet.recovery import SessionUnusableError
from agent_core.session.controls import Applied, Outcome, Rejected
from agent_core.session.failures import describe, is_own_end
from reins import telemetry
from reins.loops import TaskLoop
from reins.threads import ACTIONS
from store.errors import StoreError
from store.queue import reading as queue_reading
from store.queue import table as queue
from store.queue import writer as queue_writer
from store.queue.intake import Intake
from store.queue.rows import DONE, Mark

_logger = structlog.get_logger(__name__)
T = TypeVar("T")
_RETRY_S = 1.0
_IDLE_S = 5.0
_MARK_PAUSE_S = 0.01
"""Between two markings: each is a commit with a sync, for which who enqueues has to wait."""
_TAKE_PAUSE_S = 0.004
"""Between two takings: what comes close together is taken up, applied and committed together."""
_AT_ONCE = 100  # actions that begin in one turn of the loop


class _Rounds(TaskLoop):
    """One of the dispatcher's two loops."""

    def __init__(
        self, name: str, work: Callable[[], Awaitable[float]], failed: Callable[[str], object]
    ) -> None:
        super().__init__(name)
        self._work = work
        self._on_failure = failed

    async def run_once(self) -> float:
        return await self._work()

    def failed(self, error: Exception) -> float:
        # Nothing is lost: the queue stays, and what is applied has no second effect.
        self._on_failure(f"{type(error).__name__}: {error}"[:300])
        return _RETRY_S


class Dispatcher:
    """Woken by an append in this process or by a commit of another, behind both a safety poll.

    Starts once. `stop` takes no further action up and leaves those not finished in the queue, where
    the next start finds them; a second stop does nothing.
    """

    def __init__(self, *, context: Context, poll_s: float) -> None:
        self._context = context
        self._store = store = context.fleet.store
        self._writer = queue_writer.writer_at(store.folder)
        self._intake = Intake(store.folder, store.adopt_actions)
        self._poll_s = poll_s
        self._polling = _Rounds("dispatcher poll", self._poll_round, self._poll_failed)
        self._marking = _Rounds("dispatcher mark", self._mark_round, self._mark_failed)
        self._stopping = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._lanes: weakref.WeakValueDictionary[str, asyncio.Lock] = weakref.WeakValueDictionary()
        self._in_flight: dict[str, QueuedAction] = {}
        self._repeated: dict[str, list[QueuedAction]] = {}
        self._rejected: dict[str, asyncio.Event] = {}  # those whose mark is on its way
        self._marked: dict[str, queue.Row] = {}  # in flight until the next poll begins
        self._unmarked: list[queue.Row] = []
        self.on_rejected: Callable[[QueuedAction, str], object] = _nobody
        """Told of each rejection and its reason."""
        self.handled = 0
        self._looked_at = 0.0
        self.polled_at = time.monotonic()
        """Monotonic time of the newest poll that succeeded."""
        self.mark_error: str | None = None
        """The error of the newest marking; None if it succeeded."""
        self.mark_failures = 0
        self.marked_at: float | None = None  # Unix time of the newest that succeeded

    def start(self) -> None:
        self._polling.start()
        self._marking.start()
        self._intake.start(self._polling.wake)

    async def stop(self) -> None:
        if self._stopping:
            return
        self._stopping = True
        await self._intake.stop()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(
            *self._tasks, self._polling.stop(), self._marking.stop(), return_exceptions=True
        )
        if self._unmarked:
            with contextlib.suppress(Exception):  # they are applied once all the same
                await self._mark_gathered()

    @property
    def ended(self) -> list[str]:
        """Loops that do not run any more."""
        return [loop.name for loop in (self._polling, self._marking) if not loop.running]

    async def poll_once(self) -> int:
        """Take up what is new in the queue; returns how many."""
        # What was marked before this query starts cannot be in its answer.
        for action_id in self._marked:
            self._in_flight.pop(action_id, None)
        self._marked.clear()
        new = [QueuedAction(each.row, new=each.new) for each in await self._intake.take()]
        if new:
            owners = await self._owners(new)
            for number, action in enumerate(in_order(new), 1):
                if self._stopping:
                    break  # the rest stays in the queue
                self._take(action, owners[action.action_id])
                if not number % _AT_ONCE:
                    await asyncio.sleep(0)  # thousands at once hold the loop no longer than these
        self._intake.taken()
        self.polled_at = time.monotonic()
        return len(new)

    async def _owners(self, new: Sequence[QueuedAction]) -> dict[str, queue.Row]:
        """The row of each id that was committed first; others are that action, sent again."""
        owners = {action.action_id: action.row for action in reversed(new)}
        ids = list({action.action_id for action in new if not action.new})
        if not ids:
            return owners
        store = self._store
        return owners | await queue_reading.processed(store.folder, store.queue, ids)

    async def _poll_round(self) -> float:
        if time.monotonic() - self._looked_at >= self._poll_s:
            self._looked_at = time.monotonic()
            self._intake.look()
        if await self.poll_once():
            await asyncio.sleep(_TAKE_PAUSE_S)
        return self._poll_s

    def _poll_failed(self, error: str) -> None:
        _logger.error("queue poll failed", error=error, retry_in_s=_RETRY_S)

    def _take(self, action: QueuedAction, owner: queue.Row) -> None:
        """Start on an action; one whose id another row owns gets the outcome of that."""
        in_flight = self._in_flight.get(action.action_id)
        if in_flight is not None:
            owner = self._marked.get(action.action_id, in_flight.row)
            if action.number == in_flight.number:
                return
        if owner is action.row:
            self._in_flight[action.action_id] = action
            task = asyncio.get_running_loop().create_task(
                self._handle(action), name=f"action {action.action_id}"
            )
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        elif not queue.same_content(action.row, owner):
            why = f"{queue.ID_REUSED}, for another content; send each action under an id of its own"
            self._finish(processed(action.row, outcome="rejected", error=why))
        elif owner["processed"]:
            self._finish(_as(owner, action.row))
        else:  # it waits for the outcome of the one in flight
            self._repeated.setdefault(action.action_id, []).append(action)

    def _finish(self, row: queue.Row) -> None:
        self._unmarked.append(row)
        self._marking.wake()

    async def _handle(self, action: QueuedAction) -> None:
        began_ns = time.time_ns()
        async with self._lane(action.lane):
            result = await self._answer(self._begin(action), action)
            if isinstance(result, Rejected):
                self._settle(action, result, began_ns)
                await self._until_marked(action)
                return
        if not isinstance(result, Applied):
            result = await self._answer(result, action)
        self._settle(action, result, began_ns)

    async def _begin(self, action: QueuedAction) -> Result:
        handler = ACTION_HANDLERS.get(action.action_type)
        if handler is None:
            expected = f"expected one of {', '.join(sorted(ACTION_HANDLERS))}"
            return Rejected(f"action type is {action.action_type!r}; {expected}")
        result: Result = await self._patiently(handler, action)
        return result

    async def _answer(self, work: Awaitable[T], action: QueuedAction) -> T | Rejected:
        try:
            return await work
        except (PayloadError, SessionUnusableError, *REJECTIONS) as error:
            return Rejected(str(error))
        except BaseException as error:
            if is_own_end(error):
                raise  # a shutdown: the action stays in the queue for the next start
            _logger.exception("action failed", **action.names)
            return Rejected(f"the worker failed on it, see its log: {describe(error)}")

    def _settle(self, action: QueuedAction, outcome: Outcome, began_ns: int) -> None:
        applied = isinstance(outcome, Applied)
        self._finish(
            processed(
                action.row,
                outcome="applied" if applied else "rejected",
                error=outcome.error if isinstance(outcome, Rejected) else None,
                applied_seq=outcome.seq if isinstance(outcome, Applied) else None,
            )
        )
        if isinstance(outcome, Rejected):
            self.on_rejected(action, outcome.error)
        if telemetry.on:
            telemetry.handled(action.names, "applied" if applied else "rejected", began_ns)

    async def _until_marked(self, action: QueuedAction) -> None:
        # A rejection leaves no row. After a kill its action would be judged anew, against what the
        # next one in its lane has done.
        marked = self._rejected[action.action_id] = asyncio.Event()
        await marked.wait()

    async def _patiently(self, handler: Handler, action: QueuedAction) -> Any:
        """Again while the store cannot: in its lane, so that the next one does not overtake."""
        while True:
            try:
                return await handler(self._context, action)
            except (StoreError, OSError) as error:
                why = str(error)[:300]
            _logger.error("action put off", error=why, retry_in_s=_RETRY_S, **action.names)
            await asyncio.sleep(_RETRY_S)

    def _lane(self, name: str) -> asyncio.Lock:
        """The lock of a lane: it is fair, so actions of a lane keep their order."""
        lock = self._lanes.get(name)
        if lock is None:
            lock = self._lanes[name] = asyncio.Lock()
        return lock

    async def _mark_round(self) -> float:
        """Mark what is finished, all that has gathered in one commit."""
        marks = bool(self._unmarked)
        if marks:
            await self._mark_gathered()
        self.mark_error = None
        self.marked_at = time.time()
        if marks:
            await asyncio.sleep(_MARK_PAUSE_S)
        return _IDLE_S

    def _mark_failed(self, error: str) -> None:
        self.mark_error = error
        self.mark_failures += 1
        _logger.error("marking failed", error=error, retry_in_s=_RETRY_S)

    async def _mark_gathered(self) -> None:
        batch, self._unmarked = self._unmarked, []
        try:
            marks = [Mark(row[queue.NUMBER], row) for row in batch]
            await ACTIONS.call(self._writer.mark, marks)
        except BaseException:
            self._unmarked = batch + self._unmarked
            raise
        self.handled += len(batch)
        for row in batch:
            if not queue.is_refused(row):  # the action whose id that is may be in flight still
                self._has_mark(row)

    def _has_mark(self, row: queue.Row) -> None:
        action_id = row["action_id"]
        self._marked[action_id] = row
        if action_id in self._rejected:
            self._rejected.pop(action_id).set()
        for again in self._repeated.pop(action_id, ()):
            self._finish(_as(row, again.row))
        action = self._in_flight.get(action_id)
        session = self._context.fleet.live.get((action and action.session_id) or "")
        if session is not None:
            session.marked(action_id)


def _nobody(_action: QueuedAction, _why: str) -> None:
    """Nobody wants to hear of rejections."""


def _as(owner: queue.Row, row: queue.Row) -> queue.Row:
    """The row of an action that was sent again, with the outcome of the first."""
    return row | {name: owner[name] for name in DONE}
