"""The loop that follows the journal and keeps a mirror up: behind it, and never backwards."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import structlog

from reins.kv.opening import open_kv
from reins.kv.protocol import KV
from reins.loops import ThreadLoop
from reins.mirrors.items import FOLLOWED, Item, all_items, item_of, newest, without_keys
from store.following import Follower
from store.reading import Reader

_logger = structlog.get_logger(__name__)
_POLL_S = 0.25
_FAR_BEHIND = 50_000
"""Records: further behind the newest states are read, and not all that came in between."""
_AT_ONCE = 32
_CHUNK = 500
_RETRY_S, _RETRY_MAX_S = 0.5, 30.0
_CALL_S = 5.0


@dataclass(frozen=True, slots=True)
class MirrorFigures:
    """How far a mirror is behind. Counts are since the worker's start.

    `error`: of the newest attempt, None if it succeeded.
    """

    lag_rows: int
    lag_s: float
    puts: int
    failures: int
    error: str | None


class MirrorError(Exception):
    """The mirror cannot follow this folder; the message says what to do."""


class Mirror(ThreadLoop):
    """Puts the newest states below a prefix, each guarded by its number in the journal.

    It has a thread and an event loop of its own: no tick waits for it, and what it has not put yet
    is in the store. Its place is kept in the mirror, so that it goes on there after a restart.
    While the server is away it tries again, ever less often, and then catches up.
    """

    def __init__(self, url: str, store: Reader, *, prefix: str = "reins/") -> None:
        super().__init__("mirror")
        self._url, self._store, self._prefix = url, store, prefix
        self._follower = Follower(store, FOLLOWED)
        self._runner: asyncio.Runner | None = None
        self._kv: KV | None = None
        self._begun = False
        self._replaced = 0
        self._waiting: list[Item] = []
        self._done = 0
        self._newest = 0
        self._level_at = time.monotonic()
        self._retry_s = _RETRY_S
        self._puts = self._failures = 0
        self._error: str | None = None

    def figures(self) -> MirrorFigures:
        """Safe to read from any thread."""
        rows = max(0, self._newest - self._done)
        behind = bool(rows) or not self._begun or self._error is not None
        lag_s = time.monotonic() - self._level_at if behind else 0.0
        return MirrorFigures(rows, round(lag_s, 3), self._puts, self._failures, self._error)

    def run_once(self) -> float:
        if self._runner is None:
            self._runner = asyncio.Runner()
        self._newest = self._number()
        self._runner.run(self._catch_up())
        self._error, self._retry_s = None, _RETRY_S
        return _POLL_S

    def failed(self, error: Exception) -> float:
        self._failures += 1
        words = f"{type(error).__name__}: {error}"[:300]
        if self._error != words:
            _logger.warning("the mirror is behind", error=words)
        self._error = words
        delay_s, self._retry_s = self._retry_s, min(_RETRY_MAX_S, 2 * self._retry_s)
        return delay_s

    def finish(self) -> None:
        if self._runner is not None:
            if self._kv is not None:
                self._runner.run(self._kv.close())
            self._runner.close()

    # -- following

    async def _catch_up(self) -> None:
        if self._kv is None:
            self._kv = open_kv(self._url, timeout_s=_CALL_S)
        if not self._begun:
            await self._begin(self._kv)
        more = True
        while more and not self.stopping:
            if not self._waiting:
                found, more = self._follower.poll()
                if self._follower.replaced != self._replaced:
                    self._begun = False
                    raise MirrorError("another folder has taken this one's place; it looks again")
                self._waiting = newest(item_of(table, row) for table, row in found)
            await self._put_waiting(self._kv)
            await self._note(self._kv, self._follower.position)
        if self._done >= self._newest:
            self._level_at = time.monotonic()

    async def _begin(self, kv: KV) -> None:
        """Go on where it was, or with the newest states. Raises: MirrorError."""
        self._replaced, self._waiting = self._follower.replaced, []
        self._follower.start()  # what comes from now on follows
        upto, identity = self._follower.position, self._identity()
        kept = await kv.get(self._place)
        told: dict[str, Any] = {} if kept is None else kept.value
        self._check(told, upto, identity)
        done = int(told.get("journal_n", 0))
        if kept is None or upto - done > _FAR_BEHIND:
            await self._put_all(kv)
        else:
            self._follower.position = done
            upto = done
        self._begun = True
        await self._note(kv, upto)

    def _check(self, told: dict[str, Any], upto: int, identity: int) -> None:
        where = f"what is below {self._prefix!r} in the mirror"
        if told.get("folder", identity) != identity:
            raise MirrorError(
                f"{where} is of another data folder; give this one a prefix of its own "
                "(REINS_MIRROR_PREFIX), or remove those keys"
            )
        if int(told.get("journal_n", 0)) > upto:
            raise MirrorError(
                f"{where} is at number {told['journal_n']}, and this folder at {upto}: it is an "
                "older one, and a mirror never goes back. Remove those keys, or use another prefix"
            )

    async def _put_all(self, kv: KV) -> None:
        chunk: list[Item] = []
        for item in newest(all_items(self._store)):
            chunk.append(item)
            if len(chunk) >= _CHUNK:
                await self._put(kv, chunk)
                chunk = []
                if self.stopping:
                    return
        await self._put(kv, chunk)

    async def _put_waiting(self, kv: KV) -> None:
        while self._waiting:
            await self._put(kv, self._waiting[-_CHUNK:])
            del self._waiting[-_CHUNK:]

    async def _put(self, kv: KV, items: Sequence[Item]) -> None:
        for at in range(0, len(items), _AT_ONCE):
            putting = [
                kv.put_newer(self._prefix + each.key, each.value, each.seq)
                for each in map(without_keys, items[at : at + _AT_ONCE])
            ]
            done = await asyncio.gather(*putting, return_exceptions=True)
            self._puts += sum(each is True for each in done)
            for each in done:
                if isinstance(each, BaseException):
                    raise each

    async def _note(self, kv: KV, upto: int) -> None:
        """Keep the place up to which all is put; only where it has moved."""
        if upto > self._done:
            place = {"journal_n": upto, "folder": self._identity()}
            await kv.put_newer(self._place, place, upto)
            self._done = upto

    @property
    def _place(self) -> str:
        return f"{self._prefix}place"

    def _number(self) -> int:
        with self._store.folder.read_log() as log:
            return 0 if log is None else log.newest_number()

    def _identity(self) -> int:
        with self._store.folder.read_log() as log:
            return 0 if log is None else log.identity()
