"""Chunks: the texts of documents, piece by piece without a gap, each with its exact place."""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from store.journal.file import Record
from store.journal.rows import own_record
from store.lance.tables import JOURNAL_N, STAMP, TEXT, Table, quoted
from store.reading import Reader, reader

TABLE = Table(
    "chunks",
    pa.schema(
        [
            ("document_id", TEXT),
            ("version", pa.int64()),
            ("number", pa.int64()),
            ("from_char", pa.int64()),
            ("to_char", pa.int64()),
            ("heading", TEXT),
            ("text", TEXT),
            ("actor", TEXT),
            ("at", STAMP),
            JOURNAL_N,
        ]
    ),
    key=None,
    read_by="document_id",
    indices={"document_id": "BTREE"},
)


def record(row: Mapping[str, Any]) -> Record:
    """The journal's record of a row; its time is microseconds since 1970."""
    return own_record(TABLE, row)


def list_chunks(
    document_id: str,
    version: int,
    from_char: int = 0,
    to_char: int | None = None,
    *,
    store: Reader | None = None,
) -> list[dict[str, Any]]:
    """The chunks of a version that have any of its text from one character to another, in order."""
    where = f"document_id = {quoted(document_id)} AND version = {version} AND to_char > {from_char}"
    if to_char is not None:
        where += f" AND from_char < {to_char}"
    rows = (store or reader()).joined(TABLE, {"document_id": document_id}, where)
    found = [
        row
        for row in rows
        if row["version"] == version
        and row["to_char"] > from_char
        and (to_char is None or row["from_char"] < to_char)
    ]
    return sorted(found, key=lambda row: int(row["number"]))


def text_of(
    document_id: str,
    version: int,
    from_char: int = 0,
    to_char: int | None = None,
    *,
    store: Reader | None = None,
) -> str:
    """The stored text of a version, from one character to another; empty where there is none.

    **Units**: characters are Unicode code points, the first is 0, the last is not included.
    """
    found = list_chunks(document_id, version, from_char, to_char, store=store)
    if not found:
        return ""
    text, begins = "".join(row["text"] for row in found), found[0]["from_char"]
    end = None if to_char is None else max(0, to_char - begins)
    return text[max(0, from_char - begins) : end]
