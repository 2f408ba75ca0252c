"""What the code says of itself, in the shapes in which docs/reference.md says it."""

import ast
import dataclasses
import importlib
import inspect
import os
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, get_args
from unittest import mock

import click
from pydantic import BaseModel

import queue_imp
from agent_core.actions.payloads import PAYLOADS
from reins.cli.main import reins
from reins.cli.queue import queue
from reins.mcp_server.acting import SENT
from reins.mcp_server.methods import TOOLS
from reins.settings import PREFIX, Settings
from store import (
    agent_state,
    agent_steps,
    agents_config,
    approval_rules,
    chunks,
    conversations,
    dead_letters,
    documents,
    evidence,
    facts,
    group_reads,
    inbox,
    kv,
    memories,
    messages,
    notes,
    participants,
    saved,
    schedules,
    sightings,
    topic_bounds,
    topics,
)
from store.store import TABLES

ROOT = Path(__file__).resolve().parents[2]
READERS = (
    agent_state, agent_steps, messages, participants, conversations, agents_config, inbox,
    approval_rules, saved, notes, evidence, memories, facts, topics, dead_letters,
    topic_bounds, kv, group_reads, schedules, documents, chunks, sightings,
)  # fmt: skip


def settings() -> list[list[str]]:
    """Variable, default, unit, values, help: a row for each setting."""
    return [
        [
            f"`{PREFIX}{name.upper()}`",
            _default(field.default),
            "s" if name.endswith("_s") else "",
            _values(field),
            field.description or "",
        ]
        for name, field in Settings.model_fields.items()
    ]


def _default(value: object) -> str:
    if value in (None, ""):
        return "-"
    if isinstance(value, list):
        return "`[" + ", ".join(f'"{item}"' for item in value) + "]`"
    return f"`{value:g}`" if isinstance(value, float) else f"`{value}`"


def _values(field: Any) -> str:
    if choices := [value for value in get_args(field.annotation) if isinstance(value, str)]:
        return ", ".join(f"`{value}`" for value in choices)
    limits = {}
    for limit in field.metadata:
        for name in ("gt", "ge", "le"):
            if (bound := getattr(limit, name, None)) is not None:
                limits[name] = bound
    least = f"above {limits['gt']}" if "gt" in limits else f"{limits.get('ge')}"
    return f"{least} to {limits['le']}" if "le" in limits else _least(limits)


def _least(limits: dict[str, Any]) -> str:
    return f"at least {limits['ge']}" if "ge" in limits else ""


def helpers() -> list[str]:
    """The signature of each function that `queue_imp` offers."""
    offered = (getattr(queue_imp, name) for name in queue_imp.__all__)
    return [_signature(value) for value in offered if inspect.isfunction(value)]


def readers() -> list[str]:
    """The signatures of the functions that read, or change, the tables from any process."""
    return [
        f"{module.__name__}.{_signature(value)}"
        for module in READERS
        for value in _functions_of(module)
        if "store" in inspect.signature(value).parameters
    ]


def _functions_of(module: ModuleType) -> Iterator[Callable[..., Any]]:
    for name, value in vars(module).items():
        if name.startswith("_") or not inspect.isfunction(value):
            continue
        if value.__module__ == module.__name__:
            yield value


def _signature(function: Callable[..., Any]) -> str:
    text = str(inspect.signature(function))
    for long, short in (
        ("typing.", ""), ("collections.abc.", ""), ("store.reading.", ""), ("'pd.", "'pandas."),
        ("Literal['steer', 'now']", "Mode"),
        ("Literal['approve', 'edit', 'reject', 'answer']", "Choice"),
    ):  # fmt: skip
        text = text.replace(long, short)
    text = text.replace("'pandas.DataFrame'", "pandas.DataFrame")
    start = "async " if inspect.iscoroutinefunction(function) else ""
    return f"{start}{function.__name__}{text}"


def action_types() -> dict[str, list[str]]:
    """Action type to the fields of its payload; those that may be left out end with `?`."""
    found = {}
    for name, model in PAYLOADS.items():
        found[name] = [
            field if info.is_required() else f"{field}?"
            for field, info in model.model_fields.items()
        ]
    return found


def tables() -> dict[str, list[list[str]]]:
    """Table to its columns, each with its type."""
    return {
        table.name: [[f"`{column.name}`", _type(str(column.type))] for column in table.schema]
        for table in TABLES
    }


def _type(arrow: str) -> str:
    return {
        "string": "text", "timestamp[us, tz=UTC]": "time", "int64": "int", "double": "float",
        "bool": "bool",
    }[arrow]  # fmt: skip


def keys_and_indices() -> dict[str, str]:
    """The line below each table's name."""
    lines = {}
    for table in TABLES:
        key = "Rows are only appended." if table.key is None else f"Key: `{table.key}`."
        made = ", ".join(f"`{column}` ({kind})" for column, kind in table.indices.items())
        lines[table.name] = f"{key} Indices: {made}." if made else key
    return lines


