"""The documents of a worker: each version is one commit with all of its text."""

import asyncio
import hashlib
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from agent_core.actions.documents import document_id_of
from reins import redaction
from reins.documents import blobs
from reins.documents.chunking import chunks_of
from reins.documents.reading import Read, UnreadableError, read
from reins.documents.tidying import tidy
from reins.settings import Settings
from reins.threads import DOCUMENTS, READS
from reins.tools.outcome import ToolError
from reins.tools.web.fetching import Fetcher
from reins.tools.web.outside import Outside
from reins.tools.web.page import Request
from store import chunks, documents
from store.documents import REMOVED, STORED
from store.journal.file import Record
from store.store import Store
from store.times import now_us

MAX_DOCUMENTS = 100_000
_AT_ONCE = 4
"""Documents whose bytes and texts are in memory at the same time."""
_FETCH_S = 60.0
_OK = 200


class DocumentError(ValueError):
    """The document cannot be added or removed; nothing was written."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A document to be stored: `data`, or the file of the digest `blob`, or what is at the address.

    `action_id`: the action or call that asks for it; the same one again stores nothing. `elsewhere`
    false: an address that moves to another host is not followed there.
    """

    source: str
    actor: str
    action_id: str
    data: bytes | None = None
    blob: str | None = None
    media_type: str = ""
    charset: str | None = None
    title: str | None = None
    agent_id: str | None = None
    session_id: str | None = None
    elsewhere: bool = True


@dataclass(frozen=True, slots=True)
class Stored:
    """A version. `is_new` is false where the newest one had the same bytes."""

    document_id: str
    version: int
    is_new: bool
    title: str
    chars: int


class Documents:
    """Adds and ends documents; everything here runs on the worker's loop."""

    def __init__(self, store: Store, settings: Callable[[], Settings]) -> None:
        self._store = store
        self._settings = settings
        self._room = asyncio.Semaphore(_AT_ONCE)
        self._locks: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._loading = asyncio.Lock()
        self._newest: dict[str, dict[str, Any]] | None = None

    async def start(self) -> None:
        """Remove the files that came to nothing before; a second time does the same."""
        await DOCUMENTS.call(tidy, self._store.reader)

    async def add(self, draft: Draft) -> Stored:
        """Store a version, if it is another than the newest. Raises: DocumentError, StoreError."""
        document_id = document_id_of(draft.source)
        async with self._room, self._locks[document_id]:
            if (done := await self._done(document_id, draft.action_id)) is not None:
                return _stored(done, is_new=True)
            try:
                draft = await self._with_data(draft)
            except (blobs.BlobError, ToolError) as error:
                raise DocumentError(f"{draft.source}: {error}") from None
            data = draft.data or b""
            newest = await self._row(document_id)
            digest = hashlib.sha256(data).hexdigest()
            if newest is not None and newest["state"] == STORED and newest["sha256"] == digest:
                return _stored(newest, is_new=False)
            if newest is None and len(await self._rows()) >= MAX_DOCUMENTS:
                raise DocumentError(f"there are {MAX_DOCUMENTS:,} documents already; no more fit")
            version = 1 if newest is None else newest["version"] + 1
            make = partial(_made, draft, document_id, version, digest)
            try:
                row, records = await DOCUMENTS.call(make)
            except UnreadableError as error:
                raise DocumentError(f"{draft.source}: {error}") from None
            await self._commit(row, records)
            return _stored(row, is_new=True)

    async def remove(self, document_id: str, *, actor: str, action_id: str) -> int:
        """End a document; returns its last version. Raises: DocumentError, StoreError."""
        async with self._locks[document_id]:
            if (done := await self._done(document_id, action_id)) is not None:
                return int(done["version"])
            newest = await self._row(document_id)
            if newest is None or newest["state"] == REMOVED:
                gone = "was removed before" if newest else "is not there"
                raise DocumentError(f"document {document_id} {gone}; see reins documents list")
            row = newest | {
                "state": REMOVED, "actor": actor, "action_id": action_id, "at": now_us(),
                "agent_id": None, "session_id": None,
            }  # fmt: skip
            row.pop("journal_n", None)
            await self._commit(row, [documents.record(row)])
            return int(newest["version"])

    # -- rows

    async def _commit(self, row: dict[str, Any], records: list[Record]) -> None:
        known = await self._rows()
        try:
            await self._store.journal.append(*records)
        except BaseException:
            self._newest = None  # it may be on disk all the same: read before the next one
            raise
        known[row["document_id"]] = row

    async def _rows(self) -> dict[str, dict[str, Any]]:
        if self._newest is None:
            async with self._loading:
                if self._newest is None:
                    reader = self._store.reader
                    self._newest = await READS.call(documents.newest_rows, store=reader)
        return self._newest

    async def _row(self, document_id: str) -> dict[str, Any] | None:
        return (await self._rows()).get(document_id)

    async def _done(self, document_id: str, action_id: str) -> dict[str, Any] | None:
        """The row that this action has written before a crash, or an error of the store."""
        if await self._row(document_id) is None:
            return None
        rows = await READS.call(documents.document_rows, document_id, store=self._store.reader)
        return next((row for row in rows if row["action_id"] == action_id), None)

    # -- contents

    async def _with_data(self, draft: Draft) -> Draft:
        if draft.data is not None:
            return draft
        if draft.blob is not None:
            folder = self._store.folder.path
            return replace(draft, data=await DOCUMENTS.call(blobs.get, folder, draft.blob))
        settings = self._settings()
        outside = Outside(tuple(settings.http_hosts), frozenset(settings.http_inner_hosts))
        fetcher = Fetcher(outside, size_bytes=blobs.MAX_BYTES, time_s=_FETCH_S)
        page = await fetcher.fetch(Request(draft.source, elsewhere=draft.elsewhere))
        if page.status != _OK:
            raise DocumentError(f"{draft.source}: it answered {page.status}; expected {_OK}")
        if page.cut:
            raise DocumentError(f"{draft.source}: it has more than {blobs.MAX_BYTES:,} bytes")
        return replace(draft, data=page.body, media_type=page.content_type, charset=page.charset)


def _made(
    draft: Draft, document_id: str, version: int, digest: str
) -> tuple[dict[str, Any], list[Record]]:
    """The row of a version, and its record with those of its chunks. Blocks."""
    data = draft.data or b""
    found: Read = read(data, draft.source, draft.media_type, draft.charset)
    # Here, and not on the way to the journal alone: it would move the places of what follows.
    text, at = redaction.redactor().text(found.text), now_us()
    pieces = chunks_of(text)
    row = {
        "document_id": document_id, "version": version, "state": STORED,
        "source": draft.source, "title": draft.title or found.title,
        "media_type": found.media_type, "sha256": digest, "size_bytes": len(data),
        "chars": len(text), "chunks": len(pieces), "actor": draft.actor,
        "agent_id": draft.agent_id, "session_id": draft.session_id,
        "action_id": draft.action_id, "at": at,
    }  # fmt: skip
    records = [
        chunks.record({
            "document_id": document_id, "version": version, "number": number,
            "from_char": piece.from_char, "to_char": piece.to_char, "heading": piece.heading,
            "text": piece.text, "actor": draft.actor, "at": at,
        })
        for number, piece in enumerate(pieces, 1)
    ]  # fmt: skip
    return row, [*records, documents.record(row)]


def _stored(row: dict[str, Any], *, is_new: bool) -> Stored:
    return Stored(row["document_id"], row["version"], is_new, row["title"], row["chars"])
