"""Results that are too long for a model, kept whole for people in the session's folder."""

import os
import re
from pathlib import Path

import structlog

from reins.tools.context import Context
from reins.tools.outcome import FOR_MODEL_BYTES

_logger = structlog.get_logger(__name__)
KEPT_BYTES = 32 << 20
"""Bytes of a result that are kept; its end is cut."""
_UNFIT = re.compile(r"[^A-Za-z0-9_.-]")


async def keep(tool: str, text: str, size_bytes: int, context: Context) -> str | None:
    """Write the result to a file where it is too long for a row; returns the file's name.

    None also where it cannot be written: the call has been made all the same.
    """
    if size_bytes <= FOR_MODEL_BYTES or context.results is None:
        return None
    name = f"{context.seq}-{_UNFIT.sub('_', tool)[:64]}.txt"
    try:
        await context.in_thread(_write, context.results, name, text)
    except OSError as error:
        _logger.warning("a tool's result is not kept whole", tool=tool, error=str(error))
        return None
    return name


def _write(folder: Path, name: str, text: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(folder / name, flags, 0o600), "wb") as file:
        file.write(text.encode("utf-8", "backslashreplace")[:KEPT_BYTES])
