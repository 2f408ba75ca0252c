"""A file as the text that is stored: what it is, by its bytes and its name, and what it says."""

import json
import mimetypes
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from reins.documents.blobs import BlobError, check_size
from reins.tools.web.charsets import is_text, text_of, without_unseen
from reins.tools.web.markdown import write

MAX_CHARS = 4_000_000
"""Of a text: some 1,500 printed pages."""
_MEMORY_BYTES = 1 << 30
_CPU_S, _WALL_S = 30, 60
_HTML = ("text/html", "application/xhtml+xml")
_OFFICE = {
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": "pptx",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
}
_PDF = "application/pdf"
_PDF_HEAD_BYTES = 1_024
_UNKNOWN = ("", "application/octet-stream", "binary/octet-stream")
_OWN_TYPES = {".md": "text/markdown", ".markdown": "text/markdown", ".rst": "text/x-rst",
              **{f".{kind}": media for media, kind in _OFFICE.items()}}  # fmt: skip
_TITLE_CHARS = 300
_FIRST_HEADING = re.compile(r"^#{1,2}[ \t]+(\S.*)", re.MULTILINE)
_CHILD = Path(__file__).with_name("child.py")


class UnreadableError(ValueError):
    """The file has no text that can be read; the message says why."""


@dataclass(frozen=True, slots=True)
class Read:
    """The text that was read of a file."""

    title: str
    text: str
    media_type: str


def read(data: bytes, source: str, media_type: str = "", charset: str | None = None) -> Read:
    """The text of a file. Blocks for a while. Raises: UnreadableError."""
    try:
        check_size(len(data))
    except BlobError as error:
        raise UnreadableError(str(error)) from None
    kind = kind_of(data, source, media_type)
    title = ""
    if _is_packed(kind):
        text = without_unseen(_by_child(data, _OFFICE.get(kind, "pdf")))
    else:
        text = text_of(data, charset)
        if kind in _HTML:
            written = write(text, source if "://" in source else "")
            if written.cut:
                raise UnreadableError("it has more tags than are read; part it")
            title, text = written.title, written.text
    if not text.strip():
        raise UnreadableError("it has no text; what is scanned has to be made text first")
    if len(text) > MAX_CHARS:
        raise UnreadableError(f"it has {len(text):,} characters; {MAX_CHARS:,} are taken. Part it")
    return Read(_title(title, text, source, kind), text, kind or "text/plain")


def kind_of(data: bytes, source: str, media_type: str = "") -> str:
    """The media type of a file. Raises: UnreadableError where there can be no text in it."""
    kind = _kind(data, source, media_type)
    if not _is_packed(kind) and not is_text(kind, data):
        raise UnreadableError(
            f"it is {_as_what(kind)}; expected text, Markdown, HTML, code, PDF, or docx, pptx "
            "and xlsx"
        )
    return kind


def _is_packed(kind: str) -> bool:
    return kind == _PDF or kind in _OFFICE


def _kind(data: bytes, source: str, media_type: str) -> str:
    """Its media type: by its bytes, by what was said of it, by its name."""
    if b"%PDF-" in data[:_PDF_HEAD_BYTES]:
        return _PDF
    named = _type_of_name(source)
    said = media_type.partition(";")[0].strip().lower()
    if data.startswith(b"PK\x03\x04"):
        return next((each for each in (said, named) if each in _OFFICE), "application/zip")
    kind = named if said in _UNKNOWN else said
    if kind in _OFFICE or kind == _PDF:
        raise UnreadableError(f"it says that it is {kind}, and its bytes are something else")
    begins = data[:_PDF_HEAD_BYTES].lstrip().lower()
    if kind in _UNKNOWN and begins.startswith((b"<!doctype html", b"<html")):
        return "text/html"
    if kind and not is_text(kind, b"") and is_text("", data) and said in _UNKNOWN:
        return "text/plain"  # names of files of code stand for films and the like, too
    return kind


def _as_what(kind: str) -> str:
    says_text = kind.startswith("text/")
    return f"no {kind}, since it has a zero byte" if says_text else kind or "binary"


def _type_of_name(source: str) -> str:
    path = PurePosixPath(urlsplit(source).path if "://" in source else source)
    suffix = path.suffix.lower()
    return _OWN_TYPES.get(suffix) or mimetypes.types_map.get(suffix, "")


def _title(title: str, text: str, source: str, kind: str) -> str:
    found = _FIRST_HEADING.search(text[:20_000]) if kind in ("text/markdown", *_HTML) else None
    given = title or (found[1] if found else "") or PurePosixPath(source).name or source
    return " ".join(given.split())[:_TITLE_CHARS]


def _by_child(data: bytes, kind: str) -> str:
    line = [sys.executable, "-I", str(_CHILD), kind, str(MAX_CHARS), str(_MEMORY_BYTES)]
    try:
        ended = subprocess.run(  # noqa: S603 - our own program, by its path
            [*line, str(_CPU_S)], input=data, capture_output=True, timeout=_WALL_S, check=False,
            env={"PYTHONDONTWRITEBYTECODE": "1"}, cwd="/",
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise UnreadableError(f"it is not read within {_WALL_S} s") from None
    try:
        answer = json.loads(ended.stdout)
    except ValueError:
        raise UnreadableError(
            f"whoever reads it has ended ({ended.returncode}): it takes more than {_CPU_S} s or "
            f"{_MEMORY_BYTES >> 20} MiB"
        ) from None
    if "missing" in answer:
        raise UnreadableError(
            f"reading {kind} needs {answer['missing']}: pip install 'reins[documents]'"
        )
    if "error" in answer:
        raise UnreadableError(answer["error"])
    return str(answer["text"]).replace("\r\n", "\n")
