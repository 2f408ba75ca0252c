"""Documents: adding texts, files and addresses, reading their passages, ending them."""

import threading
from dataclasses import asdict
from typing import Annotated, Any, Literal, Self

from flask import Response
from flask_openapi3.models import RawModel
from pydantic import Field, model_validator
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge

import queue_imp
from agent_core.actions.actors import Actor
from agent_core.actions.documents import MAX_TITLE, DocumentId, Source, is_address
from reins.documents import blobs
from reins.documents.asking import text_parts
from reins.documents.citing import Checked, checked
from reins.web.api.accepted import ACCEPTED, IF_ROOM, accepted
from reins.web.api.context import ApiContext, api_context
from reins.web.http.fields import ActorBody, Digits, Flag, Input, Number, Words
from reins.web.http.idempotency import KeyHeader
from reins.web.http.openapi import group
from reins.web.http.paging import cursor_of, parts_of
from reins.web.http.problem import RequestRefusedError, refusals, unfit, unknown
from reins.web.views.rows import Row, Wire
from store import chunks, documents
from store.times import iso

api = group("documents", "documents")
_AT_ONCE = threading.BoundedSemaphore(4)
"""Files that come in at the same time: each has a thread, and some disk."""
_MOST_CHARS = 100_000
_CHARS = 20_000
_PASSAGE_CHARS = 2_000
"""Of a passage that is cited."""
_Title = Annotated[Words, Field(min_length=1, max_length=MAX_TITLE)] | None


class DocumentPath(Input):
    document_id: DocumentId


class DocumentsQuery(Input):
    removed: Annotated[Flag, Field(description="also what was removed")] = False
    limit: Annotated[int, Field(ge=1, le=1_000), Digits] = 100
    cursor: Words = ""


class DocumentAddBody(ActorBody):
    source: Annotated[Source, Field(description="an address, or the name of the text")]
    text: Annotated[Words | None, Field(description="without one, source is an address")] = None
    media_type: Annotated[Words, Field(max_length=MAX_TITLE)] | None = None
    title: _Title = None

    @model_validator(mode="after")
    def _has_content(self) -> Self:
        if self.text is None and not is_address(self.source):
            raise ValueError(
                "give text, or an address (http://, https://) as source; a file is sent to "
                "/api/documents/files"
            )
        return self


class DocumentFileQuery(Input):
    actor: Annotated[Actor, Field(description="who asks")]
    source: Annotated[Source, Field(description="the name of the file")]
    title: _Title = None


class DocumentFile(RawModel):
    mimetypes = ["application/octet-stream"]  # noqa: RUF012 - as the framework has it


class DocumentVersionQuery(Input):
    version: Annotated[Number | None, Field(description="if not the newest")] = None


class DocumentTextQuery(DocumentVersionQuery):
    from_char: Annotated[Number, Field(description="the first character, from 0")] = 0
    to_char: Annotated[
        Number | None, Field(description=f"behind the last; {_CHARS:,} characters without")
    ] = None


class DocumentRemoveQuery(Input):
    actor: Annotated[Actor, Field(description="who asks")]


class DocumentRow(Wire):
    """A version of a document, or its end."""

    document_id: str
    version: int
    state: Literal["stored", "removed"]
    source: str
    title: str
    media_type: str
    sha256: str
    size_bytes: int
    chars: int
    chunks: int
    actor: str
    agent_id: str | None
    session_id: str | None
    at: str


class DocumentFolder(Wire):
    """A folder that the worker follows; `trouble` says why it does not, and is null where it does
    or where the worker is in another process.
    """

    path: str
    trouble: str | None


class DocumentList(Wire):
    """A page of the documents as they are now, the newest first; `folders` are those whose files
    are documents.
    """

    items: list[DocumentRow]
    next_cursor: str | None
    folders: list[DocumentFolder]


class DocumentDetail(Wire):
    """A document as it is now, and all that became of it, the oldest first."""

    document: DocumentRow
    rows: list[DocumentRow]


