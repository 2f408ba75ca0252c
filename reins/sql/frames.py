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
    head = _exactly(stream, HEAD_BYTES)
    body = None if head is None else _exactly(stream, size_of(head))
    return None if body is None else orjson.loads(body)


def _exactly(stream: BinaryIO, size_bytes: int) -> bytes | None:
    """So many bytes, which a pipe may give in parts; None where it ends before."""
    got = b""
    while len(got) < size_bytes:
        part = stream.read(size_bytes - len(got))
        if not part:
            return None
        got += part
    return got
