"""Pins: the specs of tools that people have agreed to, in a file of the data folder.

A server's first specs are agreed to by whoever configured it. Each later one, and each tool that
was not there, waits until a person agrees. Any process may read and agree; a lock keeps two apart.
"""

import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from reins.tools.tool import digest_of

FILE = "mcp-pins.json"
_LEFT_OUT = frozenset(("_meta", "icons"))


class PinError(ValueError):
    """There is nothing to agree to, or it has changed again."""


Spec = Mapping[str, Any]
"""A tool as its server describes it."""


def hash_of(spec: Spec) -> str:
    """SHA-256 of all that may steer a model or a call."""
    return digest_of({name: each for name, each in spec.items() if name not in _LEFT_OUT})


@dataclass(slots=True)
class ServerPins:
    """Of one server: the specs that hold, and those that wait for a person, by the tool's name.

    `identity` is the program or address that was asked: another one begins anew.
    """

    identity: str = ""
    agreed: dict[str, dict[str, Any]] = field(default_factory=dict)
    offered: dict[str, dict[str, Any]] = field(default_factory=dict)
    agreed_by: dict[str, str] = field(default_factory=dict)


class Pins:
    """The pins of all servers, in one file."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE

    def stamp(self) -> tuple[int, int]:
        """Another one once the file has changed."""
        try:
            found = self.path.stat()
        except OSError:
            return 0, 0
        return found.st_mtime_ns, found.st_ino

    def read(self, server: str) -> ServerPins:
        """Raises: PinError where the file is damaged."""
        return self._all().get(server, ServerPins())

    def offer(self, server: str, identity: str, specs: Mapping[str, Spec]) -> ServerPins:
        """Take in what the server says of its tools now; returns its pins as they are then."""
        with self._changing() as found:
            pins = found.get(server)
            if pins is None or pins.identity != identity:
                pins = ServerPins(identity, {name: {**each} for name, each in specs.items()})
                pins.agreed_by = dict.fromkeys(specs, "first use")
            else:
                pins.offered = {
                    name: {**each}
                    for name, each in specs.items()
                    if name not in pins.agreed or hash_of(pins.agreed[name]) != hash_of(each)
                }
            found[server] = pins
        return pins

    def agree(self, server: str, hashes: Mapping[str, str | None], by: str) -> list[str]:
        """A person agrees to specs that are offered; a hash says which one was looked at.

        Without names: to all that are offered. Returns the names. Raises: PinError.
        """
        with self._changing() as found:
            pins = found.get(server)
            if pins is None:
                raise PinError(f"nothing is known of an MCP server {server!r}")
            for name, wanted in (hashes or dict.fromkeys(pins.offered)).items():
                if name not in pins.offered:
                    raise PinError(f"{server} offers no other spec of {name!r} to agree to")
                if wanted is not None and wanted != hash_of(pins.offered[name]):
                    raise PinError(f"the spec of {name!r} has changed again; look at it anew")
            names = [*(hashes or pins.offered)]
            for name in names:
                pins.agreed[name], pins.agreed_by[name] = pins.offered.pop(name), by
        return names

    def _all(self) -> dict[str, ServerPins]:
        try:
            found = orjson.loads(self.path.read_bytes())
            return {name: ServerPins(**each) for name, each in found.items()}
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, TypeError, AttributeError) as error:
            raise PinError(f"{self.path} is damaged ({error}); remove it to begin anew") from error

    @contextmanager
    def _changing(self) -> Iterator[dict[str, ServerPins]]:
        """All pins, written when this ends well. Without a data folder they are not kept."""
        if not self.path.parent.is_dir():
            yield {}
            return
        with self.path.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            found = self._all()
            yield found
            self._write(found)

    def _write(self, found: Mapping[str, ServerPins]) -> None:
        plain = orjson.dumps(dict(found), option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS)
        if self.path.exists() and self.path.read_bytes() == plain:
            return
        new = self.path.with_suffix(".new")
        with new.open("wb") as file:
            file.write(plain)
            file.flush()
            os.fsync(file.fileno())
        new.replace(self.path)
