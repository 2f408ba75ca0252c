"""Threads of Reins' own: the loop's default ones are anybody's, and may be taken for long."""

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class Threads:
    """So many threads, made at their first use and kept; for one kind of work of the worker's."""

    def __init__(self, name: str, threads: int) -> None:
        def make() -> None:
            self._executor = ThreadPoolExecutor(threads, thread_name_prefix=name)

        make()
        os.register_at_fork(after_in_child=make)  # it has none of them, and would wait for ever

    async def call(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The result of a function that blocks, as of `asyncio.to_thread`."""
        call = partial(copy_context().run, function, *args, **kwargs)
        return await asyncio.get_running_loop().run_in_executor(self._executor, call)

    def begin(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """The result of a function that blocks, for a thread that waits for several of them."""
        try:
            return self._executor.submit(function, *args, **kwargs)
        except RuntimeError:  # no thread can be had, or the process ends: done here and now
            done: Future[T] = Future()
            try:
                done.set_result(function(*args, **kwargs))
            except Exception as error:  # noqa: BLE001 - as the thread would
                done.set_exception(error)
            return done


ACTIONS = Threads("actions", 2)
"""For the queue: an action is taken up and marked however much is read meanwhile."""
READS = Threads("reads", 6)
"""For reads of tables by sessions and handlers, whatever agents do in the default ones."""
SEARCH = Threads("search", 3)
"""For the loops of the index, each of which does one thing at a time."""
SEGMENTS = Threads("segments", 8)
"""For queries of a search's segments, which wait for LanceDB's threads; none waits for another."""
DOCUMENTS = Threads("documents", 2)
"""For files that are read, some for seconds."""
