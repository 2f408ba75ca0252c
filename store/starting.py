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
from store.folder import FORMAT, DataFolder, Left
from store.journal.log import NotingLog
from store.journal.opening import Durable
from store.journal.proof import Proof
from store.lance import damage
from store.lance.damage import JOURNAL, Missing, as_ranges
from store.lance.faults import fault, refuse_if_system
from store.lance.giving_up import give_up
from store.lance.losses import Evidence
from store.lance.opening import OpenTable, Tables
from store.lance.repair import Repaired
from store.lance.sums import Sum
from store.lance.tables import JOURNAL_N, Table, complete, read_all
from store.queue.rewriting import write_again
from store.queue.starting import account_for_queue, complete_queue

_logger = structlog.get_logger(__name__)
_MADE = 1
"""The version of a table that was made, and holds nothing yet."""


@dataclass(slots=True)
class Opened:
    """The tables of a folder with the highest number in each, what was repaired for that, and the
    checksums of their files.

    `synced` are the versions that are known to be on disk, without those of repaired tables, and
    `known` are those whose highest number was noted, each with that.
    """

    tables: dict[str, tuple[Table, OpenTable]] = field(default_factory=dict)
    highest: dict[str, int] = field(default_factory=dict)
    repaired: list[Repaired] = field(default_factory=list)
    sums: dict[tuple[str, str], Sum] = field(default_factory=dict)
    synced: dict[str, int] = field(default_factory=dict)
    known: dict[str, tuple[int, int]] = field(default_factory=dict)


def open_folder(
    folder: DataFolder,
    tables: Sequence[Table],
    durable: Durable,
    *,
    left: Left,
    roll_back: bool = False,
) -> Opened:
    """Open everything, for the folder's owner. `left`: how the owner before left it.

    `roll_back`: a person has asked to go on without rows that were safe and cannot be read.

    Raises: FolderUnusableError, RollBackNeededError, TableDamagedError.
    """
    opened = Opened()
    with no_system_error(folder):
        proof, asked = folder.prove_log(), folder.prove_queue()
        _account_for(folder, tables, proof, roll_back=roll_back)
        account_for_queue(folder, asked, roll_back=roll_back)
        with contextlib.closing(folder.open_log(durable, checked=True)) as log:
            _open_tables(opened, folder, tables, log, trusted=left != "power", roll_back=roll_back)
            opened.sums = log.noted_files()
            # What was given out is never given out again, lost or not.
            last = proof.lacking[1] if proof.lacking else 0
            log.raise_flushed(max(last, *opened.highest.values()))
            repaired = {one.table for one in opened.repaired}
            synced = log.synced_versions()
            opened.synced = {k: v for k, v in synced.items() if k not in repaired}
            _derive_again(opened)
            if left == "killed" or folder.failed_syncs.unsettled:
                _prove(opened, folder, log)
            complete_queue(folder, asked)
    if folder.format() != FORMAT:
        folder.record_format()
    return opened


def _account_for(
    folder: DataFolder, tables: Sequence[Table], proof: Proof, *, roll_back: bool
) -> None:
    """Raises: RollBackNeededError where the journal has lost what is in no table."""
    gone: set[int] = set()
    if proof.lacking:
        low, high = proof.lacking
        gone = set(range(low, high + 1)) - _numbers_from(folder, tables, low)
    gone.update(n for first, last in proof.unread for n in range(first, last + 1))
    for entry in damage.missing(folder.path):  # a person went on without them
        gone -= {n for first, last in entry.journal_n for n in range(first, last + 1)}
    if not gone:
        if proof.lacking:
            _logger.warning("the journal lacks rows; the tables have them all", why=proof.why)
        elif not proof.made and any(folder.path.glob("*.lance/data/*")):
            _logger.warning("there was no journal; what was not flushed is lost, if any was")
        return
    why = proof.why if proof.lacking else "groups are not what was committed"
    lost = Missing(JOURNAL, len(gone), why, as_ranges(sorted(gone)))
    found = f"the journal {folder.journal} has lost rows that were acknowledged"
    give_up(folder.path, found, lost, roll_back=roll_back)


