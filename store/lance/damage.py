"""Rows that are gone, by their numbers: kept beside the tables until a backup brings them back."""

import json
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

FOLDER = "damaged"
JOURNAL = "journal"
"""The name under which rows are missing that were in no table yet."""
_FILE = "missing.json"

_NAMED = 20
Range = tuple[int, int]
"""The first and the last of numbers that follow each other."""


@dataclass(frozen=True, slots=True)
class Missing:
    """Acknowledged rows of one table that are gone, or that cannot be trusted any more.

    `rows` is how many, `journal_n` the numbers among which theirs are. `numbers` are those of each
    session of the log (`seq`), or of each conversation (`number`), where they are known.
    """

    table: str
    rows: int
    why: str
    journal_n: tuple[Range, ...] = ()
    numbers: Mapping[str, Sequence[Range]] = field(default_factory=dict)
    found_at: str = ""
    settled: bool = False
    """True once the sessions whose state may be older than their last row are held."""

    def __str__(self) -> str:
        said = [f"{self.rows} rows of {self.table}"]
        if self.journal_n:
            said.append(f"journal_n {ranges_text(self.journal_n)}")
        for name, ranges in sorted(self.numbers.items())[:_NAMED]:
            said.append(f"{name}: {ranges_text(ranges)}")
        if len(self.numbers) > _NAMED:
            said.append(f"and of {len(self.numbers) - _NAMED} more (see damaged/{_FILE})")
        return "; ".join(said)


def missing(folder: Path) -> list[Missing]:
    """The rows that are known to be missing from a data folder, the oldest finding first."""
    try:
        found = json.loads((folder / FOLDER / _FILE).read_text())
    except FileNotFoundError:
        return []
    return [
        Missing(
            table=entry["table"],
            rows=entry["rows"],
            why=entry["why"],
            journal_n=_ranges(entry["journal_n"]),
            numbers={name: _ranges(ranges) for name, ranges in entry["numbers"].items()},
            found_at=entry["found_at"],
            settled=entry["settled"],
        )
        for entry in found["missing"]
    ]


def keep(folder: Path, found: Sequence[Missing]) -> None:
    """Add to what is known to be missing; on disk when it returns, and once if it is kept twice."""
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    known = missing(folder)
    before = [replace(entry, found_at="", settled=False) for entry in known]
    new = [replace(entry, found_at=now) for entry in found if entry not in before]
    if new:
        _write(folder, known + new)


def settle(folder: Path) -> None:
    """Note that nothing more follows from what is known to be missing."""
    known = missing(folder)
    if not all(entry.settled for entry in known):
        _write(folder, [replace(entry, settled=True) for entry in known])


def _write(folder: Path, entries: Sequence[Missing]) -> None:
    (folder / FOLDER).mkdir(exist_ok=True)
    content = json.dumps({"missing": [asdict(entry) for entry in entries]}, indent=1)
    durable_write(folder / FOLDER / _FILE, content.encode())


def durable_write(path: Path, content: bytes) -> None:
    """Write a file whole or not at all, and its name with it."""
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    with part.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
    descriptor = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def as_ranges(numbers: Sequence[int]) -> tuple[Range, ...]:
    """Sorted numbers as ranges of those that follow each other."""
    ranges: list[Range] = []
    for number in numbers:
        if ranges and number == ranges[-1][1] + 1:
            ranges[-1] = ranges[-1][0], number
        else:
            ranges.append((number, number))
    return tuple(ranges)


def ranges_text(ranges: Sequence[Range]) -> str:
    return ", ".join(str(low) if low == high else f"{low}-{high}" for low, high in ranges)


def _ranges(found: list[list[int]]) -> tuple[Range, ...]:
    return tuple((low, high) for low, high in found)
