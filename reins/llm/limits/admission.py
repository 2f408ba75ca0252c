"""The line before a route: fair among sessions, within its limits, and still while it rests."""

import asyncio
import time
from collections import OrderedDict, deque

from reins.llm.limits.token_bucket import Bucket


class BackingOffError(Exception):
    """The route backs off for longer than the caller waits."""

    def __init__(self, rests_s: float) -> None:
        super().__init__()
        self.rests_s = rests_s


class Waiting:
    """One call in line."""

    __slots__ = ("patience_s", "place", "tokens")

    def __init__(self, tokens: int, patience_s: float) -> None:
        self.tokens = tokens
        self.patience_s = patience_s
        self.place: asyncio.Future[None] = asyncio.get_running_loop().create_future()


class Gate:
    """Admits calls of one route: so many at once, so many requests and tokens a minute.

    The line is one round of sessions: each call that is admitted is the eldest of the session
    whose turn it is, so that a hundred calls of one session hold up no other's. With nothing to
    wait for, `enter` neither waits nor makes anything. Lives on one loop.
    """

    def __init__(
        self, concurrency: int, requests_per_minute: int | None, tokens_per_minute: int | None
    ) -> None:
        self.taken = 0
        self.waiting = 0
        self._line: OrderedDict[str, deque[Waiting]] = OrderedDict()
        self._rests_until = 0.0
        self._timer: asyncio.TimerHandle | None = None
        now = time.monotonic()
        self._concurrency = concurrency
        self._requests = Bucket(requests_per_minute, now)
        self._tokens = Bucket(tokens_per_minute, now)

    def limit(
        self, concurrency: int, requests_per_minute: int | None, tokens_per_minute: int | None
    ) -> None:
        """New limits for the same line. Calls that are in stay in."""
        now = time.monotonic()
        self._concurrency = concurrency
        if requests_per_minute != self._requests.per_minute:
            self._requests = Bucket(requests_per_minute, now)
        if tokens_per_minute != self._tokens.per_minute:
            self._tokens = Bucket(tokens_per_minute, now)
        self._admit()

    @property
    def rests_s(self) -> float | None:
        """Seconds until the end of the rest; None outside of one."""
        left = self._rests_until - time.monotonic()
        return left if left > 0 else None

    async def enter(self, session_id: str, tokens: int, patience_s: float) -> None:
        """Wait for a place; whoever enters must `leave`. A cancelled wait leaves nothing behind.

        Raises: BackingOffError when the route rests for longer than `patience_s`.
        """
        if not self.waiting and self._wait_s(tokens) == 0.0:
            self._take(tokens)
            return
        rests_s = self.rests_s
        if rests_s is not None and rests_s >= patience_s:
            raise BackingOffError(rests_s)
        mine = Waiting(tokens, patience_s)
        self._line.setdefault(session_id, deque()).append(mine)
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
        """Give the place back, with what the call took; a request that was not sent counts not."""
        self.taken -= 1
        self._tokens.take(actual - estimated)
        if not sent:
            self._requests.take(-1)
        if self.waiting:
            self._admit()

    def rest(self, seconds: float) -> None:
        """Admit nobody for so long. Those in line who would wait too long are told."""
        self._rests_until = max(self._rests_until, time.monotonic() + seconds)
        for session_id, line in list(self._line.items()):
            for each in [one for one in line if one.patience_s <= seconds]:
                self._strike(session_id, each)
                if not each.place.done():
                    each.place.set_exception(BackingOffError(seconds))
        if self.waiting:
            self._admit()

    def wake(self) -> None:
        """End a rest."""
        self._rests_until = 0.0
        self._admit()

    def _wait_s(self, tokens: int) -> float | None:
        """Seconds until a call may enter, None until one leaves."""
        if self.taken >= self._concurrency:
            return None
        if not self._measured and not self._rests_until:
            return 0.0
        now = time.monotonic()
        if now >= self._rests_until:
            self._rests_until = 0.0
        return max(
            self._rests_until - now,
            self._requests.wait_s(1, now),
            self._tokens.wait_s(tokens, now),
            0.0,
        )

    @property
    def _measured(self) -> bool:
        return self._requests.per_minute is not None or self._tokens.per_minute is not None

    def _take(self, tokens: int) -> None:
        self.taken += 1
        self._requests.take(1)
        self._tokens.take(tokens)

    def _admit(self) -> None:
        """Let in whoever may enter, in turn, and come back when the next one may."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while self._line:
            session_id, line = next(iter(self._line.items()))
            first = line[0]
            wait_s = self._wait_s(first.tokens)
            if wait_s is None:
                return
            if wait_s > 0:
                loop = asyncio.get_running_loop()
                self._timer = loop.call_later(wait_s, self._admit)
                return
            self._strike(session_id, first)
            if session_id in self._line:
                self._line.move_to_end(session_id)
            if not first.place.done():
                self._take(first.tokens)
                first.place.set_result(None)

    def _strike(self, session_id: str, one: Waiting) -> None:
        line = self._line.get(session_id)
        if line is None or one not in line:
            return
        line.remove(one)
        self.waiting -= 1
        if not line:
            del self._line[session_id]
