"""Small tasks, one of each way to use the tools, and what shows that they were done.

The goals are those of tests/integration/llm/test_offline_tasks.py.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

FILES = {"notes.txt": "Tea at four.\nBring the cake.\n", "a.py": "x = 1\n", "src/b.py": "y = 2\n"}
_LOOKS = ["read_file", "list_files", "search_files"]
_CHANGES = ["read_file", "list_files", "write_file"]


@dataclass(frozen=True)
class Small:
    """A goal, the tools for it, the first call that leads there, and what shows that it was met."""

    goal: str
    tools: list[str]
    begins: Callable[[str, dict], bool]
    says: str = ""
    file: tuple[str, str] | None = None

    def met(self, summary: str, workspace: Path) -> bool:
        if self.file is None:
            return self.says in summary
        name, text = self.file
        path = workspace / name
        return path.is_file() and path.read_text().strip() == text


def _first(tool: str, **given: str) -> Callable[[str, dict], bool]:
    return lambda name, arguments: name == tool and given.items() <= arguments.items()


def _lists(tool: str, arguments: dict) -> bool:
    return tool == "list_files" and arguments.get("path", ".") in {".", "./"}


SMALL = [
    Small("read notes.txt", _LOOKS, _first("read_file", path="notes.txt"), "Tea at four."),
    Small("List all files in src", _LOOKS, _first("list_files", path="src"), "b.py"),
    Small("count the files", _LOOKS, _lists, "3"),
    Small('search for "cake"', _LOOKS, _first("search_files", pattern="cake"), "notes.txt"),
    Small(
        'write "hello there" to out/new.txt', _CHANGES,
        _first("write_file", path="out/new.txt"), file=("out/new.txt", "hello there"),
    ),
    Small(
        "remember that my favourite colour is blue", ["remember", "recall"],
        lambda name, arguments: name == "remember" and "blue" in arguments["text"], "blue",
    ),
]  # fmt: skip
