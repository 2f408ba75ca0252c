"""Files on their way to the worker, and as they came: by their digest, below `<data>/blobs`."""

import hashlib
import io
import os
import uuid
from pathlib import Path
from typing import Protocol

from reins import redaction

MAX_BYTES = 32 << 20
"""Of a file; what is larger is to be parted."""


_PART_BYTES = 1 << 20


class BinaryFile(Protocol):
    """Anything that can be read, part by part."""

    def read(self, size: int, /) -> bytes: ...


class BlobError(ValueError):
    """The file cannot be taken."""


class TooLargeError(BlobError):
    """It has more bytes than are taken."""


def put(data_folder: Path, data: bytes) -> str:
    """Keep these bytes, synced; returns their SHA-256. Raises: BlobError; OSError."""
    check_size(len(data))
    return take(data_folder, io.BytesIO(data))


def take(data_folder: Path, file: BinaryFile) -> str:
    """The same of all that a file gives, a part at a time in memory. Raises: as `put`."""
    folder = data_folder / "blobs"
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f"{uuid.uuid4().hex}.part"
    try:
        with part.open("xb") as kept:
            digest, size_bytes, before = hashlib.sha256(), 0, b""
            while data := file.read(_PART_BYTES):
                size_bytes += len(data)
                check_size(size_bytes)
                before = _without_keys(before, data)
                digest.update(data)
                kept.write(data)
            kept.flush()
            os.fsync(kept.fileno())
        path = folder / digest.hexdigest()
        part.replace(path)  # also where it is there: that one may be damaged, or old
    finally:
        part.unlink(missing_ok=True)
    _sync(folder)
    return path.name


def get(data_folder: Path, digest: str) -> bytes:
    """The bytes of a digest. Raises: BlobError where they are not there, or are others."""
    try:
        data = (data_folder / "blobs" / digest).read_bytes()
    except FileNotFoundError:
        raise BlobError(
            f"the file {digest} is not in {data_folder / 'blobs'}; add the document again"
        ) from None
    if hashlib.sha256(data).hexdigest() != digest:
        raise BlobError(f"the file {digest} in {data_folder / 'blobs'} is damaged; add it again")
    return data


def _without_keys(before: bytes, data: bytes) -> bytes:
    """The end of a part, for a look at the next one. Raises: BlobError where there is a key."""
    redactor = redaction.redactor()
    if redactor.holds_bytes(before + data):
        raise BlobError("the document holds a key that this process uses; add it without the key")
    return (before + data)[-4 * redactor.longest :]


def check_size(size_bytes: int) -> None:
    """Raises: BlobError for more than is taken."""
    if size_bytes > MAX_BYTES:
        raise TooLargeError(
            f"the document has {size_bytes:,} bytes or more; {MAX_BYTES:,} are taken at the most. "
            "Part it, or add its text alone"
        )


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
