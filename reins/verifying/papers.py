"""Documents: each version has all of its text, and the files are those that were handed over."""

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

from agent_core.actions.documents import document_id_of
from reins.verifying.facts import Facts
from reins.verifying.finding import Finding
from store import chunks, documents
from store.lance.tables import Row
from store.queue.reading import payload_of

_DIGEST = re.compile(r"[0-9a-f]{64}")
_ROW = ["document_id", "version", "state", "chars", "chunks"]
_CHUNK = ["document_id", "version", "number", "from_char", "to_char", "text"]
_READ_BYTES = 1 << 20


class _Piece(NamedTuple):
    number: int
    from_char: int
    to_char: int
    chars: int


def documents_whole(facts: Facts) -> Iterator[Finding]:
    """Versions go from 1, and each has its text from the first character to the last."""
    pieces = _pieces(facts)
    newest: dict[str, int] = {}
    for found in facts.snapshot.rows(documents.TABLE, _ROW):
        row, version = found.row, int(found.row["version"])
        place = {"document_id": row["document_id"], "version": version}
        stored = row["state"] == documents.STORED
        before = newest.get(row["document_id"], 0)
        newest[row["document_id"]] = version
        if version != before + stored:
            why = f"a row of version {version} ({row['state']}) follows version {before}"
            yield Finding("documents_whole", why, place)
        fault = _fault(row, pieces.pop((row["document_id"], version), [])) if stored else None
        if fault is not None:
            yield Finding("documents_whole", fault, place)
    for document_id, version in pieces:
        place = {"document_id": document_id, "version": version}
        yield Finding("documents_whole", "it has chunks, and no row", place)
    yield from _unconfirmed(facts, newest)


def _unconfirmed(facts: Facts, newest: dict[str, int]) -> Iterator[Finding]:
    """Receipts of documents that tell of a version that is not there."""
    for row in facts.processed:
        if row["outcome"] == "applied" and row["type"] in ("document_add", "document_remove"):
            asked = payload_of(row)
            own = asked.get("document_id") or document_id_of(str(asked.get("source")))
            if newest.get(own, 0) < (row["applied_seq"] or 1):
                why = f"the action was applied with version {row['applied_seq']}, which is no row"
                yield Finding("documents_whole", why, {"action_id": row["action_id"]})


def blobs_whole(facts: Facts) -> Iterator[Finding]:
    """A file that a document was made of is there, and each has the bytes that it is named by."""
    folder = facts.snapshot.folder / "blobs"
    for row in facts.actions.values():
        if row["type"] == "document_add" and row["outcome"] == "applied":
            digest = payload_of(row).get("blob")
            if digest is not None and not (folder / str(digest)).is_file():
                why = f"the file {digest} was made a document of, and is not in {folder}"
                yield Finding("blobs_whole", why, {"action_id": row["action_id"]})
    for path in sorted(folder.glob("*")) if folder.is_dir() else ():
        if _DIGEST.fullmatch(path.name):
            with path.open("rb") as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
            if found != path.name:
                why = f"the file {path.name} in {folder} has other bytes; its digest is {found}"
                yield Finding("blobs_whole", why, {"file": path.name})


def _pieces(facts: Facts) -> dict[tuple[str, int], list[_Piece]]:
    pieces: defaultdict[tuple[str, int], list[_Piece]] = defaultdict(list)
    for found in facts.snapshot.rows(chunks.TABLE, _CHUNK):
        row = found.row
        piece = _Piece(row["number"], row["from_char"], row["to_char"], len(row["text"] or ""))
        pieces[row["document_id"], row["version"]].append(piece)
    return pieces


def _fault(row: Row, found: list[_Piece]) -> str | None:
    found = sorted(found)
    if [piece.number for piece in found] != [*range(1, row["chunks"] + 1)]:
        return f"it has {len(found)} chunks; its row tells of {row['chunks']}, from 1"
    if any(piece.to_char - piece.from_char != piece.chars for piece in found):
        return "a chunk has more or fewer characters than its place has room for"
    places = [(0, 0), *((piece.from_char, piece.to_char) for piece in found), (row["chars"], 0)]
    if any(one[1] != two[0] for one, two in pairwise(places)):
        return f"its chunks are not the text from 0 to {row['chars']} without a gap"
    return None
