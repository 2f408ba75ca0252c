"""Files on their way to the worker, and as they came: by their digest, below `<data>/blobs`."""

import hashlib
import os
import uuid
from pathlib import Path

MAX_BYTES = 32 << 20
"""Of a file; what is larger is to be parted."""


class BlobError(ValueError):
    """The file cannot be taken."""


def put(data_folder: Path, data: bytes) -> str:
    """Keep these bytes, synced; returns their SHA-256. Raises: BlobError; OSError."""
    check_size(len(data))
    digest = hashlib.sha256(data).hexdigest()
    folder = data_folder / "blobs"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / digest
    if path.exists() and path.stat().st_size == len(data):
        return digest
    part = folder / f"{digest}.{uuid.uuid4().hex[:8]}.part"
    try:
        with part.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    _sync(folder)
    return digest


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


def check_size(size_bytes: int) -> None:
    """Raises: BlobError for more than is taken."""
    if size_bytes > MAX_BYTES:
        raise BlobError(
            f"the document has {size_bytes:,} bytes; {MAX_BYTES:,} are taken at the most. Part it, "
            "or add its text alone"
        )


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
