"""Files of the workspace: listed, read in windows, written, edited by exact text, searched."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import PurePosixPath
from typing import Annotated, Any

from pydantic import Field

from reins.tools.beneath import where
from reins.tools.changes import LEFT_OUT, diff
from reins.tools.context import NO_WORKSPACE, Context
from reins.tools.declaring import tool
from reins.tools.editing import Edited, edit
from reins.tools.outcome import FOR_MODEL_BYTES, ToolError
from reins.tools.policy import Risk
from reins.tools.searching import search
from reins.tools.workspace import Entry, Workspace, digest

_LINES = 400
_LINE_CHARACTERS = 1_000
_WINDOW_BYTES = FOR_MODEL_BYTES - 256
_KNOWN = 200
"""Files of which is known what they held when they were read."""
_RUN_BY_OTHERS = frozenset(
    {".git", ".github", ".gitlab-ci.yml", ".circleci", ".husky", ".envrc", ".vscode", ".idea"}
)
Path = Annotated[str, Field(description="relative to the workspace", max_length=1_000)]


def workspace(context: Context) -> Workspace:
    """The workspace of the call, open. Raises: ToolError."""
    if context.workspace is None:
        raise ToolError(NO_WORKSPACE)
    return Workspace(context.workspace)


def _riskier(arguments: Mapping[str, Any], context: Context) -> Iterator[tuple[Risk, str]]:
    paths = [str(arguments.get("path", ""))]
    if context.workspace is not None:
        with suppress(OSError, ValueError):  # it is refused when it is opened
            paths.append(where(context.workspace, paths[0]))
    parts = {part.casefold() for path in paths for part in PurePosixPath(path).parts}
    if found := _RUN_BY_OTHERS.intersection(parts):
        yield Risk.high, f"other programs run what is in {min(found)}, outside of the sandbox"


def _touched(arguments: Mapping[str, Any], context: Context) -> str:
    path = str(arguments["path"])
    with workspace(context) as here:
        here.refuse_links(path)
        return here.digest(path)


def _left(arguments: Mapping[str, Any], _: Context) -> str:
    return digest(str(arguments["content"]).encode())


def _written(arguments: Mapping[str, Any], context: Context) -> dict[str, Any]:
    path = str(arguments["path"])
    with workspace(context) as here:
        is_new = here.digest(path) == "absent"
        old = "" if is_new else here.read(path).decode("utf-8", "backslashreplace")
    return _as_diff(path, old, str(arguments["content"]), is_new=is_new)


def _edited(arguments: Mapping[str, Any], context: Context) -> dict[str, Any]:
    path = str(arguments["path"])
    with workspace(context) as here:
        content, made = _edit(here, path, str(arguments["old"]), str(arguments["new"]), context)
    return _as_diff(path, content, made.content, is_new=False)


def _as_diff(path: str, old: str, new: str, *, is_new: bool) -> dict[str, Any]:
    shown = diff(path, old, new)
    cut = {"cut": True} if shown.endswith(LEFT_OUT) else {}
    return {"kind": "diff", "path": path, "new": is_new, "diff": shown, **cut}


@tool(risk="low", idempotent=True, attempts=1, breaker_failures=None)
def list_files(
    context: Context,
    path: Path = ".",
    depth: Annotated[int, Field(ge=1, le=8)] = 2,
    most: Annotated[int, Field(ge=1, le=2_000)] = 300,
) -> str:
    """List the files and folders below a folder of the workspace, with their sizes in bytes."""
    with workspace(context) as here:
        found = here.entries(path, depth=depth, most=most + 1)
    told = [_line(each) for each in found[:most]]
    if len(found) > most:
        told.append(f"[more than {most}; list a folder below, or less deep]")
    return "\n".join(told) or "[empty]"


def _line(entry: Entry) -> str:
    # A name may hold a line end, and look like two files.
    name = entry.path if entry.path.isprintable() else repr(entry.path)
    if entry.kind == "folder":
        return f"{name}/"
    return f"{name}  {entry.size_bytes:,}" if entry.kind == "file" else f"{name}  ({entry.kind})"


@tool(risk="low", idempotent=True, attempts=1, breaker_failures=None)
def read_file(
    context: Context,
    path: Path,
    start: Annotated[int, Field(ge=1, description="number of the first line")] = 1,
    lines: Annotated[int, Field(ge=1, le=2_000)] = _LINES,
) -> str:
    """Read a text file of the workspace: a window of its lines, each with its number."""
    with workspace(context) as here:
        content = here.read(path)
    _know(context, path, content)
    text = _text(path, content).split("\n")
    if text[-1] == "":
        text.pop()
    if not text:
        return "[the file is empty]"
    if start > len(text):
        raise ToolError(f"{path} has {len(text)} lines; line {start} lies behind its end")
    told = _window(text, start, lines)
    last = start + len(told) - 1
    if start > 1 or last < len(text):
        more = "" if last == len(text) else f"; go on with start={last + 1}"
        told.append(f"[lines {start} to {last} of {len(text)}{more}]")
    return "\n".join(told)


def _window(text: list[str], start: int, lines: int) -> list[str]:
    """Numbered lines, as many as a model is shown of one result."""
    told: list[str] = []
    room = _WINDOW_BYTES
    for number, line in enumerate(text[start - 1 : start - 1 + lines], start):
        shown = f"{number:>6}\t{_cut(line.removesuffix(chr(13)))}"
        room -= len(shown.encode()) + 1
        if room < 0 and told:
            break
        told.append(shown)
    return told


def _cut(line: str) -> str:
    if len(line) <= _LINE_CHARACTERS:
        return line
    return f"{line[:_LINE_CHARACTERS]}[{len(line) - _LINE_CHARACTERS:,} characters left out]"


def _text(path: str, content: bytes) -> str:
    if b"\0" in content[:8_192]:
        raise ToolError(f"{path} is no text ({len(content):,} bytes); look at it with a command")
    return content.decode("utf-8", "backslashreplace")


@tool(
    risk="medium",
    why="it writes a file",
    riskier=_riskier,
    touches=_touched,
    leaves=_left,
    preview=_written,
    idempotent=True,
    attempts=1,
    breaker_failures=None,
)
def write_file(
    context: Context, path: Path, content: Annotated[str, Field(max_length=1 << 20)]
) -> str:
    """Write a file of the workspace as a whole; folders above it are made."""
    data = content.encode()
    with workspace(context) as here:
        here.write(path, data)
    _know(context, path, data)
    return f"{path} has {len(data):,} bytes now"


@tool(
    risk="medium",
    why="it writes a file",
    riskier=_riskier,
    touches=_touched,
    preview=_edited,
    breaker_failures=None,
)
def edit_file(
    context: Context,
    path: Path,
    old: Annotated[str, Field(description="exact text, which stands in the file once")],
    new: str,
) -> str:
    """Replace a piece of text in a file of the workspace; the rest of the file stays."""
    with workspace(context) as here:
        _, made = _edit(here, path, old, new, context)
        data = made.content.encode()
        here.write(path, data)
    _know(context, path, data)
    but = "" if made.how == "exact" else f" (the old text was found, but for {made.how})"
    return f"{path} is edited from line {made.line} on{but}"


def _edit(here: Workspace, path: str, old: str, new: str, context: Context) -> tuple[str, Edited]:
    content = here.read(path)
    known = context.memory.get("read", {}).get(_key(path))
    if known is not None and known != digest(content):
        raise ToolError(f"{path} has changed since it was read; read it again")
    try:
        text = content.decode()
    except UnicodeDecodeError:
        raise ToolError(f"{path} is not UTF-8; write it as a whole, or use a command") from None
    return text, edit(text, old, new)


def _key(path: str) -> str:
    return str(PurePosixPath(path))


def _know(context: Context, path: str, content: bytes) -> None:
    """Remember what the file held; the files that were read longest ago are forgotten."""
    known: dict[str, str] = context.memory.setdefault("read", {})
    known.pop(_key(path), None)
    known[_key(path)] = digest(content)
    while len(known) > _KNOWN:
        del known[next(iter(known))]


@tool(risk="low", idempotent=True, attempts=1, breaker_failures=None)
async def search_files(
    context: Context,
    pattern: Annotated[
        str, Field(min_length=1, max_length=1_000, description="a regular expression")
    ],
    path: Path = ".",
    most: Annotated[int, Field(ge=1, le=500)] = 100,
) -> str:
    """Search the workspace's text files for a regular expression; lines with file and number."""
    if context.workspace is None:
        raise ToolError(NO_WORKSPACE)
    return await search(context.workspace, pattern, path, most)
