"""The dispatcher: takes actions out of the queue and sees each one to its outcome."""

import asyncio
import contextlib
import time
import weakref
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any

import structlog

from agent_core.actions.action import processed
from agent_core.actions.handling import ACTION_HANDLERS, Handler
from agent_core.actions.payloads import PAYLOADS
from agent_core.dispatch.handlers import REJECTIONS, Context, Result
from agent_core.dispatch.queued import PayloadError, QueuedAction
from agent_core.fleet.recovery import SessionUnusableError
from agent_core.session.controls import Applied, Outcome, Rejected
from agent_core.session.failures import describe, is_own_end
from reins import telemetry
from reins.loops import TaskLoop
from store import queue
from store.errors import StoreError
from store.lance.memory import give_back

_logger = structlog.get_logger(__name__)

_RETRY_S = 1.0
_COMPACT_S = 5.0
_BURST = 5_000  # actions; after as many, a moment without one is used to give their memory back
_POLL_ROWS = 1_000_000  # a cut would part the actions of a session


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

    def __init__(self, *, context: Context, table: Any, folder: Path, poll_s: float) -> None:
        self._context = context
        self._table = table
        self._folder = folder
        self._poll_s = poll_s
        self._polling = _Rounds("dispatcher poll", self._poll_round, self._poll_failed)
        self._marking = _Rounds("dispatcher mark", self._mark_round, self._mark_failed)
        self._stopping = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._lanes: weakref.WeakValueDictionary[str, asyncio.Lock] = weakref.WeakValueDictionary()
        self._in_flight: set[str] = set()
        self._marked: set[str] = set()
        self._unmarked: list[tuple[QueuedAction, Outcome]] = []
        self._known_version = -1
        self._unlisten: Callable[[], None] = _nothing
        self._unwatch: Callable[[], None] = _nothing
        self.handled = 0
        self._worked = 0
        self.polled_at = time.monotonic()
        """Monotonic time of the newest poll that succeeded."""
        self.mark_error: str | None = None
        """The error of the newest marking; None if it succeeded."""
        self.mark_failures = 0
        self.marked_at: float | None = None
        """Unix time of the newest marking that succeeded, also one that found nothing to mark."""

    def start(self) -> None:
        self._polling.start()
        self._marking.start()
        loop = asyncio.get_running_loop()
        writer = queue.writer_at(self._folder)
        self._unlisten = writer.listen(
            lambda rows, version: loop.call_soon_threadsafe(self._arrived, rows, version)
        )
        self._unwatch = queue.watch(
            self._folder, lambda: loop.call_soon_threadsafe(self._polling.wake)
        )

    async def stop(self) -> None:
        if self._stopping:
            return
        self._stopping = True
        self._unlisten()
        await asyncio.to_thread(self._unwatch)
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
        loops = (self._polling, self._marking)
        return [loop.name for loop in loops if not loop.running]

    async def poll_once(self) -> int:
        """Take up what is new in the queue; returns how many."""
        # What was marked before this query starts cannot be in its answer.
        self._in_flight -= self._marked
        self._marked.clear()
        version = await self._table.version()
        if version == self._known_version:
            self.polled_at = time.monotonic()
            return 0
        new = await queue.unprocessed(self._table, _POLL_ROWS, self._in_flight)
        self._known_version = max(self._known_version, version)
        for action in in_order(QueuedAction(row) for row in new):
            self._take(action)
        self.polled_at = time.monotonic()
        return len(new)

    def _arrived(self, rows: list[queue.Row], version: int) -> None:
        """Take up what this process has just committed, without a query.

        Only where no other commit is in between: an older action of the same session may be in it.
        """
        if self._stopping:
            return
        if version == self._known_version + 1:
            self._known_version = version
            for row in rows:
                self._take(QueuedAction(row))
        else:
            self._polling.wake()

    async def _poll_round(self) -> float:
        await self.poll_once()
        return self._poll_s

    def _poll_failed(self, error: str) -> None:
        _logger.error("queue poll failed", error=error, retry_in_s=_RETRY_S)

    def _take(self, action: QueuedAction) -> None:
        # A query may see a commit of this process before its news arrives here.
        if action.action_id in self._in_flight:
            return
        self._in_flight.add(action.action_id)
        task = asyncio.get_running_loop().create_task(
            self._handle(action), name=f"action {action.action_id}"
        )
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _handle(self, action: QueuedAction) -> None:
        outcome: Outcome | None = None
        began_ns = time.time_ns()
        try:
            outcome = await self._outcome_of(action)
        except (PayloadError, SessionUnusableError, *REJECTIONS) as error:
            outcome = Rejected(str(error))
        except BaseException as error:
            if is_own_end(error):
                raise  # a shutdown: the action stays in the queue for the next start
            _logger.exception("action failed", **action.names)
            outcome = Rejected(f"the worker failed on it, see its log: {describe(error)}")
        finally:
            if outcome is not None:
                self._unmarked.append((action, outcome))
                self._marking.wake()
                if telemetry.on:
                    applied = isinstance(outcome, Applied)
                    said = "applied" if applied else "rejected"
                    telemetry.handled(action.names, said, began_ns)

    async def _outcome_of(self, action: QueuedAction) -> Outcome:
        handler = ACTION_HANDLERS.get(action.action_type)
        if handler is None:
            known = ", ".join(ACTION_HANDLERS)
            return Rejected(f"action type is {action.action_type!r}; expected one of {known}")
        async with self._lane(action.lane):
            result: Result = await self._patiently(handler, action)
        return result if isinstance(result, Applied | Rejected) else await result

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
        """Mark what is finished, all that has gathered in one commit; keep the queue in shape."""
        if self._unmarked:
            await self._mark_gathered()
        await asyncio.to_thread(self._context.fleet.store.compact_queue)
        if self._worked >= _BURST and not self._tasks:
            self._worked = 0
            await asyncio.to_thread(give_back)
        self.mark_error = None
        self.marked_at = time.time()
        return _COMPACT_S

    def _mark_failed(self, error: str) -> None:
        self.mark_error = error
        self.mark_failures += 1
        _logger.error("marking failed", error=error, retry_in_s=_RETRY_S)

    async def _mark_gathered(self) -> None:
        batch = self._unmarked[:]
        rows = [
            processed(
                action.row,
                outcome="applied" if isinstance(outcome, Applied) else "rejected",
                error=outcome.error if isinstance(outcome, Rejected) else None,
                applied_seq=outcome.seq if isinstance(outcome, Applied) else None,
            )
            for action, outcome in batch
        ]
        version = await queue.mark(self._table, rows)
        if version == self._known_version + 1:
            self._known_version = version
        await asyncio.to_thread(self._context.fleet.store.folder.sync)
        del self._unmarked[: len(batch)]
        self.handled += len(batch)
        self._worked += len(batch)
        for action, _ in batch:
            self._marked.add(action.action_id)
            session = self._context.fleet.live.get(action.session_id or "")
            if session is not None:
                session.marked(action.action_id)


def in_order(actions: Iterable[QueuedAction]) -> list[QueuedAction]:
    """By lane, the most urgent lane first; within a lane in the order of arrival.

    `actions` come the most urgent first. Before all other lanes go those that create a
    conversation: sessions of any lane may need it.
    """
    lanes: dict[str, list[QueuedAction]] = {}
    for action in actions:
        lanes.setdefault(action.lane, []).append(action)
    ordered = sorted(lanes.values(), key=_opens_no_conversation)
    return [action for lane in ordered for action in sorted(lane, key=_arrival)]


def _opens_no_conversation(lane: list[QueuedAction]) -> bool:
    kinds = (PAYLOADS.get(action.action_type) for action in lane)
    return not any(kind is not None and kind.opens_conversation for kind in kinds)


def _arrival(action: QueuedAction) -> tuple[bool, Any, str]:
    created_at = action.row["created_at"]
    return created_at is not None, created_at, action.action_id


def _nothing() -> None:
    """What ends something that has not begun."""
