"""The versions of tables that are on disk for good, and the way back to them."""

import errno
from collections.abc import Callable, Mapping

import structlog

from store.folder import DataFolder
from store.lance.diagnosis import unwritten
from store.lance.opening import OpenTable
from store.lance.tables import Table, complete

_logger = structlog.get_logger(__name__)

Opened = Mapping[str, tuple[Table, OpenTable]]
"""Tables with their open handles, by name."""
Undo = Callable[[Table, OpenTable, int], object]


class SafeVersions:
    """Knows which versions of its tables a sync has proven; for one thread.

    What was committed since is in doubt once a commit or a sync has failed. `undo` brings a table
    to what may be built on: it gets the table, its handle and the proven version.

    A version is asked for once after each change, since asking costs as much as a small query: who
    changes a table says so with `writes` or `changed`.
    """

    def __init__(
        self,
        folder: DataFolder,
        tables: Opened,
        known: Mapping[str, int],
        undo: Undo,
        *,
        in_doubt: bool = False,
    ) -> None:
        self._folder = folder.path
        self._barrier = folder.barrier()
        self._tables = tables
        self._undo = undo
        self._versions: dict[str, int] = {}
        self._proven = {
            name: min(known.get(name, opened.version), opened.version)
            for name, (_, opened) in tables.items()
        }
        self.in_doubt = in_doubt
        """True from a commit on until a sync has proven it, and where a writer before may have left
        one."""

    def sync(self) -> dict[str, int]:
        """Sync what was committed; returns the versions that are on disk for good.

        Raises: OSError, also where a commit that succeeded has not written all of its files;
        everything since the last sync that succeeded is then in doubt.
        """
        self.in_doubt = True
        # Before the sync: others may commit while it runs.
        versions = {name: self.version(name) for name in self._tables}
        self._barrier.sync()
        for name, version in versions.items():
            since = self._proven[name]
            path = self._folder / f"{name}.lance"
            if version != since and (why := unwritten(path, version, since)) is not None:
                raise OSError(errno.EIO, f"version {version} of {name} is not whole: {why}")
        self._proven, self.in_doubt = versions, False
        return versions

    def version(self, name: str) -> int:
        """The newest version of a table."""
        if name not in self._versions:
            self._versions[name] = self._tables[name][1].version
        return self._versions[name]

    def writes(self, name: str) -> None:
        """A commit to this table begins. Where it raises, it may be made all the same."""
        self.in_doubt = True
        self.changed(name)

    def changed(self, *names: str) -> None:
        """Ask for the versions of these tables again; without names, of all."""
        for name in names or self._tables:
            self._versions.pop(name, None)

    def settle(self) -> list[str]:
        """Undo what is in doubt; returns the names of the tables in which anything was.

        Where that fails, everything stays in doubt.
        """
        undone = []
        if self.in_doubt:
            for name, version in self._proven.items():
                table, opened = self._tables[name]
                if self.version(name) != version:
                    _logger.info("what may not be on disk is undone", table=name, version=version)
                    self._undo(table, opened, version)
                    undone.append(name)
            self.changed()
            self.in_doubt = False
        return undone


def go_back(table: Table, opened: OpenTable, version: int) -> None:
    """Commit the version again; for tables whose rows the journal still has.

    Where it is gone, the newest is kept, which the next sync proves: there is nothing to go back
    to, and a row is written by its number, so that none is there twice.
    """
    if version not in [each["version"] for each in opened.list_versions()]:
        _logger.warning(
            "a version that was on disk for good is gone", table=table.name, version=version
        )
        return
    opened.restore(version)
    complete(opened, table)  # a migration may have come after it
