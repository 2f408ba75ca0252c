"""At start every table is probed; one that does not read is rolled back, loudly.

A commit is not synced when LanceDB returns, so loss of power can tear the newest version. What was
in it is not lost: the journal keeps rows until their table is synced, and actions are
acknowledged after it. Measured ways to be torn: a manifest that is empty or cut (the
table does not open) or full of zeros (it opens as version 0, without columns), a damaged data file
(it opens, and reading fails), a damaged index (only queries that use it fail).
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import lancedb
import pyarrow.compute as pc
import structlog
from lancedb.table import LanceTable

from store.errors import TableDamagedError
from store.lance.tables import Table, make_index, quoted

_logger = structlog.get_logger(__name__)
_MAX_STEPS_BACK = 200
_NEWEST = (1 << 64) - 1


@dataclass(frozen=True, slots=True)
class Repaired:
    """One repair of one table."""

    table: str
    what: str
    why: str


def repair(
    db: lancedb.DBConnection, folder: Path, tables: list[Table], synced: dict[str, int]
) -> list[Repaired]:
    """Make every table readable, or raise. `synced`: the versions known to be on disk.

    Raises: TableDamagedError where no version is left that reads.
    """
    done = []
    for table in tables:
        path = folder / f"{table.name}.lance"
        if path.is_dir():
            done += _repair_table(db, path, table, synced.get(table.name))
    for repaired in done:
        _logger.error("table repaired", table=repaired.table, did=repaired.what, why=repaired.why)
    return done


def _repair_table(
    db: lancedb.DBConnection, path: Path, table: Table, synced: int | None
) -> list[Repaired]:
    if synced is None and not _manifests(path) and not _has_data(path):
        # A kill while it was made for the first time: nothing was ever in it.
        _logger.info("a table that was not made to its end is made again", table=table.name)
        _set_aside(path, path)
        return []
    done: list[Repaired] = []
    for _ in range(_MAX_STEPS_BACK):
        found: list[LanceTable] = []
        why = _fault(partial(_open, db, table.name, found))
        if why is not None:
            done.append(Repaired(table.name, f"{_set_newest_aside(path)} set aside", why))
            if not path.is_dir():
                return done
            continue
        [opened] = found
        why = _unreadable(opened, synced)
        opened.checkout_latest()
        if why is not None:
            back = _step_back(opened, path, synced)
            if back is None:
                break
            done.append(Repaired(table.name, f"rolled back to version {back}", why))
        if done and synced is not None and opened.version < synced:
            why = f"versions up to {synced} had been safe; restore a backup if rows are missing"
            done.append(Repaired(table.name, "rows acknowledged before may be lost", why))
        done += _set_torn_aside(opened, path, table)
        return done + _mend_indices(opened, table)
    raise TableDamagedError(
        f"table {table.name} in {path.parent} does not read in any version that is left. "
        "Restore the folder from a backup, or move the table's folder aside to go on without it."
    )


def _fault(read: Callable[[], object]) -> str | None:
    """The reason why a read of a table fails, in short; None if it does not."""
    try:
        read()
    except Exception as error:  # noqa: BLE001 - LanceDB raises anything at torn bytes
        said = str(error).strip()
        return said.splitlines()[0][:300] if said else type(error).__name__
    return None


def _open(db: lancedb.DBConnection, name: str, found: list[LanceTable]) -> None:
    opened = db.open_table(name)
    if not opened.schema.names:
        raise ValueError("its newest manifest has no columns")
    found.append(opened)


def _check_out(opened: LanceTable, manifest: Path) -> int:
    """Go to a manifest's version; returns its number."""
    version = _NEWEST - int(manifest.stem)
    opened.checkout(version)
    if not opened.schema.names:
        raise ValueError("it has no columns")
    return version


def _set_newest_aside(path: Path) -> str:
    """Move the newest manifest, or a table that never had a commit, out of the way."""
    manifests = _manifests(path)
    torn = manifests[0] if manifests else path
    if torn is path and _has_data(path):
        raise TableDamagedError(
            f"{path} has data but no manifest that could be read. Restore it from a backup, or "
            "move it aside to go on without it."
        )
    return _set_aside(torn, path)


