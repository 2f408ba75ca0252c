"""Each table probed at start, with nothing changed: what does not read, and since when.

A commit is not synced when LanceDB returns, so loss of power can tear what came after the synced
version. That is not lost: the journal keeps rows until their table is synced. What is at or below
the synced version was safe: if it does not read now, the disk has lost it.

Measured ways to be torn: a manifest that is empty or cut (the table does not open) or full of
zeros, a damaged data file (it opens, and reading fails), a damaged index (only queries that use it
fail).
"""

import contextlib
import tempfile
import zlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from lancedb.table import LanceTable

from store.errors import TableDamagedError
from store.lance import manifest as manifests
from store.lance.faults import fault, files_read
from store.lance.manifest import Fragment, Manifest
from store.lance.sums import Sum
from store.lance.tables import Table, connect

_ENDS = {".lance": b"LANC", ".arrow": b"ARROW1"}


@dataclass(slots=True)
class Diagnosis:
    """One table as it was found.

    `torn` are the manifests above `head`, the newest version that can be used as it is or without
    the fragments in `bad`; each with the reason.
    """

    table: Table
    path: Path
    synced: int
    torn: list[tuple[Path, str]] = field(default_factory=list)
    head: Path | None = None
    bad: dict[int, str] = field(default_factory=dict)
    never_made: bool = False
    sums: Mapping[str, Sum] = field(default_factory=dict)

    @property
    def version(self) -> int:
        return 0 if self.head is None else manifests.version_of(self.head)

    @property
    def newest(self) -> int:
        """The newest version that was seen, torn or not."""
        newest = self.torn[0][0] if self.torn else self.head
        return 0 if newest is None else manifests.version_of(newest)

    @property
    def reasons(self) -> list[str]:
        return [why for _, why in self.torn] + list(self.bad.values())

    @property
    def fragments(self) -> dict[int, Fragment]:
        """The fragments of the head, in the order of their rows."""
        return {} if self.head is None else manifests.read(self.head).fragments

    @property
    def good(self) -> set[int]:
        return self.fragments.keys() - self.bad.keys()

    @contextlib.contextmanager
    def opened(self) -> Iterator[LanceTable]:
        """The part of the head that reads, whatever lies above it."""
        if self.head is None:
            raise TableDamagedError
        with view(self.path, self.head, self.good) as table:
            yield table


@contextlib.contextmanager
def view(path: Path, head: Path, only: Collection[int] | None = None) -> Iterator[LanceTable]:
    """The table at a version, or some of its fragments, in a place of its own.

    LanceDB opens nothing below a torn manifest, and looks into fragments that it was not asked for.
    """
    with tempfile.TemporaryDirectory(prefix="reins-view-") as scratch:
        table = Path(scratch) / path.name
        (table / "_versions").mkdir(parents=True)
        content = head.read_bytes()
        if only is not None:
            content = manifests.reduced(content, only, manifests.version_of(head))
        (table / "_versions" / head.name).write_bytes(content)
        for part in ("data", "_deletions", "_indices", "_transactions"):
            if (path / part).is_dir():
                (table / part).symlink_to(path / part)
        yield connect(Path(scratch)).open_table(path.stem)


def diagnose(
    table: Table,
    path: Path,
    synced: int,
    *,
    trusted: bool,
    deep: bool,
    sums: Mapping[str, Sum],
) -> Diagnosis:
    """Probe the table in the folder `path`; `synced` is the newest version known to be on disk.

    `trusted`: no power was lost, so what was written after `synced` is as it was written. `deep`
    reads all of every fragment. Raises: FolderUnusableError, TableDamagedError.
    """
    found = Diagnosis(table, path, synced, sums=sums)
    there = manifests.manifests(path)
    if not there:
        if any((path / "data").glob("*.lance")):
            raise TableDamagedError(
                f"{path} has data but no manifest that could be read. Restore it from a backup, or "
                "move it aside to go on without it."
            )
        found.never_made = True
        return found
    for manifest in there:
        why = _why_not_used(found, manifest, trusted=trusted, deep=deep)
        if why is None:
            found.head = manifest
            return found
        found.torn.append((manifest, why))
    raise TableDamagedError(
        f"table {table.name} in {path.parent} does not read in any version that is left "
        f"({found.torn[0][1]}). Restore the folder from a backup, or move the table's folder aside "
        "to go on without it."
    )


