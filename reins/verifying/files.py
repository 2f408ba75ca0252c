"""The files of the tables: all that is named is there and reads."""

from collections.abc import Iterator

from reins.verifying.facts import Facts
from reins.verifying.finding import Finding
from store.errors import TableDamagedError
from store.lance.checksums import changed_files
from store.lance.damage import missing
from store.store import TABLES


def tables_read(facts: Facts) -> Iterator[Finding]:
    """Every row of the newest version, and every manifest that is kept."""
    for table in TABLES:
        try:
            facts.snapshot.read_through(table)
        except TableDamagedError as error:
            yield Finding("tables_read", str(error), {"table": table.name})


def indices_agree(facts: Facts) -> Iterator[Finding]:
    """An index finds as many rows as there are."""
    for table in TABLES:
        for column in table.indices:
            why = facts.snapshot.index_fault(table, column)
            if why is not None:
                message = f"the index of {table.name}.{column} {why}"
                yield Finding("indices_agree", message, {"table": table.name, "column": column})


def versions_kept(facts: Facts) -> Iterator[Finding]:
    """No table is older than what was known to be on disk."""
    for table in TABLES:
        opened = facts.snapshot.opened(table)
        synced = facts.snapshot.pending.synced.get(table.name, 0)
        if synced and (opened is None or opened.version < synced):
            version = "gone" if opened is None else f"at version {opened.version}"
            message = f"table {table.name} is {version}; version {synced} had been on disk"
            yield Finding("versions_kept", message, {"table": table.name})


def files_unchanged(facts: Facts) -> Iterator[Finding]:
    """A flipped bit may read as another value: each file has the checksum that it was given."""
    for changed in changed_files(facts.snapshot.folder, facts.snapshot.pending.sums):
        first = changed.journal_n[0][0] if changed.journal_n else None
        about = {"table": changed.table, "file": changed.path, "journal_n": first}
        yield Finding("files_unchanged", f"{changed} is not as it was written", about)


def nothing_missing(facts: Facts) -> Iterator[Finding]:
    """No acknowledged row is known to have gone with a damage: a repair keeps their numbers."""
    for entry in missing(facts.snapshot.folder):
        first = entry.journal_n[0][0] if entry.journal_n else None
        about = {"table": entry.table, "journal_n": first}
        yield Finding("nothing_missing", f"missing are {entry}: {entry.why}", about)


def nothing_set_aside(facts: Facts) -> Iterator[Finding]:
    """No rows were set aside because no table takes them."""
    for path in sorted((facts.snapshot.folder / "damaged").glob("journal-*.jsonl")):
        rows = len(path.read_bytes().splitlines())
        message = f"{rows} rows that no table took lie in {path.relative_to(facts.snapshot.folder)}"
        yield Finding("nothing_set_aside", message, {"file": path.name})
