"""The tables that are marked in place instead of journalled: proven, and compacted."""

from collections.abc import Callable, Mapping

from store.barrier import Barrier
from store.lance.compaction import Compaction
from store.queue_rewriting import write_again
from store.safe_versions import Opened


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
        self._barrier = barrier
        self._note_synced = note_synced
        self._tables = {name: pair for name, pair in tables.items() if not pair[0].journalled}
        self._safe = {
            name: min(known.get(name, opened.version), opened.version)
            for name, (_, opened) in self._tables.items()
        }
        self.compaction = Compaction()
        self.in_doubt = False
        """True after a sync that failed."""

    def prove(self) -> None:
        """Return once what was marked is on disk. Raises: OSError.

        After a sync that failed, the rows of all files since the last one that did not are moved
        into new ones.
        """
        if self.in_doubt:
            for name, version in self._safe.items():
                write_again(self._tables[name][1], version)
        self.in_doubt = True
        versions = {name: opened.version for name, (_, opened) in self._tables.items()}
        self._barrier.sync()
        self._safe, self.in_doubt = versions, False

    def compact(self) -> None:
        """Compact, where due."""
        if self.compaction.run_due(self._tables.values()) or self.in_doubt:
            self.prove()
            self._note_synced(self._safe)
        for name, (_, opened) in self._tables.items():
            self.compaction.clean(name, opened)
