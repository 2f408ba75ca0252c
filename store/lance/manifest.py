"""A table's manifests, read and written without LanceDB: what a version names, and none of it.

LanceDB reads a manifest as part of a query, and stops at the first file that it cannot read. So
which fragments a version has, and in which files they lie, is read here from the bytes.

Source: Lance's table format (protos/table.proto): a manifest ends with the position of its
message, two version numbers and the magic; the message begins with its length.
"""

import os
import struct
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from store.lance.damage import durable_write

_NEWEST = (1 << 64) - 1
_MAGIC = b"LANC"
_TAIL = struct.Struct("<QHH4s")
_LENGTH = struct.Struct("<I")
_FRAGMENTS, _VERSION = 2, 3
_VARINT, _BYTES = 0, 2
_LENGTHS = {1: 8, 5: 4}
_LOW, _MORE, _BITS = 127, 128, 64


class DataFile(NamedTuple):
    """A file of a fragment, by its path in the table's folder; its size where that is on record."""

    path: str
    size_bytes: int | None


@dataclass(frozen=True, slots=True)
class Fragment:
    """A piece of a table: so many rows, in these files."""

    number: int
    rows: int
    files: tuple[DataFile, ...]


@dataclass(frozen=True, slots=True)
class Manifest:
    """One version of a table: its fragments, by number."""

    version: int
    fragments: dict[int, Fragment]


def manifests(table: Path) -> list[Path]:
    """The manifests of the table in this folder; the newest first, which is how names sort."""
    return sorted((table / "_versions").glob("*.manifest"))


def version_of(manifest: Path) -> int:
    return _NEWEST - int(manifest.stem)


def path_of(table: Path, version: int) -> Path:
    return table / "_versions" / f"{_NEWEST - version}.manifest"


def read(manifest: Path) -> Manifest:
    """The manifest. Raises: ValueError if its bytes are no manifest, OSError."""
    return parse(manifest.read_bytes())


def parse(content: bytes) -> Manifest:
    """The manifest with these bytes. Raises: ValueError."""
    _, message = _split(content)
    version, fragments = 0, {}
    for number, value, _ in _fields(message):
        if number == _FRAGMENTS:
            fragment = _fragment(_message(value))
            fragments[fragment.number] = fragment
        elif number == _VERSION:
            version = _number(value)
    return Manifest(version, fragments)


def write_without(table: Path, base: Path, dropped: Collection[int], version: int) -> None:
    """Commit, as `version`, what is in `base` without some fragments."""
    kept = read(base).fragments.keys() - dropped
    durable_write(path_of(table, version), reduced(base.read_bytes(), kept, version))


def reduced(content: bytes, kept: Collection[int], version: int) -> bytes:
    """The manifest as one of another version that has some of its fragments. Raises: ValueError."""
    prefix, message = _split(content)
    out = bytearray()
    for number, value, raw in _fields(message):
        if number == _FRAGMENTS and _fragment(_message(value)).number not in kept:
            continue
        out += raw if number != _VERSION else bytes([_VERSION << 3]) + _varint(version)
    tail = _TAIL.pack(len(prefix), *_TAIL.unpack(content[-_TAIL.size :])[1:])
    made = prefix + _LENGTH.pack(len(out)) + bytes(out) + tail
    parse(made)
    return made


def _split(content: bytes) -> tuple[bytes, bytes]:
    """The bytes before the message, to places in which other parts refer, and the message."""
    if len(content) < _TAIL.size + _LENGTH.size:
        raise ValueError(f"a manifest of {len(content)} bytes is cut")
    position, _, _, magic = _TAIL.unpack(content[-_TAIL.size :])
    if magic != _MAGIC or position > len(content) - _TAIL.size - _LENGTH.size:
        raise ValueError("the end of a manifest is not one")
    (length,) = _LENGTH.unpack_from(content, position)
    begin = position + _LENGTH.size
    if begin + length > len(content) - _TAIL.size:
        raise ValueError("a manifest is shorter than it says")
    return content[:position], content[begin : begin + length]


def _fragment(message: bytes) -> Fragment:
    number = rows = deleted = 0
    files: list[DataFile] = []
    for field, value, _ in _fields(message):
        match field:
            case 1:
                number = _number(value)
            case 2:
                files.append(_data_file(_message(value)))
            case 3:
                path, deleted = _deletion_file(number, _message(value))
                files.append(DataFile(path, None))
            case 4:
                rows = _number(value)
    return Fragment(number, rows - deleted, tuple(files))


def _data_file(message: bytes) -> DataFile:
    values = {field: value for field, value, _ in _fields(message)}
    try:
        name = _message(values.get(1)).decode()
    except UnicodeDecodeError as error:
        raise ValueError("a manifest names a file that is no text") from error
    if not name or os.sep in name:
        raise ValueError(f"a manifest names the file {name!r}")
    return DataFile(f"data/{name}", _number(values.get(6, 0)) or None)


def _deletion_file(fragment: int, message: bytes) -> tuple[str, int]:
    values = {field: value for field, value, _ in _fields(message)}
    kind = "bin" if values.get(1, 0) else "arrow"
    version, own = _number(values.get(2, 0)), _number(values.get(3, 0))
    return f"_deletions/{fragment}-{version}-{own}.{kind}", _number(values.get(4, 0))


def _fields(message: bytes) -> Iterator[tuple[int, int | bytes, bytes]]:
    """Number, value and own bytes of each field of a Protocol Buffers message."""
    at = 0
    while at < len(message):
        begin = at
        key, at = _read_varint(message, at)
        wire = key & 7
        value: int | bytes
        if wire == _VARINT:
            value, at = _read_varint(message, at)
        elif wire in _LENGTHS or wire == _BYTES:
            length = _LENGTHS.get(wire)
            if length is None:
                length, at = _read_varint(message, at)
            value, at = message[at : at + length], at + length
        else:
            raise ValueError(f"a manifest has a field of unknown kind {wire}")
        if at > len(message):
            raise ValueError("a field of a manifest is cut")
        yield key >> 3, value, message[begin:at]


def _read_varint(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if at >= len(message) or shift >= _BITS:
            raise ValueError("a number in a manifest is cut")
        byte = message[at]
        at, value, shift = at + 1, value | (byte & _LOW) << shift, shift + 7
        if byte < _MORE:
            return value, at


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > _LOW:
        out.append(value & _LOW | _MORE)
        value >>= 7
    return bytes([*out, value])


def _number(value: int | bytes | None) -> int:
    if isinstance(value, int):
        return value
    raise ValueError("a field of a manifest is no number")


def _message(value: int | bytes | None) -> bytes:
    if isinstance(value, bytes):
        return value
    raise ValueError("a field of a manifest is no message")
