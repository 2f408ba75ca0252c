"""Reading what tools say: listings, numbered lines, pages, and which command runs the tests."""

import re
from collections.abc import Sequence
from pathlib import PurePosixPath

quoted = r"\"[^\"]*\"|'[^']*'|`[^`]*`|\u201c[^\u201d]*\u201d"
_NUMBERED = re.compile(r" *\d+\t(.*)")
_ENTRY = re.compile(r"(.+?)(?:/|  [\d,]+|  \(\w+\))")
_ENDS = re.compile(r"(?<=[.!?])\s+")
_TEST = re.compile(r"(?:test_\w*|\w*_test|tests?)\.py")
_HEAD = re.compile(r"\d{3} .* from |\[|<|Title: ")


def unquoted(text: str) -> str:
    text = text.strip()
    return text[1:-1] if re.fullmatch(quoted, text, re.DOTALL) else text


def lines_of(result: str) -> list[str]:
    """The lines of a file as `read_file` shows them, without their numbers."""
    found = [_NUMBERED.fullmatch(line) for line in result.split("\n")]
    if not any(found):
        return [] if result == "[the file is empty]" else result.split("\n")
    return [line[1] for line in found if line]


def entries(listing: str) -> list[str]:
    """The names in a listing; folders end in a slash."""
    found = [(line, _ENTRY.fullmatch(line)) for line in listing.split("\n")]
    return [match[1] + "/" * line.endswith("/") for line, match in found if match]


def is_test(path: str) -> bool:
    return bool(_TEST.fullmatch(PurePosixPath(path).name))


def test_command(files: Sequence[str], sources: Sequence[str]) -> list[str]:
    """The command for the tests: unittest where one of their sources uses it, else pytest."""
    if not any("unittest" in source for source in sources):
        return ["python3", "-m", "pytest", "-q"]
    folders = sorted({str(PurePosixPath(path).parent) for path in files if is_test(path)})
    return ["python3", "-m", "unittest", "discover", "-s", folders[0] if folders else "."]


def sentences(page: str, most: int) -> str:
    """The first sentences of a page, on one line."""
    lines = [line for line in page.split("\n") if line.strip() and not _HEAD.match(line)]
    text = " ".join(" ".join(lines).split())
    told = ""
    for sentence in _ENDS.split(text):
        if told and len(told) + len(sentence) > most // 2:
            break
        told = f"{told} {sentence}".strip()
    return told[:most] or "nothing that could be read"


def exit_code(result: str) -> int | None:
    """The exit code that a command's result begins with; None: it says none."""
    found = re.match(r"\[exit code (-?\d+)", result)
    return int(found[1]) if found else None
