"""Files of the workspace: listed, read in windows, written, edited by exact text, searched."""

from typing import Annotated

from pydantic import Field

from reins.tools.context import Context
from reins.tools.declaring import tool
from reins.tools.editing import edit
from reins.tools.outcome import ToolError
from reins.tools.sandbox.bubblewrap import owner
from reins.tools.searching import search
from reins.tools.workspace import Workspace, digest

_LINES = 400
_LINE_CHARACTERS = 2_000
_MARK = "a line of only NUL bytes"
Path = Annotated[str, Field(description="relative to the workspace", max_length=1_000)]


def workspace(context: Context) -> Workspace:
    """The workspace of the call, open. Raises: ToolError."""
    if context.workspace is None:
        raise ToolError("there is no workspace here; give the session one in its config")
    return Workspace(context.workspace, owner())


@tool(risk="low", idempotent=True)
def list_files(
    context: Context,
    path: Path = ".",
    depth: Annotated[int, Field(ge=1, le=8)] = 2,
    most: Annotated[int, Field(ge=1, le=2_000)] = 300,
) -> str:
    """List the files and folders below a folder of the workspace, with their sizes in bytes."""
    with workspace(context) as here:
        found = here.entries(path, depth=depth, most=most + 1)
    told = [
        f"{each.path}/"
        if each.kind == "folder"
        else f"{each.path}  {_told(each.kind, each.size_bytes)}"
        for each in found[:most]
    ]
    if len(found) > most:
        told.append(f"[more than {most}; list a folder below, or less deep]")
    return "\n".join(told) or "[empty]"


def _told(kind: str, size_bytes: int) -> str:
    return f"{size_bytes:,}" if kind == "file" else f"({kind})"


@tool(risk="low", idempotent=True)
def read_file(
    context: Context,
    path: Path,
    start: Annotated[int, Field(ge=1, description="number of the first line")] = 1,
    lines: Annotated[int, Field(ge=1, le=2_000)] = _LINES,
) -> str:
    """Read a text file of the workspace: a window of its lines, each with its number."""
    with workspace(context) as here:
        content = here.read(path)
    context.memory.setdefault("read", {})[path] = digest(content)
    text = _text(path, content).splitlines()
    if not text:
        return "[the file is empty]"
    if start > len(text):
        raise ToolError(f"{path} has {len(text)} lines; {start} lies behind its end")
    shown = text[start - 1 : start - 1 + lines]
    told = [f"{n:>6}\t{_cut(line)}" for n, line in enumerate(shown, start)]
    last = start - 1 + len(shown)
    if last < len(text):
        told.append(f"[lines {start} to {last} of {len(text)}]")
    return "\n".join(told)


def _cut(line: str) -> str:
    if len(line) <= _LINE_CHARACTERS:
        return line
    return f"{line[:_LINE_CHARACTERS]}[{len(line) - _LINE_CHARACTERS:,} characters left out]"


def _text(path: str, content: bytes) -> str:
    if b"\0" in content[:8_192]:
        raise ToolError(f"{path} is no text ({len(content):,} bytes); use a command to look at it")
    return content.decode("utf-8", "backslashreplace")


@tool(risk="medium", idempotent=True)
def write_file(
    context: Context, path: Path, content: Annotated[str, Field(max_length=1 << 20)]
) -> str:
    """Write a file of the workspace as a whole; folders above it are made."""
    data = content.encode("utf-8", "replace")
    with workspace(context) as here:
        here.write(path, data)
    context.memory.setdefault("read", {})[path] = digest(data)
    return f"{path} has {len(data):,} bytes now"


@tool(risk="medium")
def edit_file(context: Context, path: Path, old: str, new: str) -> str:
    """Replace a piece of text in a file; the old text must stand there once, line by line."""
    with workspace(context) as here:
        content = here.read(path)
        known = context.memory.get("read", {}).get(path)
        if known is not None and known != digest(content):
            raise ToolError(f"{path} has changed since it was read; read it again")
        try:
            text = content.decode()
        except UnicodeDecodeError:
            raise ToolError(f"{path} is not UTF-8; write it as a whole, or use a command") from None
        made = edit(text, old, new)
        data = made.content.encode("utf-8", "replace")
        here.write(path, data)
    context.memory.setdefault("read", {})[path] = digest(data)
    return f"{path} is edited" + ("" if made.how == "exact" else f" (found but for {made.how})")


@tool(risk="low", idempotent=True)
async def search_files(
    context: Context,
    pattern: Annotated[
        str, Field(min_length=1, max_length=1_000, description="a regular expression")
    ],
    path: Path = ".",
    most: Annotated[int, Field(ge=1, le=500)] = 100,
) -> str:
    """Search the workspace's text files for a regular expression; lines with file and number."""
    with workspace(context) as here:
        return await search(here, pattern, path, most, context)