def kinds() -> set[str]:
    """Kinds of rows: the first argument of every `Event(...)` in agent_core."""
    found = set()
    for path in (ROOT / "agent_core").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Event":
                assert isinstance(node.args[0], ast.Constant), f"{path.name}:{node.lineno}"
                found.add(node.args[0].value)
    return found


def commands() -> dict[str, list[list[str]]]:
    """Command of `python -m queue_imp` to its arguments, each with its help."""
    return {name: _arguments(command) for name, command in _commands(queue).items()}


def command_helps() -> dict[str, str]:
    return {name: command.help or "" for name, command in _commands(queue).items()}


def verbs() -> set[str]:
    """The verbs of `reins`, those of a group with the group's name before them."""
    found = set()
    for name, command in _commands(reins).items():
        below = _commands(command) if isinstance(command, click.Group) else {}
        found |= {f"{name} {verb}" for verb in below} or {name}
    return found


def _commands(group: click.Group) -> dict[str, click.Command]:
    context = click.Context(group)
    return {name: group.get_command(context, name) for name in group.list_commands(context)}


def _arguments(command: click.Command) -> list[list[str]]:
    return [
        [f"`{parameter.opts[0]}`", getattr(parameter, "help", None) or ""]
        for parameter in command.params
    ]


def parse(command: click.Command, words: Sequence[str]) -> None:
    """Take a command's arguments apart, without running it. Raises: click.UsageError."""
    with mock.patch.dict(os.environ):  # `--data` sets the folder of the whole process
        context = command.make_context("", list(words))
        if isinstance(command, click.Group):
            _, found, left = command.resolve_command(
                context, [*context._protected_args, *context.args]
            )
            parse(found, left)


def flags_of(entry: str) -> set[str]:
    """The flags of an entry point, out of its source: its parser is made inside `main`."""
    tree = ast.parse((ROOT / entry).read_text())
    return {
        node.args[0].value
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "add_argument"
    }


def fields_of(dotted: str) -> list[str]:
    """The fields of a dataclass or a Pydantic model, by `module.Name`."""
    module, _, name = dotted.rpartition(".")
    kind = getattr(importlib.import_module(module), name)
    if dataclasses.is_dataclass(kind):
        return [field.name for field in dataclasses.fields(kind)]
    return list(kind.model_fields)


def limits_of(model: type[BaseModel]) -> dict[str, tuple[str, str]]:
    """Each field of a Pydantic model to its default and its limits, as a table says them."""
    found = {}
    for name, schema in model.model_json_schema()["properties"].items():
        kind = next((each for each in schema.get("anyOf", []) if "minimum" in each), schema)
        least = kind.get("minimum", kind.get("minLength"))
        most = kind.get("maximum", kind.get("maxLength"))
        limits = f"{least} to {most}" if least is not None else f"up to {most}"
        found[name] = (_default_in(schema), limits if most is not None else "")
    return found


def _default_in(schema: dict[str, Any]) -> str:
    if "default" not in schema:
        return "must be given"
    return _default(schema["default"]) if schema["default"] != "" else "empty"


# -- documents


def documents() -> list[Path]:
    tops = [ROOT / "README.md", ROOT / "CHANGELOG.md", ROOT / "bench" / "README.md"]
    return [*tops, *sorted((ROOT / "docs").rglob("*.md"))]


def served_tools() -> list[list[str]]:
    """Each tool of the MCP server: its name, its arguments, its hints, its description."""
    found = []
    for tool in TOOLS.values():
        needed, others = ([f"`{name}`" for name in names] for names in tool.names())
        arguments = ", ".join(needed) + ("; " if needed and others else "") + ", ".join(others)
        hints = {"reads": tool.reads, "destroys": tool.destroys, "repeats": tool.repeats,
                 "reaches out": tool.reaches_out}  # fmt: skip
        said = ", ".join(name for name, true in hints.items() if true)
        text = tool.description.removesuffix(SENT).strip()
        found.append([f"`{tool.name}`", arguments, said, text])
    return found


def section(text: str, heading: str) -> str:
    """What stands below a heading, up to the next one of its level or above."""
    level = len(heading) - len(heading.lstrip("#"))
    start = re.search(rf"^{re.escape(heading)}\n", text, re.MULTILINE)
    assert start is not None, f"there is no heading {heading!r}"
    end = re.search(rf"^#{{1,{level}}} ", text[start.end() :], re.MULTILINE)
    return text[start.end() :][: end.start() if end else None]


def rows(text: str) -> list[list[str]]:
    """The cells of the first table in a text, without its head."""
    first = []
    for line in text.split("\n"):
        if line.startswith("|"):
            first.append(line)
        elif first:
            break
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in first[2:]]


def blocks(text: str) -> list[tuple[str, str]]:
    """The fenced blocks of a document, each with its language, in order."""
    return re.findall(r"^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
