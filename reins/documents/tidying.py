"""Files of no document: what was handed over and came to nothing is removed at a start."""

import time
from pathlib import Path

import structlog

from store import documents
from store.queue import reading as queue_reading
from store.reading import Reader

_logger = structlog.get_logger(__name__)

_LEFT_S = 3_600.0
"""Seconds for which a file is left: who hands one over asks for its document right after."""


def tidy(store: Reader) -> int:
    """Remove the files of `blobs` that no document and no waiting action names; returns how many.

    Blocks. What cannot be removed stays, and is told in the log.
    """
    folder = store.folder.path / "blobs"
    old = [path for path in folder.glob("*") if _age_s(path) > _LEFT_S] if folder.is_dir() else []
    if not old:
        return 0
    named = {row["sha256"] for row in store.joined(documents.TABLE, {}, None)}
    for row in queue_reading.waiting(store, ("document_add",)):
        named.add(queue_reading.payload_of(row).get("blob"))
    removed = 0
    for path in old:
        if path.name not in named and _age_s(path) > _LEFT_S:  # nobody has handed it over again
            try:
                path.unlink()
                removed += 1
            except OSError as error:
                _logger.warning("a file of no document stays", path=str(path), error=str(error))
    return removed


def _age_s(path: Path) -> float:
    """Seconds since it was written; 0 of what is gone."""
    try:
        return time.time() - path.stat().st_mtime
    except OSError:
        return 0.0