def _set_aside(torn: Path, path: Path) -> str:
    aside = path.parent / "damaged"
    aside.mkdir(exist_ok=True)
    torn.rename(aside / f"{time.strftime('%Y%m%dT%H%M%S')}-{path.stem}-{torn.name}")
    return torn.name


def _set_torn_aside(opened: LanceTable, path: Path, table: Table) -> list[Repaired]:
    """Move older manifests that do not read out of the way: compaction fails on any of them."""
    if _fault(opened.list_versions) is None:
        return []
    _logger.warning("an older version of the table is torn", table=table.name)
    done = []
    for manifest in _manifests(path):
        why = _fault(partial(_check_out, opened, manifest))
        if why is not None:
            done.append(Repaired(table.name, f"{_set_aside(manifest, path)} set aside", why))
    opened.checkout_latest()
    return done


def _has_data(path: Path) -> bool:
    return any((path / "data").glob("*.lance"))


def _manifests(path: Path) -> list[Path]:
    """The newest first, which is how their names sort."""
    return sorted((path / "_versions").glob("*.manifest"))


def _step_back(opened: LanceTable, path: Path, synced: int | None) -> int | None:
    """Restore the newest older version that reads; returns its number."""
    # By the files' names: LanceDB's own list fails at the first torn one.
    for manifest in _manifests(path)[1 : _MAX_STEPS_BACK + 1]:
        if _fault(partial(_restore, opened, manifest, synced)) is None:
            return _NEWEST - int(manifest.stem)
    return None


def _restore(opened: LanceTable, manifest: Path, synced: int | None) -> None:
    _check_out(opened, manifest)
    if (why := _unreadable(opened, synced)) is not None:
        raise ValueError(why)
    opened.restore()


def _unreadable(opened: LanceTable, synced: int | None) -> str | None:
    """The reason why the table does not read; None if it does.

    Everything committed after the synced version is read in full, the rest sampled.
    """
    checks: list[Callable[[], object]] = [
        opened.count_rows,
        opened.search().limit(1).to_arrow,
        lambda: _read_fragments(opened, synced),
    ]
    return next((why for check in checks if (why := _fault(check)) is not None), None)


def _read_fragments(opened: LanceTable, synced: int | None) -> None:
    if synced is not None and opened.version <= synced:
        return
    new = _fragments(opened) - _fragments_at(opened, synced)
    if new:
        query = opened.search().with_fragments(sorted(new))
        for _batch in query.limit(None).to_batches(10_000):
            pass


def _mend_indices(opened: LanceTable, table: Table) -> list[Repaired]:
    """Make an index again that cannot be read; nothing but time is lost with it."""
    done = []
    for column, kind in table.indices.items():
        if column not in opened.schema.names:
            continue  # from an older Reins; it is added with its index
        why = _fault(partial(_use_index, opened, column))
        if why is not None:
            make_index(opened, column, kind)
            done.append(Repaired(table.name, f"index of {column} made again", why))
    return done


def _use_index(opened: LanceTable, column: str) -> None:
    for value in opened.search().select([column]).limit(1).to_arrow()[column].to_pylist():
        opened.search().where(f"{column} {_equals(value)}").limit(1).to_arrow()


def _equals(value: object) -> str:
    if value is None:
        return "IS NULL"
    return f"= {quoted(value) if isinstance(value, str) else str(value).lower()}"


def _fragments(opened: LanceTable) -> set[int]:
    column = opened.schema.names[0]
    rows = opened.search().select([column]).with_row_id(with_row_id=True).limit(None).to_arrow()
    return set(pc.unique(pc.shift_right(rows["_rowid"], 32)).to_pylist())


def _fragments_at(opened: LanceTable, version: int | None) -> set[int]:
    if version is None:
        return set()
    now, found = opened.version, set[int]()

    def read() -> None:
        opened.checkout(version)
        found.update(_fragments(opened))

    why = _fault(read)
    opened.checkout(now)
    return set() if why is not None else found  # cleaned up long ago: then everything is read
