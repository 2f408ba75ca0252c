"""The tables that are marked in place instead of journalled: proven, and compacted."""

from collections.abc import Callable, Mapping

from store.folder import DataFolder
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
        folder: DataFolder,
        tables: Opened,
        known: Mapping[str, int],
        note_synced: Callable[[Mapping[str, int]], object],
    ) -> None:
        self._note_synced = note_synced
        self._failed_syncs = folder.failed_syncs
        self._versions_held = folder.versions_held
        self._tables = {name: pair for name, pair in tables.items() if not pair[0].journalled}
        self._safe = SafeVersions(folder, self._tables, known, _move_rows)
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
        self._safe.changed()
        in_doubt, failed = self.in_doubt, self._failed_syncs.count
        self._safe.settle()
        versions = self._safe.sync()
        if in_doubt:
            self._failed_syncs.settle(failed)
        return versions

    def compact(self) -> None:
        """Compact, where due."""
        self._safe.changed()  # others have written too
        if self.compaction.run_due(self._tables.values(), self._safe.version) or self.in_doubt:
            self._note_newest()
        tables, held = self._tables.values(), self._versions_held
        if self.compaction.clean_due(tables, self._note_newest, held):
            self._note_newest()

    def _note_newest(self) -> None:
        self._note_synced(self.prove())


def _move_rows(_table: Table, opened: OpenTable, version: int) -> None:
    """Others append and cannot be undone: the rows go on in files of their own."""
    write_again(opened, version)