def _numbers_from(folder: DataFolder, tables: Sequence[Table], low: int) -> set[int]:
    """The numbers from `low` on that the tables have; of those that read."""
    found: set[int] = set()
    opened = folder.open_tables()

    def read(table: Table) -> None:
        handle = opened.open_if_there(table)
        if handle is not None:
            query = handle.search().where(f"journal_n >= {low}").select([JOURNAL_N.name])
            found.update(read_all(query)[JOURNAL_N.name].to_pylist())

    for table in tables:
        if table.journalled and table.follows is None:
            fault(partial(read, table), table.name)
    return found


def _open_tables(
    opened: Opened,
    folder: DataFolder,
    tables: Sequence[Table],
    log: NotingLog,
    *,
    trusted: bool,
    roll_back: bool,
) -> None:
    evidence = _evidence(log, trusted=trusted)
    if trusted:  # a loss of power is reason enough to read them
        opened.known = log.highest_numbers()
    why: str | None = None
    for deep in (False, True):
        why = _open(opened, folder, tables, evidence, deep=deep, roll_back=roll_back)
        if why is None:
            return
    raise TableDamagedError(
        f"the tables in {folder.path} cannot be read: {why}. Restore the folder from a backup."
    )


def _evidence(log: NotingLog, *, trusted: bool) -> Evidence:
    flushed, pending = _flushed(log), log.pending_rows()
    return Evidence(
        synced=log.synced_versions(),
        sums=log.noted_files(),
        flushed=flushed,
        pending=((flushed + 1, flushed + pending),) if pending else (),
        trusted=trusted,
        pending_rows=partial(_pending_rows, log),
    )


def _flushed(log: NotingLog) -> int:
    """The highest number that has left the journal; 0 if none has."""
    oldest, _ = log.groups(rows=1)
    return oldest[0].first - 1 if oldest else log.newest_number()


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
    found = tables.each(partial(_open_one, opened, tables), declared)
    for table, (handle, why) in zip(declared, found, strict=True):
        opened.tables[table.name] = table, handle
        if why is not None:
            return f"{table.name}: {why}"
    return None


def _open_one(opened: Opened, tables: Tables, table: Table) -> tuple[OpenTable, str | None]:
    """The table, made or completed, and why its numbers do not read; None where they are noted."""
    handle = tables.open_or_make(table)
    if added := complete(handle, table):
        _logger.warning("table migrated", table=table.name, columns_added=added)
    if not table.journalled:
        return handle, None
    return handle, fault(partial(_note_highest, opened, table.name, handle), table.name)


def _pending_rows(log: NotingLog, table: str) -> Iterator[Any]:
    for _, line in log.pending(table):
        yield orjson.loads(line)


def _note_highest(opened: Opened, name: str, handle: OpenTable) -> None:
    version, highest = opened.known.get(name, (0, 0))
    repaired = any(one.table == name for one in opened.repaired)
    # A commit that came after the note is what a kill leaves: only then the table is asked.
    known = handle.version == version and not repaired
    opened.highest[name] = highest if known else highest_number(handle)


def highest_number(opened: OpenTable) -> int:
    """The highest journal number in the table, from all of its rows."""
    numbers = read_all(opened.search().select([JOURNAL_N.name]))
    return pc.max(numbers[JOURNAL_N.name]).as_py() or 0


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


def _prove(opened: Opened, folder: DataFolder, log: NotingLog) -> None:
    """Find what to trust after a worker that was killed, or a sync that failed.

    Journalled tables go back to the versions that were proven: to nothing at all, where no row has
    left the journal yet. The queue's rows are nowhere else: they are written again.
    """
    syncs, barrier = folder.failed_syncs, folder.barrier()
    failed = syncs.count
    versions: dict[str, int] = {}
    for name, (table, handle) in opened.tables.items():
        since = opened.synced.get(name)
        if not table.journalled and since != handle.version:
            write_again(handle, since)
            versions[name] = handle.version
        elif since is None and not _flushed(log):
            opened.synced[name] = _MADE
    barrier.sync()
    syncs.settle(failed)
    log.note_synced(versions, {})
    opened.synced |= versions


@contextlib.contextmanager
def no_system_error(folder: DataFolder) -> Iterator[None]:
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
