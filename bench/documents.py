"""Adding pages of documentation while sessions tick: until they are stored, and until found."""

import ast
import asyncio
import html
import site
import sysconfig
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import queue_imp
from bench.measure import LagProbe, create_fleet, disk_bytes, runtime_on, until
from reins.search.index import VECTORS, WORDS, behind
from store.folder import DataFolder
from store.queue import reading as queue_reading
from store.reading import Reader

_HEARTBEAT_S = 3.0
_LIMIT_S = 600.0
_LEAST_CHARS = 1_500
"""Of a page: what modules say in less is not much of a documentation."""
_MOST_CHARS = 20_000


async def run(data: Path, *, sessions: int, pages: int) -> dict[str, Any]:
    """Seconds from the first page that is handed over, as a file, to the last that is there."""
    texts = list(documentation(pages))
    async with runtime_on(data, search="meaning") as runtime:
        await create_fleet(runtime, sessions, _HEARTBEAT_S)
        folder, reader = DataFolder(data), Reader(data)
        with LagProbe() as probe:
            began = time.perf_counter()
            await asyncio.to_thread(_add, texts)
            handed_over_s = time.perf_counter() - began
            await until(lambda: queue_reading.depth(reader) == 0, _LIMIT_S)
            stored_s = time.perf_counter() - began
            with folder.read_log() as log:
                newest = 0 if log is None else log.newest_number()
            found_s = {
                part: await _come_to(folder, part, newest, began) for part in (WORDS, VECTORS)
            }
        rows = queue_imp.list_documents()
    if len(rows) != pages:
        raise RuntimeError(f"{len(rows)} documents are stored; expected {pages}")
    return {
        "sessions": sessions,
        "pages": pages,
        "chars": sum(row["chars"] for row in rows),
        "chunks": sum(row["chunks"] for row in rows),
        "handed_over_s": round(handed_over_s, 2),
        "stored_s": round(stored_s, 2),
        "pages_per_s": round(pages / stored_s, 1),
        "found_s": {part: round(each, 2) for part, each in found_s.items()},
        "loop_lag_ms": probe.figures(),
        "disk_bytes_a_page": round(disk_bytes(data) / pages),
    }


def documentation(pages: int) -> Iterator[tuple[str, bytes]]:
    """Names and bytes of pages: what the modules here say of themselves, in Markdown and HTML."""
    made = 0
    for path in _modules():
        text = _page_of(path)
        if len(text) < _LEAST_CHARS:
            continue
        made += 1
        if made % 2:
            yield f"{made}/{path.stem}.md", text.encode("utf-8", "replace")
        else:
            parts = "".join(f"<p>{html.escape(part)}</p>\n" for part in text.split("\n\n"))
            page = f"<!doctype html><title>{path.stem}</title><script>0</script><body>{parts}"
            yield f"{made}/{path.stem}.html", page.encode("utf-8", "replace")
        if made == pages:
            return
    raise RuntimeError(f"the modules here have {made} pages of documentation; expected {pages}")


def _modules() -> Iterator[Path]:
    for folder in (sysconfig.get_path("stdlib"), *site.getsitepackages()):
        yield from sorted(Path(folder).rglob("*.py"))


def _page_of(path: Path) -> str:
    """The docstrings of a module, each under the name of what it is of."""
    try:
        module = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError, OSError):
        return ""
    parts = [f"# {path.stem}", ast.get_docstring(module) or ""]
    for node in ast.walk(module):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            said = ast.get_docstring(node)
            parts += [f"## {node.name}", said] if said else []
    text = "\n\n".join(part for part in parts if part).replace("\0", "")
    return text[:_MOST_CHARS]


def _add(texts: list[tuple[str, bytes]]) -> None:
    for name, data in texts:
        queue_imp.add_document(name, "bench", data=data)


async def _come_to(folder: DataFolder, part: str, newest: int, began: float) -> float:
    """Seconds until a part of the index has come to a row."""

    def is_there() -> bool:
        with folder.read_log() as log:
            now = 0 if log is None else log.newest_number()
        return now - behind(folder).get(part, now) >= newest

    await until(is_there, _LIMIT_S)
    return time.perf_counter() - began
