"""Messages between the two processes: a length of four bytes, then so many of JSON."""

import struct
from typing import Any, BinaryIO

import orjson

_LENGTH = struct.Struct(">I")
HEAD_BYTES = _LENGTH.size


def packed(message: dict[str, Any]) -> bytes:
    return framed(orjson.dumps(message))


def framed(body: bytes) -> bytes:
    return _LENGTH.pack(len(body)) + body


def size_of(head: bytes) -> int:
    """The bytes that follow this head."""
    return int(_LENGTH.unpack(head)[0])


def read(stream: BinaryIO) -> dict[str, Any] | None:
    """The next message; None at the end of the stream."""
    head = stream.read(HEAD_BYTES)
    if len(head) < HEAD_BYTES:
        return None
    body = stream.read(size_of(head))
    return orjson.loads(body) if len(body) == size_of(head) else None
