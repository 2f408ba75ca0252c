"""Admission to a route: fair among sessions, within its limits, and closed while it backs off."""

import asyncio
import time
from collections import OrderedDict, deque

from reins.llm.limits.token_bucket import Bucket
from reins.llm.limits.turns import Pass


class BackingOffError(Exception):
    """The route backs off for longer than the caller waits."""

    def __init__(self, backoff_s: float) -> None:
        super().__init__()
        self.backoff_s = backoff_s


class Waiting:
    """One call in the queue."""

    __slots__ = ("max_wait_s", "place", "tokens")

    def __init__(self, tokens: int, max_wait_s: float) -> None:
        self.tokens = tokens
        self.max_wait_s = max_wait_s
        self.place: asyncio.Future[None] = asyncio.get_running_loop().create_future()


class Admission:
    """Admits calls of one route: so many at once, so many requests and tokens a minute.

    Sessions are served round robin, each with its eldest call, so that a hundred calls of one
    session hold up no other's. A burst enters in several passes of the loop (see `turns`). With
    nothing to wait for, `enter` does not wait. Lives on one loop.
    """

    def __init__(
        self, concurrency: int, requests_per_minute: int | None, tokens_per_minute: int | None
    ) -> None:
        self.taken = 0
        self.waiting = 0
        self._queues: OrderedDict[str, deque[Waiting]] = OrderedDict()
        self._backoff_until = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._pass = Pass(self._admit)
        now = time.monotonic()
        self._concurrency = concurrency
        self._requests = Bucket(requests_per_minute, now)
        self._tokens = Bucket(tokens_per_minute, now)

    def limit(
        self, concurrency: int, requests_per_minute: int | None, tokens_per_minute: int | None
    ) -> None:
        """Set new limits for the same queue. Calls that were admitted stay so."""
        now = time.monotonic()
        self._concurrency = concurrency
        if requests_per_minute != self._requests.per_minute:
            self._requests = Bucket(requests_per_minute, now)
        if tokens_per_minute != self._tokens.per_minute:
            self._tokens = Bucket(tokens_per_minute, now)
        self._admit()

    @property
    def backoff_s(self) -> float | None:
        """Seconds until the end of the backoff; None outside of one."""
        left = self._backoff_until - time.monotonic()
        return left if left > 0 else None

    def enter_at_once(self, tokens: int) -> bool:
        """Take a place if there is one now and nobody waits; whoever did must `leave`."""
        if self.waiting or self._wait_s(tokens) != 0.0:
            return False
        self._take(tokens)
        return True

    async def enter(self, session_id: str, tokens: int, max_wait_s: float) -> None:
        """Wait for a place; whoever enters must `leave`. A cancelled wait leaves nothing behind.

        Raises: BackingOffError when the route backs off for `max_wait_s` or longer.
        """
        if self.enter_at_once(tokens):
            return
        backoff_s = self.backoff_s
        if backoff_s is not None and backoff_s >= max_wait_s:
            raise BackingOffError(backoff_s)
        mine = Waiting(tokens, max_wait_s)
        self._queues.setdefault(session_id, deque()).append(mine)
        self.waiting += 1
        self._admit()
        try:
            await mine.place
        except asyncio.CancelledError:
            if not mine.place.cancelled() and mine.place.exception() is None:
                self.leave(tokens, 0, sent=False)  # admitted in the very moment
            elif mine.place.cancelled():
                self._strike(session_id, mine)
            raise

    def leave(self, estimated: int, actual: int, *, sent: bool = True) -> None:
        """Give the place back, with what the call took. A request not sent does not count."""
        self.taken -= 1
        self._tokens.take(actual - estimated)
        if not sent:
            self._requests.take(-1)
        if self.waiting:
            self._admit()

    def back_off(self, seconds: float) -> None:
        """Admit nobody for `seconds`. Queued calls that would wait too long get BackingOffError."""
        self._backoff_until = max(self._backoff_until, time.monotonic() + seconds)
        for session_id, queue in list(self._queues.items()):
            for each in [one for one in queue if one.max_wait_s <= seconds]:
                self._strike(session_id, each)
                if not each.place.done():
                    each.place.set_exception(BackingOffError(seconds))
        if self.waiting:
            self._admit()

    def end_backoff(self) -> None:
        """End the backoff."""
        self._backoff_until = 0.0
        self._admit()

    def _wait_s(self, tokens: int) -> float | None:
        """Seconds until a call may enter, None until one leaves or the next pass of the loop."""
        if self.taken >= self._concurrency or self._pass.is_full:
            return None
        if not self._measured and not self._backoff_until:
            return 0.0
        now = time.monotonic()
        if now >= self._backoff_until:
            self._backoff_until = 0.0
        return max(
            self._backoff_until - now,
            self._requests.wait_s(1, now),
            self._tokens.wait_s(tokens, now),
            0.0,
        )

    @property
    def _measured(self) -> bool:
        return self._requests.per_minute is not None or self._tokens.per_minute is not None

    def _take(self, tokens: int) -> None:
        self.taken += 1
        self._pass.take()
        self._requests.take(1)
        self._tokens.take(tokens)

    def _admit(self) -> None:
        """Admit every call that may enter, in order, and set a timer for the next one."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while self._queues:
            session_id, queue = next(iter(self._queues.items()))
            first = queue[0]
            wait_s = self._wait_s(first.tokens)
            if wait_s is None:
                return
            if wait_s > 0:
                loop = asyncio.get_running_loop()
                self._timer = loop.call_later(wait_s, self._admit)
                return
            queue.popleft()
            self.waiting -= 1
            if queue:
                self._queues.move_to_end(session_id)
            else:
                del self._queues[session_id]
            if not first.place.done():
                self._take(first.tokens)
                first.place.set_result(None)

    def _strike(self, session_id: str, one: Waiting) -> None:
        queue = self._queues.get(session_id)
        if queue is None or one not in queue:
            return
        queue.remove(one)
        self.waiting -= 1
        if not queue:
            del self._queues[session_id]
