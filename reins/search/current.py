"""Chunks of documents as they are now: those of older versions and of removed ones are left out."""

from collections.abc import Iterable, Mapping
from typing import Any

from reins.search.passages import Passage
from store import documents

Row = Mapping[str, Any]
Outdated = Mapping[str, int]
"""Documents that have ended or have a newer version, each with the number of the journal below
which the rows of its chunks are those of before.
"""


def outdated(rows: Iterable[Row]) -> Outdated:
    """Of rows of documents, in their order."""
    found: dict[str, int] = {}
    for row in rows:
        ended = row["state"] == documents.REMOVED
        if ended or row["version"] > 1:
            # The chunks of a version are committed right before its row.
            found[row["document_id"]] = row["journal_n"] - (0 if ended else row["chunks"])
    return found


def outdated_in(rows: Iterable[tuple[str, Row]]) -> Outdated:
    """As `outdated`, of rows named by their tables."""
    return outdated(row for table, row in rows if table == documents.TABLE.name)


def is_current(document_id: str | None, n: int, before: Outdated) -> bool:
    """True for what is no chunk of a document, and for chunks that it still has."""
    return document_id is None or n >= before.get(document_id, 0)


def current(passages: Iterable[Passage], before: Outdated) -> list[Passage]:
    """The passages that are."""
    return [each for each in passages if is_current(each.document_id, each.n, before)]
