"""Chunks of documents as they are now: those of older versions and of removed ones are left out."""

from collections.abc import Sequence
from typing import Any

from store import documents
from store.reading import Reader

Row = dict[str, Any]


class Current:
    """What is found of documents, without what is not current; asks once for each document."""

    def __init__(self, store: Reader) -> None:
        self._store = store
        self._versions: dict[str, str] = {}

    def of(self, rows: Sequence[Row]) -> list[Row]:
        """The rows, without chunks that are no document's newest version any more."""
        return [row for row in rows if row.get("document_id") is None or self._is_newest(row)]

    def _is_newest(self, row: Row) -> bool:
        own = row["document_id"]
        if own not in self._versions:
            newest = documents.get_document(own, store=self._store)
            stored = newest is not None and newest["state"] == documents.STORED
            self._versions[own] = str(newest["version"]) if newest and stored else ""
        return str(row["place"]).partition(":")[0] == self._versions[own]
