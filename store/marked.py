"""The tables that are marked in place instead of journalled: proven, and compacted."""

from collections.abc import Callable, Mapping

from store.barrier import Barrier
from store.lance.compaction import Compaction
from store.lance.opening import OpenTable
from store.lance.tables import Table
from store.queue_rewriting import write_again
from store.safe_versions import Opened, SafeVersions


class Marked:
    """For the thread that marks: what it does here goes in turn with the marking.

    A mark that came between would undo a compaction.
    """

    def __init__(
        self,
        barrier: Barrier,
        tables: Opened,
        known: Mapping[str, int],
        note_synced: Callable[[Mapping[str, int]], object],
    ) -> None:
        self._note_synced = note_synced
        self._tables = {name: pair for name, pair in tables.items() if not pair[0].journalled}
        self._safe = SafeVersions(barrier, self._tables, known, _move_rows)
        self.compaction = Compaction()

    @property
    def in_doubt(self) -> bool:
        """True after a sync that failed."""
        return self._safe.in_doubt

    def versions(self) -> dict[str, int]:
        """The newest versions; others may have committed them."""
        return {name: opened.version for name, (_, opened) in self._tables.items()}

    def prove(self) -> dict[str, int]:
        """Return once what was marked is on disk; the versions of then. Raises: OSError."""
        self._safe.settle()
        return self._safe.sync()

    def compact(self) -> None:
        """Compact, where due."""
        if self.compaction.run_due(self._tables.values()) or self.in_doubt:
            self._note_synced(self.prove())
        for name, (_, opened) in self._tables.items():
            self.compaction.clean(name, opened)


def _move_rows(_table: Table, opened: OpenTable, version: int) -> None:
    """Others append and cannot be undone: the rows go on in files of their own."""
    write_again(opened, version)
