"""The files of a folder as they are: plain ones whose paths match, in bounds, and their digests."""

import hashlib
import os
import re
import stat
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import NamedTuple

MAX_FILES = 1_000
"""Files of one watch: what it saw of each is kept."""
_MAX_WALKED = 20_000
_MAX_DIGEST_BYTES = 64 << 20
_CHUNK_BYTES = 1 << 20


class WatchRefusedError(Exception):
    """The folder may not be looked at, or cannot be; the message says why."""


class Stat(NamedTuple):
    """A file's size, and when it was changed last, in nanoseconds since 1970."""

    size_bytes: int
    mtime_ns: int


def scan(folder: Path, pattern: str) -> tuple[dict[str, Stat], list[Path]]:
    """The plain files below a folder whose paths match, links left out, and the folders. Blocks.

    Raises: WatchRefusedError, where there are too many; OSError.
    """
    parts = pattern.split("/")
    matches = matching(pattern).fullmatch
    depth = None if "**" in parts else len(parts) - 1
    hidden = any(part.startswith(".") for part in parts)
    walked = 0
    found: dict[str, Stat] = {}
    walked_folders: list[Path] = []
    folders: list[tuple[str, int]] = [("", 0)]
    while folders:
        below, level = folders.pop()
        if (listed := _listed(folder, below)) is None:
            continue
        walked_folders.append(folder / below)
        with listed as entries:
            for each in entries:
                walked += 1
                if walked > _MAX_WALKED:
                    raise WatchRefusedError(
                        f"{folder} holds more than {_MAX_WALKED} files and folders; watch a "
                        "smaller one, or without **"
                    )
                if each.name.startswith(".") and not hidden:
                    continue
                item = f"{below}/{each.name}" if below else each.name
                if each.is_dir(follow_symlinks=False):
                    if depth is None or level < depth:
                        folders.append((item, level + 1))
                elif matches(item) and (known := _stat(each)) is not None:
                    found[item] = known
                    if len(found) > MAX_FILES:
                        raise WatchRefusedError(
                            f"{pattern} of {folder} are more than {MAX_FILES} files; narrow the "
                            "pattern"
                        )
    return found, walked_folders


def _listed(folder: Path, below: str) -> AbstractContextManager[Iterator[os.DirEntry[str]]] | None:
    """The entries of a folder; None where one below has gone since. Raises: OSError."""
    try:
        return os.scandir(folder / below)
    except (FileNotFoundError, NotADirectoryError):
        if not below:
            raise
        return None


def matching(pattern: str) -> re.Pattern[str]:
    """The paths that a pattern means. Raises: WatchRefusedError, where it means none."""
    try:
        return re.compile(expression(pattern.split("/")))
    except re.error as error:
        raise WatchRefusedError(f"{pattern!r} is no pattern of paths: {error}") from None


def _stat(entry: os.DirEntry[str]) -> Stat | None:
    try:
        known = entry.stat(follow_symlinks=False)
        entry.name.encode()
    except (FileNotFoundError, UnicodeEncodeError):
        return None  # it has gone since; or no text can name it
    return Stat(known.st_size, known.st_mtime_ns) if stat.S_ISREG(known.st_mode) else None


def expression(parts: Sequence[str]) -> str:
    """A pattern of paths as a regular expression; ** stands for any number of folders."""
    made = ""
    for at, part in enumerate(parts):
        last = at == len(parts) - 1
        if part == "**":
            made += r"(?:[^/]+/)*[^/]+" if last else r"(?:[^/]+/)*"
        else:
            made += _of_name(part) + ("" if last else "/")
    return made


def _of_name(part: str) -> str:
    made, at = "", 0
    while at < len(part):
        sign = part[at]
        closing = part.find("]", at + 2) if sign == "[" else -1
        if closing > 0:
            inner = part[at + 1 : closing].replace("\\", r"\\").replace("[", r"\[")
            made += f"(?!/)[{'^' + inner[1:] if inner.startswith('!') else inner}]"
            at = closing
        else:
            made += {"*": "[^/]*", "?": "[^/]"}.get(sign) or re.escape(sign)
        at += 1
    return made


def digest_of(path: Path, size_bytes: int) -> str | None:
    """The SHA-256 of a file, in hexadecimal; None of a very large one. Raises: OSError. Blocks."""
    if size_bytes > _MAX_DIGEST_BYTES:
        return None
    hashed = hashlib.sha256()
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    left = _MAX_DIGEST_BYTES
    with os.fdopen(descriptor, "rb") as file:
        while left > 0 and (piece := file.read(_CHUNK_BYTES)):
            hashed.update(piece)
            left -= len(piece)
    return hashed.hexdigest()
