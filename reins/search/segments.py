"""Segments: passages in a few tables, so that keeping an index costs by the row, not by the whole.

LanceDB makes an index of words anew each time that it takes rows into it, and writes the rows of a
table anew each time that small pieces are put together. So what is new goes into a small table, the
last; once that is full, it and those of its level become one of the next, as in a log-structured
merge tree (O'Neil et al., Acta Informatica 33, 1996). That takes a minute for a million rows, so a
thread does it while rows come in and are found.
"""

import asyncio
import contextlib
import errno
import json
import secrets
import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple, TypeVar
from weakref import WeakSet

import lancedb
import pyarrow as pa
from lancedb.table import LanceTable

from reins.search import merging
from reins.threads import SEGMENTS
from store.lance.tables import BATCH_ROWS, caches_of, connect, connect_async
from store.local_path import bytes_in

FORMAT = 7
"""Of the folder: an index of another format is none, and made anew. 2 has its texts in one form of
Unicode, 3 is that of the page; 4 has digests of sessions, descriptions of actions, and an order of
its own; 5 has segments, 6 passages of documents, 7 merges beside what comes in.
"""
_FULL = 8_192
"""Rows of the last segment, the only one that grows."""
_FACTOR = 8
"""A level holds so many times as much as the one before it, in one segment."""
_UNINDEXED = 1_000
"""Rows that a query may search without the index: 15 µs each."""
_ELSEWHERE = 30_000
"""Rows from which on a process of its own puts segments together: there it takes seconds, and both
cores, from sessions and searches.
"""
_COMMITS = 32
_WAITING = 8
"""Full segments that a merge may leave waiting; then rows wait for it."""
_FILTERS = 50
"""Filters that one delete has at the most."""
_LEAST_CACHED = 4 << 20
"""Bytes, of a segment that is small beside the others."""
_KEEP = timedelta(seconds=60)
Note = dict[str, Any]
T = TypeVar("T")
Ask = Callable[[Any], Awaitable[list[T]]]
"""A question to one segment's table."""
_Begun = tuple[list[str], Future[list[T]]]
"""Segments by name, and the answers of all."""


@dataclass(slots=True)
class _Merge:
    """Full segments that a thread makes one of. `deleted` are filters of rows that were taken out
    meanwhile, perhaps after it has read them.
    """

    names: list[str]
    made: str
    rows: int
    deleted: list[str] = field(default_factory=list)
    cancelled: bool = False
    done: Future[None] = field(default_factory=Future)


