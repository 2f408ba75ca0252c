"""The versions of tables that are on disk for good, and the way back to them."""

from collections.abc import Mapping

import structlog

from store.barrier import Barrier
from store.lance.opening import OpenTable
from store.lance.tables import Table, complete

_logger = structlog.get_logger(__name__)

Opened = Mapping[str, tuple[Table, OpenTable]]
"""Tables with their open handles, by name."""


class SafeVersions:
    """Knows which versions of the journalled tables a sync has proven.

    What was committed since is in doubt once a sync has failed: then `take_back` undoes it, and
    its rows, which the journal still has, are written again.
    """

    def __init__(
        self, barrier: Barrier, tables: Opened, known: Mapping[str, int], *, in_doubt: bool
    ) -> None:
        self._barrier = barrier
        self._tables = tables
        self._proven = {
            name: min(known.get(name, opened.version), opened.version)
            for name, (table, opened) in tables.items()
            if table.journalled
        }
        self.in_doubt = in_doubt
        """True after a sync that failed, and where a writer before may have left one."""

    def sync(self) -> dict[str, int]:
        """Sync what was committed; returns the versions of all tables that are on disk for good.

        Raises: OSError; everything since the last sync that succeeded is then in doubt.
        """
        self.in_doubt = True
        # Before the sync: the queue may get another version while it runs.
        versions = {name: opened.version for name, (_, opened) in self._tables.items()}
        self._barrier.sync()
        self._proven = {name: versions[name] for name in self._proven}
        self.in_doubt = False
        return versions

    def take_back(self) -> None:
        """Go back to the proven versions; where that fails, everything stays in doubt."""
        for name, version in self._proven.items():
            table, opened = self._tables[name]
            if opened.version != version:
                _logger.info("what may not be on disk is undone", table=name, version=version)
                opened.restore(version)
                complete(opened, table)  # a migration may have come after it
        self.in_doubt = False
