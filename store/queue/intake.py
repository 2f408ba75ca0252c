"""The intake: new actions of the queue for the worker, each once, in the order of their commits."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Protocol

from reins.threads import ACTIONS
from store.folder import DataFolder
from store.queue import watch as queue_watch
from store.queue.bell import Bell
from store.queue.rows import Action
from store.queue.writer import writer_at

_AGAIN_S = 0.05
_REFUSED = 20
"""Then it waits for its turn: a long burst is carried over without a pause."""


class Adopt(Protocol):
    """Takes in what other programs have put into the table; false where that has to wait."""

    def __call__(self, *, waits: bool) -> bool: ...


class Intake:
    """Reads the queue's file where it has to, for one loop.

    What this process enqueues is handed over as it is. What others do is heard of, and read.
    `adopt` blocks, and is tried again where it would wait for the flush: what is enqueued does not.
    """

    def __init__(self, folder: DataFolder, adopt: Adopt) -> None:
        self._folder = folder
        self._adopt = adopt
        self._arrived: list[tuple[list[Action], int]] = []
        self._taken = 0
        """The number of the newest action that was taken up."""
        self._reached = 0
        self._to_read = True
        self._to_adopt = True
        self._refused = 0
        """How many times in a row it could not adopt."""
        self._wake: Callable[[], object] = lambda: None
        self._bell: Bell | None = None
        self._ends: list[Callable[[], None]] = []

    def start(self, wake: Callable[[], object]) -> None:
        """Call `wake` on the loop at hand when there may be something new."""
        loop = asyncio.get_running_loop()
        self._wake = wake

        def arrived(actions: list[Action], before: int) -> None:
            self._arrived.append((actions, before))
            wake()

        def rung() -> None:
            self._to_read = True
            wake()

        path = self._folder.path
        self._ends = [
            writer_at(self._folder).listen(
                lambda actions, before: loop.call_soon_threadsafe(arrived, actions, before)
            ),
            queue_watch.watch(path, lambda: loop.call_soon_threadsafe(self._adopt_soon), "table"),
        ]
        try:
            self._bell = Bell(queue_watch.hung(path, "enqueued"), loop, rung)
        except (OSError, NotImplementedError):
            watched = queue_watch.watch(path, lambda: loop.call_soon_threadsafe(rung), "enqueued")
            self._ends.append(watched)

    async def stop(self) -> None:
        """Hear of nothing any more."""
        if self._bell is not None:
            self._bell.close()
            self._bell = None
        await ACTIONS.call(self._end)

    def _end(self) -> None:
        while self._ends:
            self._ends.pop()()

    def look(self) -> None:
        """Read and adopt at the next `take`, whether anything was heard of or not."""
        self._to_read = self._to_adopt = True

    async def take(self) -> list[Action]:
        """Actions that wait and were not taken up. What is not `taken` then comes once more."""
        if self._reached != self._taken:  # taking it up failed
            self._to_read, self._reached = True, self._taken
        arrived, self._arrived = self._arrived, []
        new: list[Action] = []
        newest = self._taken
        for actions, before in arrived:
            if before > newest:  # another process was in between
                self._to_read = True
                break
            new += [action for action in actions if action.number > newest]
            newest = max(newest, actions[-1].number)
        adopting, self._to_adopt = self._to_adopt, False
        if adopting or self._to_read:
            self._to_read = False
            try:
                if self._bell is not None:
                    self._bell.again()
                new, newest = await ACTIONS.call(partial(self._read, adopting=adopting))
            except BaseException:
                self.look()
                raise
            if adopting and self._refused:
                asyncio.get_running_loop().call_later(_AGAIN_S, self._adopt_soon)
        self._reached = newest
        return new

    def taken(self) -> None:
        """Go on behind what was given out: it is taken up."""
        self._taken = self._reached

    def _adopt_soon(self) -> None:
        self._to_adopt = True
        self._wake()

    def _read(self, *, adopting: bool) -> tuple[list[Action], int]:
        if adopting:
            done = self._adopt(waits=self._refused >= _REFUSED)
            self._refused = 0 if done else self._refused + 1
        with self._folder.read_queue() as file:
            return ([], self._taken) if file is None else file.waiting(self._taken)
