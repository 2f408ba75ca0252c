"""The table of docs/architecture.md, held by a test: imports run one way, and never in a circle."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
OURS = ("app.py", "agents.py", "queue_imp.py", "agent_core", "agents_impl", "store", "reins")
FOR_ALL = {
    "reins.telemetry", "reins.logs", "reins.loops", "reins.jitter", "reins.redaction",
    "reins.shutdown", "reins.signals", "reins.threads", "reins.together",
    "reins.without",
}  # fmt: skip
ONLY_IN = {
    "lancedb": {"store", "reins.search"},
    "sqlite3": {"store", "reins.tools", "reins.kv"},
    "redis": {"reins.kv"},
    "psycopg": {"reins.kv"},
    "pyarrow": {"store", "reins.search", "reins.sql"},
    "duckdb": {"reins.sql"},
    "pandas": {"store", "reins.sql", "queue_imp"},
    "flask": {"reins.web"},
    "flask_openapi3": {"reins.web"},
    "flask_socketio": {"reins.web"},
    "socketio": {"reins.web"},
    "werkzeug": {"reins.web"},
    "prometheus_client": {"reins.web"},
    "baml_py": {"reins.llm"},
    "aiohttp": {"reins.llm", "reins.tools", "reins.webhooks"},
    "wordllama": {"reins.llm"},
    "mcp": {"reins.tools"},
    "mcp_types": {"reins.tools"},
    "anyio": {"reins.tools"},
    "httpx2": {"reins.tools"},
    "jsonschema": {"reins.tools"},
    "opentelemetry": {"reins.telemetry", "reins.spans"},
    "click": {"reins.cli"},
}


def table() -> dict[str, set[str]]:
    """Each room of the table, and the rooms that it may import."""
    text = (ROOT / "docs" / "architecture.md").read_text()
    section = text[text.index("## Who may import whom") :].split("\n## ")[0]
    rows = [line.split("|")[1:3] for line in section.splitlines() if line.startswith("| `")]
    return {re.findall(r"`([^`]+)`", room)[0]: set(re.findall(r"`([^`]+)`", known))
            for room, known in rows}  # fmt: skip


def modules() -> dict[str, Path]:
    """Every module of ours by its dotted name; a package is its `__init__`."""
    found = {}
    for top in OURS:
        place = ROOT / top
        for path in [place] if place.is_file() else sorted(place.rglob("*.py")):
            if "dashboard" in path.parts:
                continue  # a program of its own, which builds the page
            parts = path.relative_to(ROOT).with_suffix("").parts
            found[".".join(parts[:-1] if path.name == "__init__.py" else parts)] = path
    return found


def names_in(path: Path) -> Iterator[str]:
    """Everything that a file imports, wherever in it; imports for type checking count too."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path} imports relatively"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


MODULES = modules()
TABLE = table()


def ours(name: str) -> str | None:
    """The module of ours that an imported name is, or is in."""
    while name and name not in MODULES:
        name = name.rpartition(".")[0]
    return name or None


IMPORTS = {
    name: {found for each in names_in(path) if (found := ours(each)) not in (None, name)}
    for name, path in MODULES.items()
}


def is_in(module: str, room: str) -> bool:
    return module == room or module.startswith(f"{room}.")


def room_of(module: str) -> str | None:
    """The room of the table in which a module stands: the innermost."""
    return max((room for room in TABLE if is_in(module, room)), key=len, default=None)


def test_every_module_stands_in_a_room():
    """No file of ours is outside the table, and no room of it is empty."""
    homeless = [
        name for name, path in MODULES.items()
        if room_of(name) is None and name not in FOR_ALL and path.read_text().strip()
    ]  # fmt: skip
    # The packages around the rooms hold no code but a line on what they are.
    assert set(homeless) <= {"agent_core", "reins"}
    assert {room for room in TABLE if not any(is_in(name, room) for name in MODULES)} == set()


@pytest.mark.parametrize("room", sorted({*TABLE, *FOR_ALL}))
def test_a_room_imports_only_what_its_row_allows(room):
    """Every import of ours from `room` is one that the table lists."""
    known = TABLE.get(room, set())
    wrong = {
        f"{name} imports {other}"
        for name, others in IMPORTS.items()
        for other in others
        if (room_of(name) or name) == room and (room_of(other) or other) != room
        and not (other in FOR_ALL and room not in FOR_ALL)
        and not any(is_in(other, each) for each in known)
    }  # fmt: skip
    assert not wrong, f"{room} may import {known or 'nothing of ours'}: {sorted(wrong)}"


def circles() -> list[list[str]]:
    """The strongly connected groups of modules with more than one member (Tarjan, 1972)."""
    number: dict[str, int] = {}
    lowest: dict[str, int] = {}
    path: list[str] = []
    found = []

    def visit(name: str) -> None:
        number[name] = lowest[name] = len(number)
        path.append(name)
        for other in IMPORTS[name]:
            if other not in number:
                visit(other)
                lowest[name] = min(lowest[name], lowest[other])
            elif other in path:
                lowest[name] = min(lowest[name], number[other])
        if lowest[name] == number[name]:
            group = path[path.index(name) :]
            del path[path.index(name) :]
            if len(group) > 1:
                found.append(sorted(group))

    for name in IMPORTS:
        if name not in number:
            visit(name)
    return found


def test_no_modules_import_each_other_in_a_circle():
    """Not for type checking either."""
    assert circles() == []


@pytest.mark.parametrize("library", sorted(ONLY_IN))
def test_a_library_stays_in_its_room(library):
    """LanceDB stays in the store, Flask in the web, BAML in the model layer."""
    for name, path in MODULES.items():
        if (room_of(name) or name) in ONLY_IN[library]:
            continue
        tops = {each.split(".")[0] for each in names_in(path)}
        assert library not in tops, f"{name} imports {library}; it belongs to {ONLY_IN[library]}"
