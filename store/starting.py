"""A data folder opened by its owner: proven, repaired, complete, and caught up with the journal."""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import orjson
import pyarrow.compute as pc
import structlog

from store.derivation import make_again
from store.errors import FolderUnusableError, TableDamagedError
from store.folder import FORMAT, DataFolder
from store.journal.file import Durable
from store.journal.log import Log
from store.lance.faults import fault, refuse_if_system
from store.lance.losses import Evidence
from store.lance.opening import OpenTable
from store.lance.repair import Repaired
from store.lance.tables import JOURNAL_N, Table, complete

_logger = structlog.get_logger(__name__)


@dataclass(slots=True)
class Opened:
    """The tables of a folder with the highest number in each, and what was repaired for that.

    `synced` are the versions that are known to be on disk, without those of repaired tables.
    """

    tables: dict[str, tuple[Table, OpenTable]] = field(default_factory=dict)
    highest: dict[str, int] = field(default_factory=dict)
    repaired: list[Repaired] = field(default_factory=list)
    synced: dict[str, int] = field(default_factory=dict)


def open_folder(
    folder: DataFolder,
    tables: Sequence[Table],
    durable: Durable,
    *,
    trusted: bool,
    roll_back: bool = False,
) -> Opened:
    """Open everything, for the folder's owner. `trusted`: no power was lost since it was written.

    `roll_back`: a person has asked to go on without rows that were safe and cannot be read.

    Raises: FolderUnusableError, RollBackNeededError, TableDamagedError.
    """
    opened = Opened()
    with (
        _no_system_error(folder),
        contextlib.closing(folder.open_log(durable, checked=True)) as log,
    ):
        newest, pending = log.newest_number(), log.pending_rows()
        evidence = Evidence(
            synced=log.synced_versions(),
            flushed=newest - pending,
            pending=((newest - pending + 1, newest),) if pending else (),
            trusted=trusted,
            pending_rows=partial(_pending_rows, log),
        )
        for deep in (False, True):
            why = _open(opened, folder, tables, evidence, deep=deep, roll_back=roll_back)
            if why is None:
                break
        else:
            raise TableDamagedError(f"the tables in {folder.path} cannot be read: {why}")
        # A journal that is younger than the tables must not give out their numbers again.
        log.raise_flushed(max(opened.highest.values()))
        repaired = {one.table for one in opened.repaired}
        opened.synced = {k: v for k, v in evidence.synced.items() if k not in repaired}
        _derive_again(opened)
    if folder.format() != FORMAT:
        folder.record_format()
    return opened


def _open(
    opened: Opened,
    folder: DataFolder,
    declared: Sequence[Table],
    evidence: Evidence,
    *,
    deep: bool,
    roll_back: bool,
) -> str | None:
    """Repair and open; the reason why that did not do, None if it did."""
    tables = folder.open_tables()
    opened.repaired += tables.repair(list(declared), evidence, deep=deep, roll_back=roll_back)
    for table in declared:
        handle = tables.open_or_make(table)
        opened.tables[table.name] = table, handle
        if added := complete(handle, table):
            _logger.warning("table migrated", table=table.name, columns_added=added)
        if table.journalled:
            why = fault(partial(_note_highest, opened, table.name, handle), table.name)
            if why is not None:
                return f"{table.name}: {why}"
    return None


def _pending_rows(log: Log, table: str) -> Iterator[Any]:
    for group in log.groups_of(table):
        for _, line in group.lines():
            yield orjson.loads(line)


def _note_highest(opened: Opened, name: str, handle: OpenTable) -> None:
    opened.highest[name] = highest_number(handle)


def highest_number(opened: OpenTable) -> int:
    """The highest journal number in the table; rows up to it are there already."""
    numbers = opened.search().select([JOURNAL_N.name]).limit(None).to_arrow()[JOURNAL_N.name]
    return pc.max(numbers).as_py() or 0


def _derive_again(opened: Opened) -> None:
    """Make a view that is behind its log, or has lost rows, again from it."""
    repaired = {one.table for one in opened.repaired}
    for table, handle in opened.tables.values():
        derived = table.derived
        if derived is None:
            continue
        behind = opened.highest[table.name] < opened.highest[derived.source]
        if behind or table.name in repaired:
            _, source = opened.tables[derived.source]
            make_again(table, derived, handle, source)


@contextlib.contextmanager
def _no_system_error(folder: DataFolder) -> Iterator[None]:
    """Errors of the system are the folder's, by whatever exception they come."""
    try:
        yield
    except (OSError, RuntimeError, ValueError, MemoryError) as error:
        refuse_if_system(error, f"the data folder {folder.path}")
        if isinstance(error, OSError):
            raise FolderUnusableError(
                f"the tables in {folder.path} cannot be opened: {error}. "
                "Check that the disk is there, writable and has room."
            ) from error
        raise
