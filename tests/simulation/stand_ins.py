"""Python's modules as the simulated processes see them: clocks, threads, queues, chance.

Every module of ours gets them in the place of the real ones while a world runs.
"""

import contextlib
import datetime as dt
import queue as real_queue
import random as real_random
import sys
import threading as real_threading
import time as real_time
import uuid as real_uuid
from collections import deque
from collections.abc import Iterator
from typing import Any

from agent_core.actions import action
from store import times
from store.lance.compaction import Compaction
from store.queue import intake
from store.queue import watch as queue_watch
from tests.simulation.world import World

_OURS = ("agent_core", "agents_impl", "reins", "store", "tests.simulation.acting")


class _StandIn:
    """A module with some of its names replaced."""

    def __init__(self, real: Any, **own: Any) -> None:
        self.__dict__.update(own)
        self._real = real

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


@contextlib.contextmanager
def installed(world: World) -> Iterator[None]:
    """Our modules live in this world for the duration."""
    clock = _clock(world)
    places = {
        id(real_time): clock,
        id(real_threading): _threading(world),
        id(real_queue): _StandIn(real_queue, SimpleQueue=lambda: _Queue(world)),
        id(real_random): world.random,
        id(real_uuid): _StandIn(real_uuid, uuid4=lambda: _uuid4(world)),
        id(dt.datetime): _datetime(world),
    }
    with contextlib.ExitStack() as stack:
        for name, module in list(sys.modules.items()):
            if name.startswith(_OURS):
                for attribute, value in list(vars(module).items()):
                    if (place := places.get(id(value))) is not None:
                        _replace(stack, module, attribute, place)
        _replace(stack, action, "_now", lambda: times.from_us(_stamp(world)))
        _replace(stack, Compaction.__init__, "__defaults__", (clock.monotonic,))
        _replace(
            stack, queue_watch, "watch", lambda _path, wake, of: world.disk.watch(world, wake, of)
        )
        _replace(stack, queue_watch, "Bells", lambda _path: _NoBells())
        _replace(stack, intake, "Bell", _no_bell)
        _replace(stack, sys.modules["store.flush"], "give_back", lambda: None)
        _replace(stack, sys.modules["agent_core.fleet.recovery"], "give_back", lambda: None)
        yield


def _no_bell(*_: object) -> None:
    raise OSError("no kernel watches a simulated disk")


class _NoBells:
    """The disk rings them."""

    def ring(self, of: str) -> None: ...

    def close(self) -> None: ...


def _replace(stack: contextlib.ExitStack, owner: Any, name: str, value: Any) -> None:
    stack.callback(setattr, owner, name, getattr(owner, name))
    setattr(owner, name, value)


def _stamp(world: World) -> int:
    return world.here().process.stamp_us()


def _uuid4(world: World) -> real_uuid.UUID:
    return real_uuid.UUID(int=world.random.getrandbits(128), version=4)


def _clock(world: World) -> _StandIn:
    return _StandIn(
        real_time,
        time=world.time,
        time_ns=lambda: int(world.time() * 1e6) * 1_000,
        monotonic=lambda: world.now,
        perf_counter=lambda: world.now,
        sleep=world.sleep,
    )


def _datetime(world: World) -> type[dt.datetime]:
    class Datetime(dt.datetime):
        @classmethod
        def now(cls, tz: dt.tzinfo | None = None) -> dt.datetime:
            return dt.datetime.fromtimestamp(world.time(), tz)

    return Datetime


def _threading(world: World) -> _StandIn:
    return _StandIn(
        real_threading,
        Thread=lambda **given: _Thread(world, **given),
        Event=lambda: _Event(world),
        Lock=lambda: Lock(world),
        current_thread=lambda: world.here().locals,
        get_ident=lambda: world.here().number,
        get_native_id=_no_native_id,
    )


def _no_native_id() -> int:
    raise AttributeError("a thread of the simulation has no priority of its own")


class _Thread:
    def __init__(self, world: World, *, target: Any, name: str = "", daemon: bool = False) -> None:
        del daemon
        self._world, self._target, self.name = world, target, name
        self._thread: Any = None

    def start(self) -> None:
        process = self._world.here().process
        self._thread = self._world.spawn(process, self.name, self._target)
        self._thread.locals = self

    def join(self, timeout: float | None = None) -> None:
        self._world.join(self._thread, timeout)

    def is_alive(self) -> bool:
        return self._thread is not None and not self._thread.done


class _Waited:
    """Something that threads wait for."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._waiting: list[Any] = []

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, []
        for thread in waiting:
            self._world.wake(thread)

    def _wait(self, until: float | None) -> None:
        self._waiting.append(self._world.here())
        self._world.block(until)


class _Event(_Waited):
    _set = False

    def is_set(self) -> bool:
        return self._set

    def set(self) -> None:
        self._set = True
        self._wake()

    def clear(self) -> None:
        self._set = False

    def wait(self, timeout: float | None = None) -> bool:
        until = None if timeout is None else self._world.now + timeout
        while not self._set and (until is None or self._world.now < until):
            self._wait(until)
        return self._set


class Lock(_Waited):
    """A lock; who waits for it is not served in turn."""

    _held = False

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:  # noqa: FBT001, FBT002
        self._world.here()
        until = None if timeout < 0 else self._world.now + timeout
        while self._held:
            if not blocking or (until is not None and self._world.now >= until):
                return False
            self._wait(until)
        self._held = True
        return True

    def release(self) -> None:
        self._held = False
        self._wake()

    def locked(self) -> bool:
        return self._held

    def __enter__(self) -> None:
        self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()


class _Queue(_Waited):
    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._items: deque[Any] = deque()

    def put(self, item: Any) -> None:
        self._items.append(item)
        self._wake()

    def get(self) -> Any:
        while not self._items:
            self._wait(None)
        return self._items.popleft()

    def get_nowait(self) -> Any:
        if not self._items:
            raise real_queue.Empty
        return self._items.popleft()
