"""A program: search below the working folder, where there is no ripgrep.

It runs in a process of its own, since a regular expression that backtracks can only be killed; it
imports nothing of ours, so that it starts within some milliseconds. No link is followed: what is
opened is opened beneath the folder before it.
"""

import os
import re
import stat
import sys
from collections.abc import Iterator

FILE_BYTES = 16 << 20
LINE = 300
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK


def files(name: str, above: int, path: str, skipped: frozenset[str]) -> Iterator[tuple[str, bytes]]:
    """The files at and below a name in the open folder `above`, with their contents."""
    try:
        descriptor = os.open(name, _FILE, dir_fd=above)
    except OSError:
        return  # a link, gone meanwhile, or not ours to read
    try:
        found = os.fstat(descriptor)
        if stat.S_ISREG(found.st_mode) and found.st_size <= FILE_BYTES:
            with os.fdopen(descriptor, "rb", closefd=False) as file:
                yield path, file.read(FILE_BYTES)
        elif stat.S_ISDIR(found.st_mode):
            with os.scandir(descriptor) as scanned:
                names = sorted(each.name for each in scanned if each.name not in skipped)
            for each in names:
                yield from files(each, descriptor, f"{path}/{each}" if path else each, skipped)
    finally:
        os.close(descriptor)


def main(pattern: str, path: str, most: int, skipped: frozenset[str]) -> int:
    """Print the lines that match as `path:number:line`; 0 if any does, 1 if none, 2 if wrong."""
    try:
        sought = re.compile(pattern)
    except re.error as error:
        sys.stdout.write(f"no regular expression: {error}\n")
        return 2
    parts = [each for each in path.split("/") if each not in ("", ".")]
    try:
        at = os.open(".", _FOLDER)
        for part in parts[:-1]:
            at = os.open(part, _FOLDER, dir_fd=at)
    except OSError as error:
        sys.stdout.write(f"{path}: {error.strerror}\n")
        return 2
    count = 0
    for name, content in files(parts[-1] if parts else ".", at, "/".join(parts), skipped):
        if b"\0" in content[:1_024]:
            continue
        for number, line in enumerate(content.decode("utf-8", "replace").split("\n"), 1):
            if sought.search(line):
                text = f"{name}:{number}:{line[:LINE]}\n"
                sys.stdout.buffer.write(text.encode("utf-8", "backslashreplace"))
                count += 1
                if count > most:
                    return 0
    return 0 if count else 1


if __name__ == "__main__":
    _, given, place, limit, *left_out = sys.argv
    sys.exit(main(given, place, int(limit), frozenset(left_out)))