def _why_not_used(found: Diagnosis, manifest: Path, *, trusted: bool, deep: bool) -> str | None:
    """The reason why this version cannot be the head; None if it can, then with its `bad` set."""
    content: list[Manifest] = []
    why = fault(lambda: content.append(_manifest(found, manifest)), manifest)
    if why is not None:
        return why
    [version] = content
    if version.version != manifests.version_of(manifest):
        return f"its manifest says version {version.version}"
    above = version.version > found.synced
    if above and found.table.journalled and not trusted and _reads(found, found.synced):
        return "the power was lost before it was synced"
    new = _new(found, version)
    bad, whole = _unreadable(found, manifest, version, set(version.fragments) if deep else new)
    if whole is not None:
        return whole
    # What came after the synced version is written again from the journal, all of it.
    if above and (torn := sorted(bad.keys() & new)) and _reads(found, found.synced):
        return bad[torn[0]]
    found.bad = bad
    return None


def _manifest(found: Diagnosis, path: Path) -> Manifest:
    content = path.read_bytes()
    noted = found.sums.get(f"_versions/{path.name}")
    if noted is not None and noted != (len(content), zlib.crc32(content)):
        raise ValueError("its manifest is not as it was written")
    return manifests.parse(content)


def _reads(found: Diagnosis, version: int) -> bool:
    """True if the table can go back to the version."""
    path = manifests.path_of(found.path, version)
    return path.exists() and fault(partial(manifests.read, path), path) is None


def _new(found: Diagnosis, version: Manifest) -> set[int]:
    """The fragments that the synced version does not have, or not with the same files."""
    before: dict[int, Fragment] = {}
    if version.version <= found.synced:
        return set()
    if _reads(found, found.synced):
        before = manifests.read(manifests.path_of(found.path, found.synced)).fragments
    return {n for n, fragment in version.fragments.items() if before.get(n) != fragment}


def _unreadable(
    found: Diagnosis, manifest: Path, version: Manifest, full: set[int]
) -> tuple[dict[int, str], str | None]:
    """The fragments that do not read, with the reasons; and the reason if no fragment is it.

    Those in `full` are read in full; of the others the files' sizes and ends are looked at.
    """
    bad = {
        number: why
        for number, fragment in version.fragments.items()
        if (why := _damaged_file(found.path, fragment)) is not None
    }
    good = version.fragments.keys() - bad.keys()
    why = fault(partial(_probe, found, manifest, full - bad.keys() if good else set()), found.path)
    if why is None:
        return bad, None
    for number in sorted(good):
        if (own := fault(partial(_read, found, manifest, {number}), found.path)) is not None:
            bad[number] = own
    # LanceDB hides some errors of the system behind its own: then the files say it.
    files_read(found.path / file.path for n in bad for file in version.fragments[n].files)
    # Without the bad ones it reads, or it is no fragment that is bad.
    return bad, fault(partial(_read, found, manifest, good - bad.keys()), found.path)


def _probe(found: Diagnosis, manifest: Path, full: set[int]) -> None:
    if manifests.manifests(found.path)[0] != manifest:
        _read(found, manifest, full)
        return
    opened = connect(found.path.parent).open_table(found.path.stem)
    if not opened.schema.names:
        raise ValueError("it has no columns")
    opened.count_rows()
    if full:
        _read(found, manifest, full)


def _read(found: Diagnosis, manifest: Path, numbers: Collection[int]) -> None:
    """Read all of some fragments."""
    with view(found.path, manifest, numbers) as opened:
        if not opened.schema.names:
            raise ValueError("it has no columns")
        for _batch in opened.search().limit(None).to_batches(10_000):
            pass


def unwritten(table: Path, version: int, since: int) -> str | None:
    """The reason why a version is not whole on disk although its commit succeeded; None if it is.

    LanceDB takes no notice where a file of deletions cannot be written: it is empty then. Looked at
    are the fragments that changed `since` a version.
    """
    before: dict[int, Fragment] = {}
    with contextlib.suppress(OSError, ValueError):  # cleaned up by now: then all are looked at
        before = manifests.read(manifests.path_of(table, since)).fragments
    head = manifests.path_of(table, version)
    if not head.exists():
        return None  # compacted away in between, or not on a disk
    changed = (f for n, f in manifests.read(head).fragments.items() if before.get(n) != f)
    return next(filter(None, (_damaged_file(table, fragment) for fragment in changed)), None)


def _damaged_file(table: Path, fragment: Fragment) -> str | None:
    for file in fragment.files:
        path = table / file.path
        why = fault(partial(_look_at, path, file.size_bytes), path)
        if why is not None:
            return why
    return None


def _look_at(path: Path, size_bytes: int | None) -> None:
    with path.open("rb") as file:
        size = file.seek(0, 2)
        if size_bytes is not None and size != size_bytes:
            raise ValueError(f"{path.name} has {size} bytes, it had {size_bytes}")
        end = _ENDS.get(path.suffix, b"")
        file.seek(max(0, size - len(end)))
        if not size or file.read() != end:
            raise ValueError(f"{path.name} does not end as it was written")
