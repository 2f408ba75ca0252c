"""Compaction and clean-up of old versions, by commit count and when idle."""

import time
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta

import structlog

from store.lance.opening import OpenTable
from store.lance.tables import COMPACT_COMMITS, Table

_logger = structlog.get_logger(__name__)

ROWS = 50_000
"""Rows added after which it is compacted sooner, if they are half of what it had: a query scans
what is not indexed, and a compaction rewrites what is small."""
IDLE_S = 20.0
"""Seconds without a commit after which what is left is compacted."""
KEEP = timedelta(seconds=30)
"""Versions are kept for so long after they were replaced: for longer than a query of ours takes,
and one that takes longer reads the newest then. Who holds one for longer says so."""
HELD_S = 3_600.0
"""Seconds for which a clean-up waits for those who hold versions: one of them may be stopped."""
_SET_S = 1.0
"""A clock that gains more on the time that passed was set ahead."""
_ALL_VERSIONS = timedelta(days=36_500)


class Compaction:
    """Counts the commits of each table and says when, and does, what is due.

    Runs on the flush's thread, which is the tables' only writer; on the queue, where others append
    and mark, a conflict loses to them and is tried again at the next turn.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._compacted: dict[str, int] = {}
        self._seen: dict[str, tuple[int, float]] = {}
        self._to_clean: dict[str, float] = {}
        self._replaced_at: dict[str, float] = {}
        self._offset_s = time.time() - clock()
        self._had: Counter[str] = Counter()
        self._added: Counter[str] = Counter()
        self.compacted_at: dict[str, datetime] = {}

    def added(self, name: str, rows: int) -> None:
        """Rows have been added to a table."""
        self._added[name] += rows

    def due(
        self, name: str, version: int, commits: int = COMPACT_COMMITS, idle_s: float = IDLE_S
    ) -> bool:
        """True if the table, now at `version`, has `commits` since the last compaction, or enough
        new rows, or has been idle for `idle_s` with some of either.
        """
        now = self._clock()
        # 0 at first: what an earlier start left uncompacted counts too.
        last = self._compacted.get(name, 0)
        if self._seen.get(name, (None, now))[0] != version:
            self._seen[name] = (version, now)
        since_s = now - self._seen[name][1]
        return (
            version - last >= commits
            or self._added[name] >= max(ROWS, self._had[name] // 2)
            or (version != last and since_s >= idle_s)
        )

    def run(self, name: str, table: OpenTable) -> bool:
        """Compact; False where it failed, or another's commit won.

        Deletes nothing: what it replaces is needed until it is synced, and by those who read it.
        """
        started = self._clock()
        if not self._optimize(name, table, _ALL_VERSIONS):
            return False
        self._to_clean.setdefault(name, self._clock() + KEEP.total_seconds())
        self.compacted_at[name] = datetime.now(UTC)
        _logger.debug("table compacted", table=name, took_s=round(self._clock() - started, 3))
        return True

    def run_due(
        self, tables: Iterable[tuple[Table, OpenTable]], version: Callable[[str], int]
    ) -> bool:
        """Compact those where it is due; True if that was tried. `version` gives a table's own."""
        due = [
            (table.name, opened)
            for table, opened in tables
            if self.due(table.name, version(table.name), table.compact_commits, _idle_s(table))
        ]
        for name, opened in due:
            self.run(name, opened)
        return bool(due)

    def clean_due(
        self,
        tables: Iterable[tuple[Table, OpenTable]],
        renewed: Callable[[], object],
        held: Callable[[], bool],
    ) -> bool:
        """Delete the versions that were replaced `KEEP` ago, where a compaction did that.

        Of a table with an index LanceDB commits at that, and deletes all that is older, also the
        version that is noted as safe. So each table is made a new version first; `renewed` syncs
        and notes those. None is deleted while `held` says that somebody reads an old one.
        True if any table was cleaned.
        """
        now = self._clock()
        if self._was_set_ahead(now):
            return False
        due = [(table.name, opened) for table, opened in tables if self._cleans(table, opened, now)]
        if not due or (held() and all(now < self._to_clean[name] + HELD_S for name, _ in due)):
            return False
        for name, _ in due:  # one that fails is tried again after its next compaction
            del self._to_clean[name]
        ready = [
            (name, opened) for name, opened in due if self._optimize(name, opened, _ALL_VERSIONS)
        ]
        if ready:
            renewed()
        for name, opened in ready:
            if self._optimize(name, opened, _replaced_for(KEEP, opened)):
                self._clean_again(name, now)
        return bool(ready)

    def _clean_again(self, name: str, now: float) -> None:
        """See to it that what was replaced last goes too, if it was too early for that now."""
        at = self._replaced_at.get(name, now) + KEEP.total_seconds()
        if at > now:
            self._to_clean.setdefault(name, at)

    def _cleans(self, table: Table, opened: OpenTable, now: float) -> bool:
        # Only right after a compaction: then this one has nothing to replace itself.
        to_clean = self._to_clean.get(table.name, now + 1)
        return now >= to_clean and opened.version == self._compacted.get(table.name)

    def _was_set_ahead(self, now: float) -> bool:
        """LanceDB tells by the clock how old a version is: set ahead, it makes the newest ones old,
        and all are kept for as long as if they were replaced now.
        """
        before, self._offset_s = self._offset_s, time.time() - now
        if self._offset_s - before <= _SET_S:
            return False
        self._to_clean = dict.fromkeys(self._to_clean, now + KEEP.total_seconds())
        return True

    def _optimize(self, name: str, table: OpenTable, cleanup_older_than: timedelta) -> bool:
        try:
            table.optimize(cleanup_older_than=cleanup_older_than)
        except (RuntimeError, OSError, ValueError) as error:
            failure = str(error)
        else:
            failure = ""
        if "conflict" in failure.lower():
            return False
        if failure:
            _logger.error("compaction failed", table=name, error=failure[:300])
            self._compacted[name] = table.version  # tried again when it is due again
            return False
        version = table.version
        if version != self._compacted.get(name):
            self._compacted[name], self._replaced_at[name] = version, self._clock()
        self._had[name] += self._added.pop(name, 0)
        return True


def _idle_s(table: Table) -> float:
    """Sums come every so often: the pause between two of them is no idleness."""
    return IDLE_S if table.summary is None else table.summary.every_s + IDLE_S


def _replaced_for(kept: timedelta, opened: OpenTable) -> timedelta:
    """An age from which on every version has been replaced for as long as they are `kept`.

    LanceDB goes by when a version was made, which says nothing of how long it was the newest: of
    those that are old enough, the newest may have been in use until now.
    """
    now = time.time()
    ages = sorted(now - each["timestamp"].timestamp() for each in opened.list_versions())
    match [age for age in ages if age >= kept.total_seconds()]:
        case [newest, next_newest, *_]:
            return timedelta(seconds=(newest + next_newest) / 2)  # time goes on meanwhile
    return _ALL_VERSIONS
