"""The helpers of documents: what any process asks, worker running or not."""

import stat
from pathlib import Path
from typing import Any

from agent_core.actions.documents import MAX_INLINE, checked_source, document_id_of, is_address
from agent_core.actions.ids import ActionError
from reins import redaction
from reins.documents import blobs
from reins.sending import ask
from store import chunks, documents
from store.documents import STORED
from store.folder import DataFolder
from store.reading import reader


def add_document(
    source: str | Path,
    actor: str,
    *,
    text: str | None = None,
    data: bytes | None = None,
    media_type: str | None = None,
    title: str | None = None,
    action_id: str | None = None,
) -> str:
    """Ask that a document is stored: a file, an address (http, https), or `text` or `data` under
    the name `source`. The receipt has its version as `applied_seq`.

    What comes from the same `source` is a version of the same document; the same bytes are no new
    one. Raises: ActionError.
    """
    if text is not None and data is not None:
        raise ActionError("text and data are given; expected one of them")
    if text is None and data is None and not is_address(str(source)):
        path = Path(source)
        data, source = file_bytes(path), str(path.resolve())
    checked_source(str(source))
    parts: dict[str, Any] = {"text": text, "media_type": media_type}
    if text is not None:
        parts |= text_parts(reader().folder, text, media_type)
    elif data is not None:
        parts["blob"] = put_blob(reader().folder, data)
    return ask("document_add", actor, action_id=action_id, source=str(source), title=title, **parts)


def remove_document(document_id: str, actor: str, *, action_id: str | None = None) -> str:
    """Ask that a document is found no more; its versions stay, and so do citations of them."""
    return ask("document_remove", actor, action_id=action_id, document_id=document_id)


def list_documents(*, removed: bool = False) -> list[dict[str, Any]]:
    """The newest version of each document, the newest first; with `removed` also what ended."""
    return documents.list_documents(removed=removed)


def document_text(
    document_id: str, version: int | None = None, from_char: int = 0, to_char: int | None = None
) -> str:
    """The stored text of a version, by default the newest. Raises: ActionError where none is.

    **Units**: characters are code points, the first is 0, the last is not included.
    """
    row = documents.get_document(document_id, version)
    if row is None or (version is None and row["state"] != STORED):
        raise ActionError(f"there is no document {document_id!r:.80}; see list_documents()")
    return chunks.text_of(document_id, row["version"], from_char, to_char)


def document_id(source: str | Path) -> str:
    """The id of the document that comes from a file, an address or a name."""
    plain = isinstance(source, str) and (is_address(source) or not Path(source).exists())
    return document_id_of(str(source) if plain else str(Path(source).resolve()))


def file_bytes(path: Path) -> bytes:
    """The bytes of a file that may be a document. Raises: ActionError."""
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            raise ActionError(f"{path} is no file; expected one, or an address")
        blobs.check_size(found.st_size)
        return path.read_bytes()
    except blobs.BlobError as error:
        raise ActionError(f"{path}: {error}") from None
    except OSError as error:
        raise ActionError(f"{path} cannot be read: {error.strerror or error}") from None


def text_parts(folder: DataFolder, text: str, media_type: str | None) -> dict[str, Any]:
    """How an action has a text: itself, or handed over where it is long. Raises: ActionError."""
    if len(text) <= MAX_INLINE:
        return {"text": text, "media_type": media_type}
    handed = put_blob(folder, redaction.redactor().text(text).encode())
    return {"text": None, "blob": handed, "media_type": media_type or "text/markdown"}


def put_blob(folder: DataFolder, data: bytes) -> str:
    """Hand bytes over to the worker of a folder; returns their digest. Raises: ActionError."""
    folder.prepare()
    try:
        return blobs.put(folder.path, data)
    except blobs.BlobError as error:
        raise ActionError(str(error)) from None
