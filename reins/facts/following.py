"""Facts as other threads and processes see them: graphs that follow their table."""

import functools
import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from reins.facts.graph import Graph
from reins.facts.near import NearNames
from reins.facts.rows import Owner, ops_from, rows_of
from reins.facts.view import View
from store.reading import Reader

_MOST = 300_000
"""Facts in memory."""


@dataclass(slots=True)
class _Kept:
    """`upto`: the newest row that is in; `newest`: of all tables, when it was looked for rows."""

    graph: Graph = field(default_factory=Graph)
    near: NearNames = field(init=False)
    upto: int = 0
    newest: int = -1

    def __post_init__(self) -> None:
        self.near = NearNames(self.graph)


class FollowedFacts:
    """The facts of a folder for whoever only reads; safe from any thread, one at a time.

    What is on record when it is asked is seen. Where another folder has taken this one's place
    all is read anew.
    """

    def __init__(self, store: Reader) -> None:
        self.reader = store
        self._kept: OrderedDict[Owner, _Kept] = OrderedDict()
        self._lock = threading.Lock()
        self._file = 0
        self._newest = 0

    @contextmanager
    def looking(self, *owners: Owner) -> Iterator[tuple[View, list[NearNames]]]:
        """The facts of these owners, the nearest first, and their names; nothing changes within."""
        with self._lock:
            self._look()
            kept = [self._followed(owner) for owner in owners]
            self._let_go(owners)
            view = View([(own.scope, each.graph) for own, each in zip(owners, kept, strict=True)])
            yield view, [each.near for each in kept]

    def _look(self) -> None:
        with self.reader.folder.read_log() as log:
            file = 0 if log is None else log.identity()
            newest = 0 if log is None else log.newest_number()
        if newest < self._newest or (file and self._file and file != self._file):
            self._kept.clear()
        self._file, self._newest = file or self._file, newest

    def _followed(self, owner: Owner) -> _Kept:
        kept = self._kept.setdefault(owner, _Kept())
        self._kept.move_to_end(owner)
        if kept.newest != self._newest:
            rows = rows_of(owner, kept.upto, self.reader)
            kept.graph.take(ops_from(rows))
            kept.upto = max((row["journal_n"] for row in rows), default=kept.upto)
            kept.newest = self._newest
        return kept

    def _let_go(self, in_use: tuple[Owner, ...]) -> None:
        held = sum(len(each.graph) for each in self._kept.values())
        for owner in list(self._kept):
            if held <= _MOST:
                return
            if owner not in in_use:
                held -= len(self._kept.pop(owner).graph)


@functools.lru_cache(maxsize=16)
def followed_facts(store: Reader) -> FollowedFacts:
    """The facts of a folder as this reader sees it: what was read serves each question."""
    return FollowedFacts(store)
