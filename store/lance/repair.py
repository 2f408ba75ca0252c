"""Tables mended at start, after all of them were probed: as little as possible goes, loudly.

What came after the synced version goes back to it, since the journal writes it again. Of what was
safe, only the fragments that do not read are set aside, and the numbers of their rows are kept.
Going back further is for a person to ask for.
"""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import lancedb
import structlog
from lancedb.table import LanceTable

from store.lance import damage
from store.lance import manifest as manifests
from store.lance.damage import Missing
from store.lance.diagnosis import Diagnosis, diagnose
from store.lance.faults import fault
from store.lance.giving_up import refusal
from store.lance.losses import Evidence, losses
from store.lance.tables import Table, make_index, quoted

_logger = structlog.get_logger(__name__)
AT_ONCE = 4
"""Tables at once: most of the time LanceDB reads files."""


@dataclass(frozen=True, slots=True)
class Repaired:
    """One repair of one table."""

    table: str
    what: str
    why: str


def repair(
    db: lancedb.DBConnection,
    folder: Path,
    tables: Sequence[Table],
    evidence: Evidence,
    *,
    deep: bool = False,
    roll_back: bool = False,
) -> list[Repaired]:
    """Make every table readable, or raise and change nothing.

    `deep` reads all of every table. `roll_back`: a person has asked to go on without what was safe
    once and does not read in any other way. Raises: FolderUnusableError, RollBackNeededError,
    TableDamagedError.
    """
    there = [
        table
        for table in tables
        if (folder / f"{table.name}.lance").is_dir() or table.name in evidence.synced
    ]
    with ThreadPoolExecutor(AT_ONCE, "repair") as pool:
        found = list(pool.map(partial(_probed, folder, evidence, deep=deep), there))
        lost = losses(found, evidence, damage.missing(folder))
        if not roll_back:
            _refuse(folder, found, lost)
        damage.keep(folder, lost)
        done = [repaired for mended in pool.map(partial(_mend, db), found) for repaired in mended]
    done += [
        Repaired(entry.table, f"rows acknowledged before may be lost: {entry}", entry.why)
        for entry in lost
    ]
    for repaired in done:
        _logger.error("table repaired", table=repaired.table, did=repaired.what, why=repaired.why)
    return done


def _probed(folder: Path, evidence: Evidence, table: Table, *, deep: bool) -> Diagnosis:
    return diagnose(
        table,
        folder / f"{table.name}.lance",
        evidence.synced.get(table.name, 0),
        trusted=evidence.trusted,
        deep=deep,
        sums={path: one for (name, path), one in evidence.sums.items() if name == table.name},
    )


def _refuse(folder: Path, found: Sequence[Diagnosis], lost: Sequence[Missing]) -> None:
    """Raises: RollBackNeededError where more than a part of a table would go."""
    for one in found:
        if not one.version < one.synced and (one.good or not one.bad):
            continue
        said = "; ".join(str(entry) for entry in lost if entry.table == one.table.name)
        if one.table.journalled and not _own_numbers(one.table, lost):
            continue  # all that it had is elsewhere, by the numbers
        why = one.reasons[0] if one.reasons else "its newest version is not there any more"
        raise refusal(
            folder,
            f"table {one.table.name} in {folder} has lost rows that were safe: {why}",
            said or f"what came after version {one.version}",
        )


def _own_numbers(table: Table, lost: Sequence[Missing]) -> set[int]:
    """The numbers that are lost with this table, and not with the one that it follows from."""

    def numbers(name: str) -> set[int]:
        spans = [span for entry in lost if entry.table == name for span in entry.journal_n]
        return {number for low, high in spans for number in range(low, high + 1)}

    own = numbers(table.name)
    return own - numbers(table.follows) if table.follows is not None else own


def _mend(db: lancedb.DBConnection, one: Diagnosis) -> list[Repaired]:
    table, name = one.path, one.table.name
    if one.never_made:
        if table.is_dir():
            _set_aside(table, table)
        if not one.synced:
            # A kill while it was made for the first time: nothing was ever in it.
            _logger.info("a table that was not made to its end is made again", table=name)
            return []
        return [Repaired(name, "made again, empty", "nothing of it was there any more")]
    done = [_set_manifest_aside(one, path, why) for path, why in one.torn]
    if one.torn or one.bad or one.version < one.synced:
        if one.head is not None:
            version = max(one.newest, one.synced) + 1  # one that nobody has seen with other rows
            manifests.write_without(table, one.head, one.bad.keys(), version)
        done += [_aside(one, number, why) for number, why in one.bad.items()]
    opened = db.open_table(name)
    done += _set_torn_aside(opened, table, name)
    return done + _mend_indices(opened, one.table)


def _set_manifest_aside(one: Diagnosis, path: Path, why: str) -> Repaired:
    if fault(partial(manifests.read, path), path) is None:
        version = manifests.version_of(path)
        return Repaired(one.table.name, f"rolled back from version {version} to {one.version}", why)
    return Repaired(one.table.name, f"{_set_aside(path, one.path)} set aside", why)


def _aside(one: Diagnosis, number: int, why: str) -> Repaired:
    """Move the files of a fragment that is in no version any more out of the way."""
    for file in one.fragments[number].files:
        if (one.path / file.path).exists():
            _set_aside(one.path / file.path, one.path)
    return Repaired(one.table.name, f"fragment {number} set aside", why)


def _set_aside(torn: Path, table: Path) -> str:
    aside = table.parent / damage.FOLDER
    aside.mkdir(exist_ok=True)
    torn.rename(aside / f"{time.strftime('%Y%m%dT%H%M%S')}-{table.stem}-{torn.name}")
    return torn.name


def _set_torn_aside(opened: LanceTable, path: Path, table: str) -> list[Repaired]:
    """Move older manifests that do not read out of the way: compaction fails on any of them."""
    if fault(opened.list_versions, path) is None:
        return []
    _logger.warning("an older version of the table is torn", table=table)
    done = []
    for manifest in manifests.manifests(path)[1:]:
        why = fault(partial(_check_out, opened, manifest), manifest)
        if why is not None:
            done.append(Repaired(table, f"{_set_aside(manifest, path)} set aside", why))
    opened.checkout_latest()
    return done


def _check_out(opened: LanceTable, manifest: Path) -> None:
    manifests.read(manifest)
    opened.checkout(manifests.version_of(manifest))
    if not opened.schema.names:
        raise ValueError("it has no columns")


def _mend_indices(opened: LanceTable, table: Table) -> list[Repaired]:
    """Make an index again that cannot be read; nothing but time is lost with it."""
    done = []
    there = set(opened.schema.names)
    for column, kind in table.indices.items():
        if column not in there:
            continue  # from an older Reins; it is added with its index
        name = f"the index of {table.name}.{column}"
        why = fault(partial(_use_index, opened, column), name)
        if why is None:
            continue
        if fault(partial(make_index, opened, column, kind), name) is None:
            done.append(Repaired(table.name, f"index of {column} made again", why))
        else:  # whoever reads the rows finds out
            _logger.error("an index cannot be made, as rows do not read", index=name, why=why)
    return done


def _use_index(opened: LanceTable, column: str) -> None:
    for value in opened.search().select([column]).limit(1).to_arrow()[column].to_pylist():
        opened.search().where(f"{column} {_equals(value)}").limit(1).to_arrow()


def _equals(value: object) -> str:
    if value is None:
        return "IS NULL"
    return f"= {quoted(value) if isinstance(value, str) else str(value).lower()}"