class Segments:
    """One part of an index as its only writer has it; for one thread at a time.

    The note says which tables count: what a kill has left beside them is dropped by `open`. `full`
    is how many of the last segments are full and in no level yet. `add_indices` is called once with
    each table; it has rows, but for the last.
    """

    def __init__(self, folder: Path, part: str, add_indices: Callable[[LanceTable], None]) -> None:
        self._folder = folder
        self._part = part
        self._add_indices = add_indices
        self._opened: lancedb.DBConnection | None = None
        self._note: Note = {}
        self._merge: _Merge | None = None
        self._closed = False
        self._commits = self._fresh = 0
        """Of the last segment since it was indexed: commits and rows."""
        self._deletes: Counter[str] = Counter()

    def open(self) -> Note:
        """The note as it stands; empty if there is none."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self.close()
        self._closed = False
        self._note = read_note(self._folder, self._part)
        self._drop_others()
        return self._note

    def begin(self, **note: Any) -> None:
        """Begin anew, with nothing."""
        self.close()
        self._closed = False
        self.note(format=FORMAT, segments=[], open=False, full=0, **note)
        self._drop_others()

    def note(self, **changed: Any) -> None:
        """Note what has changed."""
        self._note = {**self._note, **changed}
        part = self._folder / f"{self._part}.json.part"
        part.write_text(json.dumps(self._note))
        part.replace(self._folder / f"{self._part}.json")

    def add(self, rows: pa.Table) -> None:
        """Add rows to the last segment."""
        if self._names and self._is_open():
            self._db.open_table(self._names[-1]).add(rows)
        else:
            self._begin_segment(rows)
        self._commits += 1
        self._fresh += len(rows)

    def delete(self, where: str) -> None:
        """Delete rows, wherever they are."""
        if self._merge is not None:
            self._merge.deleted.append(where)
        for name in self._names:
            table = self._db.open_table(name)
            if table.count_rows(where):
                table.delete(where)
                self._deletes[name] += 1
            if self._deletes[name] >= _COMMITS:  # each left a version behind
                table.optimize(cleanup_older_than=_KEEP)
                del self._deletes[name]

    def keep_up(self) -> None:
        """Index what is not, and make one of segments of a level, where that is due."""
        if self._names and self._is_open():
            last = self._db.open_table(self._names[-1])
            if last.count_rows() >= _FULL:
                self.note(open=False, full=self._full + 1)
            elif self._commits >= _COMMITS or (self._fresh >= _UNINDEXED and last.list_indices()):
                last.optimize(cleanup_older_than=_KEEP)
                self._commits = self._fresh = 0
        if self._merge is not None and (self.has_merged or self._full > _WAITING):
            self._take_over(self._merge)
        if self._merge is None and self._full and not self._closed:
            self._begin_merge()

    @property
    def has_merged(self) -> bool:
        """True if `keep_up` has a segment to take over, whether rows come or not."""
        return self._merge is not None and self._merge.done.done()

    def settle(self) -> None:
        """As `keep_up`, until nothing is due."""
        self.keep_up()
        while self._merge is not None:
            self._take_over(self._merge)
            self.keep_up()

    def close(self) -> None:
        """End what a thread does for it, and forget what was opened; from any thread."""
        self._closed = True
        if self._merge is not None:
            self._merge.cancelled = True
        self._merge = self._opened = None

    def remove(self) -> None:
        """Forget everything: somebody throws the folder away."""
        self.close()
        self._note = {}

    def _begin_merge(self) -> None:
        full = self._names[:-1] if self._is_open() else self._names
        kept = len(full) - self._full
        rows = sum(map(self._rows, full[kept:]))
        while kept and _level(size := self._rows(full[kept - 1])) <= _level(rows):
            kept -= 1
            rows += size
        self._merge = _Merge(full[kept:], self._new_name(), rows)
        # A thread that nobody waits for: an index of half a million rows takes twenty seconds.
        threading.Thread(
            target=self._put_together, args=(self._merge,), name="search merge", daemon=True
        ).start()

    def _put_together(self, merge: _Merge) -> None:
        try:
            names, made, cancelled = merge.names, merge.made, lambda: merge.cancelled
            if merge.rows < _ELSEWHERE or not merging.merged_elsewhere(
                self._folder, self._part, names, made, cancelled
            ):
                put_together(self._db, names, made, self._add_indices, cancelled)
        except BaseException as error:  # noqa: BLE001 - `_take_over` raises it
            merge.done.set_exception(error)
        else:
            merge.done.set_result(None)

    def _take_over(self, merge: _Merge) -> None:
        """The segment that was made counts from now on, in place of those that it is made of."""
        try:
            merge.done.result()
        finally:
            self._merge = None
        if merge.cancelled:  # what it has made may be half of it
            return
        made = self._db.open_table(merge.made)
        for at in range(0, len(merge.deleted), _FILTERS):
            made.delete(" OR ".join(f"({where})" for where in merge.deleted[at : at + _FILTERS]))
        names = self._names
        at = names.index(merge.names[0])
        after = names[at + len(merge.names) :]
        full = len(after) - self._is_open()
        self.note(segments=[*names[:at], merge.made, *after], full=full)
        self._drop_others()

    def _begin_segment(self, rows: pa.Table) -> None:
        name = self._new_name()
        made = self._db.create_table(name, schema=rows.schema)
        self._add_indices(made)  # of none: those that come are found at once all the same
        made.add(rows)
        self.note(segments=[*self._names, name], open=True)
        self._commits = self._fresh = 0

    def _new_name(self) -> str:
        return f"{self._part}-{secrets.token_hex(4)}"

    def _rows(self, name: str) -> int:
        return int(self._db.open_table(name).count_rows())

    def _drop_others(self) -> None:
        for name in self._there():
            if name not in self._names:
                # One that is still written to goes the next time: the note says what counts.
                with contextlib.suppress(RuntimeError, OSError, ValueError):
                    self._db.drop_table(name)

    def _there(self) -> list[str]:
        own = f"{self._part}-"
        return [name for name in self._db.list_tables().tables if name.startswith(own)]

    def _is_open(self) -> bool:
        return bool(self._note.get("open"))

    @property
    def _full(self) -> int:
        return int(self._note.get("full", 0))

    @property
    def _names(self) -> list[str]:
        return list(self._note.get("segments", ()))

    @property
    def _db(self) -> lancedb.DBConnection:
        if self._opened is None:
            self._opened = connect(self._folder)
        return self._opened


def put_together(
    db: lancedb.DBConnection,
    names: Sequence[str],
    made: str,
    add_indices: Callable[[LanceTable], None],
    cancelled: Callable[[], bool],
) -> None:
    """Make a table of the rows of these, with its indices. If `cancelled`, it is left half made:
    whoever opens the folder next drops it.
    """
    tables = [db.open_table(name) for name in names]
    table = db.create_table(made, schema=tables[-1].schema, mode="overwrite")
    for rows in _in_large_parts(tables):
        if cancelled():
            return
        table.add(rows)
    if not cancelled():
        add_indices(table)


class _Opened(NamedTuple):
    """A segment's table, and its own caches if it has some: they go with it, and let go of its
    files.
    """

    table: lancedb.AsyncTable
    caches: lancedb.Session | None


def read_note(folder: Path, part: str) -> Note:
    """How far one part of the index has come, and in which segments; empty if no note of this
    format reads.
    """
    try:
        note = json.loads((folder / f"{part}.json").read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return note if isinstance(note, dict) and note.get("format") == FORMAT else {}


class Part:
    """One part of an index as readers have it, in any process; for any thread.

    `cached_bytes` of its indices are kept in memory once they were read; without, they have the
    caches that all tables share.
    """

    def __init__(self, folder: Path, name: str, cached_bytes: int = 0) -> None:
        self._folder = folder
        self.name = name
        self._cached_bytes = cached_bytes
        self._opened: dict[str, _Opened] = {}
        _parts.add(self)

    def note(self) -> Note:
        """How far it has come, and in which segments; empty if there is none."""
        return read_note(self._folder, self.name)

    def exists(self) -> bool:
        """True if it has a segment."""
        return bool(self._names())

    def each(self, ask: Ask[T]) -> list[T]:
        """All that `ask` gives of each segment."""
        return self.asked(ask)()

    def asked(self, ask: Ask[T]) -> Callable[[], list[T]]:
        """The same, begun in a thread, of all segments at once.

        What it returns gives the answer. It asks again where the segments have become others
        meanwhile, and where it is called once more.
        """
        begun: _Begun[T] | None = self._begin(ask)

        def answer() -> list[T]:
            nonlocal begun
            while True:
                names, answers = begun or self._begin(ask)
                begun = None
                try:
                    found = answers.result()
                except (RuntimeError, OSError, ValueError):
                    if self._names() == names:
                        raise
                    continue
                # One that is being dropped may open as an older version of it, with fewer rows.
                if set(names) <= set(self._names()):
                    return found

        return answer

    def forget(self) -> None:
        """Open anew the next time: what was opened did not read."""
        self._opened = {}

    def cache_bytes(self) -> int:
        """Memory that is taken by what was read of its indices, about."""
        caches = [each.caches for each in list(self._opened.values())]
        return sum(int(each.size_bytes) for each in caches if each is not None)

    def _names(self) -> list[str]:
        return list(self.note().get("segments", ()))

    def _begin(self, ask: Ask[T]) -> "_Begun[T]":
        names = self._names()
        return names, SEGMENTS.begin(self._answers, ask, names)

    def _answers(self, ask: Ask[T], names: list[str]) -> list[T]:
        # A loop of its own: LanceDB's blocking calls take six turns of a loop in another thread for
        # each query, and the GIL is waited for at each of them.
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return asyncio.run(self._ask_each(ask, names))
        raise OSError(errno.EAGAIN, "no thread can be had for the search")  # so it came here

    async def _ask_each(self, ask: Ask[T], names: list[str]) -> list[T]:
        opened = self._opened  # to open one takes as long as to ask it
        for name in list(opened):
            if name not in names:
                opened.pop(name, None)

        async def one(name: str) -> list[T]:
            if name not in opened:
                opened[name] = await self._open(name, names)
            return await ask(opened[name].table)

        return [each for some in await asyncio.gather(*map(one, names)) for each in some]

    async def _open(self, name: str, names: list[str]) -> _Opened:
        caches = self._caches_of(name, names) if self._cached_bytes else None
        db = await connect_async(self._folder, caches)
        return _Opened(await db.open_table(name), caches)

    def _caches_of(self, name: str, names: list[str]) -> lancedb.Session:
        """Its share of the part's, by the size of its indices."""
        share = self._index_bytes(name) / max(1, sum(map(self._index_bytes, names)))
        return caches_of(max(_LEAST_CACHED, int(self._cached_bytes * share)))

    def _index_bytes(self, name: str) -> int:
        return bytes_in(self._folder / f"{name}.lance" / "_indices")


_parts: WeakSet[Part] = WeakSet()


def cache_bytes() -> int:
    """Memory that is taken in this process by what was read of indices, about."""
    return sum(part.cache_bytes() for part in list(_parts))


def _in_large_parts(tables: Iterable[LanceTable]) -> Iterator[pa.Table]:
    """All rows of the tables: each part becomes a file and a version."""
    held: list[pa.RecordBatch] = []
    for table in tables:
        for batch in table.search().limit(None).to_batches(BATCH_ROWS):
            held.append(batch)
            if sum(map(len, held)) >= BATCH_ROWS:
                yield pa.Table.from_batches(held)
                held = []
    if held:
        yield pa.Table.from_batches(held)


def _level(rows: int) -> int:
    level = 0
    while rows >= _FULL * _FACTOR ** (level + 1):
        level += 1
    return level
