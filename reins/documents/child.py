"""A program of its own: reads a PDF or an office file from stdin, writes its text as JSON.

It imports nothing of ours, has so much memory and time, and is killed beyond: such files are made
to break their readers. `python child.py KIND MOST_CHARS MEMORY_BYTES CPU_S`
"""

import io
import json
import resource
import sys
import zipfile
from collections.abc import Iterator
from typing import Any

_UNPACKED_BYTES = 256 << 20
_ENTRIES = 20_000
_CELLS = 200
"""Of a row of a sheet."""


class Unreadable(Exception):  # noqa: N818 - told by its words alone
    """The words that a person reads."""


def pdf(data: bytes) -> Iterator[str]:
    """The pages' texts, each under its number."""
    import pypdf  # noqa: PLC0415 - an extra

    reader = pypdf.PdfReader(io.BytesIO(data))
    if reader.is_encrypted and not reader.decrypt(""):
        raise Unreadable("it is locked with a password; add it without one")
    for number, page in enumerate(reader.pages, 1):
        yield f"## Page {number}\n\n{page.extract_text().strip()}\n\n"


def docx(data: bytes) -> Iterator[str]:
    """Headings, paragraphs and tables, in their order."""
    import docx  # noqa: PLC0415 - an extra
    from docx.table import Table  # noqa: PLC0415 - an extra

    for part in docx.Document(io.BytesIO(data)).iter_inner_content():
        if isinstance(part, Table):
            yield "".join(_row(cell.text for cell in row.cells) for row in part.rows) + "\n"
            continue
        if part.text.strip():
            style = part.style.name if part.style is not None else ""
            level = style.rpartition(" ")[2] if style and style.startswith("Heading ") else ""
            mark = "#" * min(int(level), 6) + " " if level.isdigit() else ""
            yield f"{mark}{part.text.strip()}\n\n"


def pptx(data: bytes) -> Iterator[str]:
    """The texts of slides, their tables, and the speaker's notes."""
    import pptx  # noqa: PLC0415 - an extra

    for number, slide in enumerate(pptx.Presentation(io.BytesIO(data)).slides, 1):
        yield f"## Slide {number}\n\n"
        for shape in slide.shapes:
            if shape.has_text_frame and shape.text_frame.text.strip():
                yield f"{shape.text_frame.text.strip()}\n\n"
            if getattr(shape, "has_table", False):
                rows = shape.table.rows
                yield "".join(_row(cell.text for cell in row.cells) for row in rows) + "\n"
        if slide.has_notes_slide and (notes := slide.notes_slide.notes_text_frame) is not None:
            yield f"{notes.text.strip()}\n\n"


def xlsx(data: bytes) -> Iterator[str]:
    """The values of each sheet, a line a row."""
    import openpyxl  # noqa: PLC0415 - an extra

    book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
    for sheet in book.worksheets:
        yield f"## {sheet.title}\n\n"
        for row in sheet.iter_rows(values_only=True):
            cells = ["" if each is None else str(each) for each in row[:_CELLS]]
            if any(cells):
                yield _row(cells)
        yield "\n"


def _row(cells: Any) -> str:
    return " | ".join(" ".join(cell.split()) for cell in cells) + "\n"


def _check_packed(data: bytes) -> None:
    """Unpacked, a file is never more than what is said here: the reader stops there."""
    entries = zipfile.ZipFile(io.BytesIO(data)).infolist()
    size = sum(entry.file_size for entry in entries)
    if len(entries) > _ENTRIES or size > _UNPACKED_BYTES:
        raise Unreadable(
            f"it holds {len(entries):,} files of {size:,} bytes unpacked; "
            f"{_ENTRIES:,} of {_UNPACKED_BYTES:,} are read"
        )


_READERS = {"pdf": pdf, "docx": docx, "pptx": pptx, "xlsx": xlsx}


def main() -> None:
    kind, most, memory, cpu = sys.argv[1], *map(int, sys.argv[2:])
    resource.setrlimit(resource.RLIMIT_CPU, (cpu, cpu))
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    answer: dict[str, str] = {}
    try:
        data = sys.stdin.buffer.read()
        if kind != "pdf":
            _check_packed(data)
        parts, chars = [], 0
        for part in _READERS[kind](data):
            chars += len(part)
            if chars > most:
                raise Unreadable(f"it has more than {most:,} characters")  # noqa: TRY301
            parts.append(part)
        answer["text"] = "".join(parts)
    except Unreadable as error:
        answer["error"] = str(error)
    except MemoryError:
        answer["error"] = "it takes more memory than it is given to be read"
    except ImportError as error:
        answer["missing"] = str(error.name)
    except BaseException as error:  # noqa: BLE001 - the readers raise anything at broken files
        answer["error"] = f"it is broken: {type(error).__name__}: {error}"[:300]
    text = json.dumps(answer)
    sys.stdout.write(text)


if __name__ == "__main__":
    main()