class CitationsBody(Input):
    text: Annotated[Words, Field(max_length=_MOST_CHARS, description="what cites documents")]


class CheckedCitation(Wire):
    """A citation, looked up: `passage` stands at its place in the stored version; `why` says what
    is wrong with it, and is null where its words stand there.
    """

    document_id: str
    version: int
    from_char: int
    to_char: int
    quote: str | None
    title: str
    passage: str
    why: str | None


class CitationList(Wire):
    """The citations of a text, in their order."""

    items: list[CheckedCitation]


class CitedPassage(CheckedCitation):
    """A citation with the row or the message in which it stands."""

    source: Literal["step", "message", "memory", "session", "action"]
    session_id: str | None
    conversation_id: str | None
    agent_id: str | None
    actor: str | None
    number: int | None
    at: str


class CitedPassageList(Wire):
    """The citations of a document, the newest first."""

    items: list[CitedPassage]


class DocumentText(Wire):
    """A passage of a version; `text` is from `from_char` to `to_char`, of `chars` in all."""

    document_id: str
    version: int
    from_char: int
    to_char: int
    chars: int
    text: str


@api.get("/api/documents", responses={200: DocumentList})
def list_documents(query: DocumentsQuery) -> dict[str, Any]:
    """Documents, the newest first."""
    rows = documents.list_documents(removed=query.removed, store=api_context().bridge.store)
    if query.cursor:
        at, document_id = parts_of(query.cursor, str, str)
        rows = [row for row in rows if (iso(row["at"]), row["document_id"]) < (at, document_id)]
    shown = rows[: query.limit]
    more = len(shown) < len(rows)
    return {
        "items": [_shown(row) for row in shown],
        "next_cursor": cursor_of(str(iso(shown[-1]["at"])), shown[-1]["document_id"])
        if more
        else None,
        "folders": [
            {"path": str(each.path), "trouble": each.trouble}
            for each in api_context().bridge.document_folders()
        ],
    }


@api.post("/api/documents", responses={**IF_ROOM, **refusals(400, 413, 415)})
def add_document(header: KeyHeader, body: DocumentAddBody) -> Response:
    """Store a text, or what is at an address: a version of the document of that source."""
    context = api_context()

    def make() -> dict[str, Any]:
        parts: dict[str, Any] = {"text": body.text, "media_type": body.media_type}
        if body.text is not None:
            parts |= text_parts(context.bridge.store.folder, body.text, body.media_type)
        return queue_imp.create_action(
            "document_add", body.actor, source=body.source, title=body.title, **parts
        )

    return accepted(context, header, make)


@api.post("/api/documents/files", responses={**IF_ROOM, **refusals(400, 413)})
def add_document_file(query: DocumentFileQuery, raw: DocumentFile) -> Response:
    """Store a file, sent as the body: a version of the document of that source."""
    context = api_context()

    def make() -> dict[str, Any]:
        digest = _received(context, raw)
        return queue_imp.create_action(
            "document_add", query.actor, source=query.source, blob=digest, title=query.title,
            media_type=raw.mimetype[:MAX_TITLE] or None,
        )  # fmt: skip

    # Without a key: the same bytes, sent again, are no new version.
    return accepted(context, KeyHeader(), make)


@api.get("/api/documents/<segment:document_id>", responses={200: DocumentDetail, **refusals(404)})
def get_document(path: DocumentPath) -> dict[str, Any]:
    """A document, with its versions."""
    rows = documents.document_rows(path.document_id, store=api_context().bridge.store)
    if not rows:
        raise _unknown(path)
    return {"document": _shown(rows[-1]), "rows": [_shown(row) for row in rows]}


