"""Servers as people and programs are told of them, in plain values; also without a worker."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from reins.settings import Settings
from reins.tools.mcp.config import ServerEntry, default_file, read
from reins.tools.mcp.pins import Pins, ServerPins, hash_of


@dataclass(frozen=True, slots=True)
class Fault:
    """A thing that went wrong, and when: a Unix time."""

    at: float
    text: str


def told_of(
    name: str,
    entry: ServerEntry,
    *,
    state: str,
    about: str = "",
    starts: int = 0,
    fault_count: int = 0,
    faults: Sequence[Fault] = (),
    tools: Sequence[str] = (),
    pins: ServerPins | None = None,
    clashes: Sequence[str] = (),
) -> dict[str, Any]:
    """All that is known of a server."""
    return {
        "name": name,
        "transport": entry.transport,
        "where": entry.where,
        "sandbox": entry.sandbox,
        "state": state,
        "about": about,
        "starts": starts,
        "fault_count": fault_count,
        "faults": [{"at": _iso(each.at), "text": each.text} for each in faults],
        "tools": [*tools],
        "offered": [] if pins is None else told_offered(pins),
        "clashes": [*clashes],
    }


def told_offered(pins: ServerPins) -> list[dict[str, Any]]:
    """The specs that wait for a person, each beside the one that was agreed to."""
    return [
        {"tool": name, "sha256": hash_of(spec), "now": spec, "before": pins.agreed.get(name)}
        for name, spec in sorted(pins.offered.items())
    ]


def told_without(settings: Settings) -> list[dict[str, Any]]:
    """The servers as file and pins have them; the worker is another process, or there is none.

    `tools` are the server's own names of those that were agreed to. Raises: McpConfigError,
    PinError.
    """
    store = Pins(settings.data)
    entries = read(settings.mcp or default_file())
    return [_told_from_file(name, each, store.read(name)) for name, each in entries.items()]


def _told_from_file(name: str, entry: ServerEntry, pins: ServerPins) -> dict[str, Any]:
    if pins.identity != entry.identity:
        pins = ServerPins()
    return told_of(name, entry, state="elsewhere", tools=sorted(pins.agreed), pins=pins)


def _iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="microseconds")