@api.get(
    "/api/documents/<segment:document_id>/text", responses={200: DocumentText, **refusals(404)}
)
def get_document_text(path: DocumentPath, query: DocumentTextQuery) -> dict[str, Any]:
    """A passage of a version, as it is stored; of one that was removed, too."""
    store = api_context().bridge.store
    rows = documents.document_rows(path.document_id, store=store)
    found = [row for row in rows if query.version in (None, row["version"])]
    if not found:
        raise _unknown(path)
    row, begins = found[-1], query.from_char
    ends = begins + _CHARS if query.to_char is None else query.to_char
    ends = min(ends, begins + _MOST_CHARS, row["chars"])
    text = chunks.text_of(path.document_id, row["version"], begins, ends, store=store)
    return {
        "document_id": path.document_id, "version": row["version"], "from_char": begins,
        "to_char": begins + len(text), "chars": row["chars"], "text": text,
    }  # fmt: skip


@api.get(
    "/api/documents/<segment:document_id>/citations",
    responses={200: CitedPassageList, **refusals(404)},
)
def list_citations_of_document(path: DocumentPath) -> dict[str, Any]:
    """Where a document is cited, and by whom."""
    from reins.documents.cited import cited_in  # noqa: PLC0415 - brings the search

    store = api_context().bridge.store
    if not documents.document_rows(path.document_id, store=store):
        raise _unknown(path)
    names = ("source", "session_id", "conversation_id", "agent_id", "actor", "number")
    return {
        "items": [
            _citation(each.checked)
            | {name: each.row[name] for name in names}
            | {"at": iso(each.row["at"])}
            for each in cited_in(path.document_id, store)
        ]
    }


@api.post("/api/citations", responses={200: CitationList, **refusals(400, 413, 415)})
def check_citations(body: CitationsBody) -> dict[str, Any]:
    """Look up the citations of a text, so that none is shown that does not stand there."""
    found = checked(body.text, api_context().bridge.store)
    return {"items": [_citation(each) for each in found]}


@api.delete("/api/documents/<segment:document_id>", responses={**ACCEPTED, **refusals(404, 409)})
def remove_document(path: DocumentPath, query: DocumentRemoveQuery) -> Response:
    """End a document: it is found no more, and its versions stay."""
    context = api_context()

    def make() -> dict[str, Any]:
        row = documents.get_document(path.document_id, store=context.bridge.store)
        if row is None:
            raise _unknown(path)
        if row["state"] == documents.REMOVED:
            raise RequestRefusedError(409, f"document {path.document_id} was removed before")
        return queue_imp.create_action("document_remove", query.actor, document_id=path.document_id)

    return accepted(context, KeyHeader(), make)


def _received(context: ApiContext, sent: DocumentFile) -> str:
    """The body as a file that was handed over. Raises: RequestRefusedError."""
    if not _AT_ONCE.acquire(blocking=False):
        raise RequestRefusedError(429, "too many files come in; try again", retry_after_s=2)
    try:
        sent.max_content_length = blobs.MAX_BYTES + 1
        folder = context.bridge.store.folder
        folder.prepare()
        return blobs.take(folder.path, sent.stream)
    except blobs.TooLargeError as error:
        raise RequestRefusedError(413, str(error)) from None
    except RequestEntityTooLarge:
        most = f"{blobs.MAX_BYTES:,} bytes are taken at the most"
        raise RequestRefusedError(413, f"the file is too large; {most}") from None
    except blobs.BlobError as error:
        raise unfit("body", str(error)) from None
    except (OSError, ClientDisconnected) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise RequestRefusedError(400, "the file cannot be read to its end; send it anew") from None
    finally:
        _AT_ONCE.release()


def _citation(found: Checked) -> dict[str, Any]:
    return {
        **asdict(found.citation), "title": found.title, "why": found.why,
        "passage": found.passage[:_PASSAGE_CHARS],
    }  # fmt: skip


def _unknown(path: DocumentPath) -> RequestRefusedError:
    return unknown("document", path.document_id, "see GET /api/documents")


def _shown(row: Row) -> dict[str, Any]:
    fields = {name: row[name] for name in DocumentRow.model_fields if name != "at"}
    return fields | {"at": iso(row["at"])}
