"""A folder in which tools work: every path in it is opened beneath it, and nothing outside is."""

import errno
import hashlib
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Self

from reins.tools.beneath import OutsideError, opened, parts_of, regular
from reins.tools.outcome import ToolError

READ_BYTES = 4 << 20
"""Bytes of the largest file that is read or edited as a whole."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A file or folder, by its path in the workspace; a folder's size is 0."""

    path: str
    kind: str
    size_bytes: int


class Workspace:
    """The folder, held open; for any thread. `close` gives it back."""

    def __init__(self, folder: Path, owner: int | None = None) -> None:
        """`owner`: the user to whom what is written here belongs. Raises: ToolError."""
        self.folder = folder
        self._owner = owner
        try:
            self._fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            raise ToolError(f"the workspace {folder} cannot be used: {error.strerror}") from None

    def close(self) -> None:
        os.close(self._fd)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def read(self, path: str, most_bytes: int = READ_BYTES) -> bytes:
        """The whole file. Raises: ToolError, also where it is larger."""
        with self._told(path), regular(self._fd, path) as descriptor:
            size = os.fstat(descriptor).st_size
            if size > most_bytes:
                raise ToolError(
                    f"{path} has {size:,} bytes, more than the {most_bytes:,} that are read at "
                    "once. Search in it, or read it with a command"
                )
            with open(descriptor, "rb", closefd=False) as file:
                return file.read(most_bytes)

    def write(self, path: str, content: bytes) -> None:
        """Put the file in place as a whole, with its folders; its mode stays. Raises: ToolError."""
        with self._told(path):
            *above, name = parts_of(path) or ("",)
            if name in ("", "..") or ".." in above:
                raise OutsideError(errno.EXDEV, "expected the name of a file", path)
            folder = self._folder(above)
            try:
                self._put(folder, name, content)
            finally:
                os.close(folder)

    def _put(self, folder: int, name: str, content: bytes) -> None:
        mode = 0o644
        with suppress(FileNotFoundError):
            found = os.stat(name, dir_fd=folder, follow_symlinks=False)
            if stat.S_ISLNK(found.st_mode):
                raise ToolError(f"{name} is a link; name the file that it leads to")
            if not stat.S_ISREG(found.st_mode):
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), name)
            mode = stat.S_IMODE(found.st_mode)
        part = f".{name[:100]}.{secrets.token_hex(4)}.part"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(part, flags, 0o600, dir_fd=folder)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                os.fchmod(descriptor, mode)
                if self._owner is not None:
                    os.fchown(descriptor, self._owner, self._owner)
            os.rename(part, name, src_dir_fd=folder, dst_dir_fd=folder)
        except BaseException:
            with suppress(OSError):
                os.unlink(part, dir_fd=folder)
            raise

    def _folder(self, parts: list[str]) -> int:
        """A descriptor of the folder, which is made. Each step is beneath the one before."""
        at = os.dup(self._fd)
        for part in parts:
            try:
                with suppress(FileExistsError):
                    os.mkdir(part, 0o755, dir_fd=at)
                    if self._owner is not None:
                        os.chown(part, self._owner, self._owner, dir_fd=at, follow_symlinks=False)
                below = opened(at, part, os.O_RDONLY | os.O_DIRECTORY)
            finally:
                os.close(at)
            at = below
        return at

    def entries(self, path: str = ".", *, depth: int = 1, most: int = 1_000) -> list[Entry]:
        """Files and folders below a folder, by name; links are told, not followed."""
        found: list[Entry] = []
        with self._told(path):
            for entry in self._walk(path, depth):
                found.append(entry)
                if len(found) >= most:
                    break
        return found

    def _walk(self, path: str, depth: int) -> Iterator[Entry]:
        descriptor = opened(self._fd, path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            with os.scandir(descriptor) as scanned:
                items = sorted(scanned, key=lambda item: item.name)
                kinds = [(item.name, item.stat(follow_symlinks=False)) for item in items]
        finally:
            os.close(descriptor)
        for name, found in kinds:
            own = str(PurePosixPath(path) / name)
            kind = _KINDS.get(stat.S_IFMT(found.st_mode), "special")
            yield Entry(own, kind, found.st_size if kind == "file" else 0)
            if kind == "folder" and depth > 1:
                with suppress(OSError):  # removed meanwhile, or not ours to read
                    yield from self._walk(own, depth - 1)

    @contextmanager
    def _told(self, path: str) -> Iterator[None]:
        """Say in our words what the system raises. Raises: ToolError."""
        try:
            yield
        except OutsideError:
            raise ToolError(
                f"{path!r} leads out of the workspace; give a path relative to it, without .."
            ) from None
        except OSError as error:
            if error.errno == errno.ENXIO:
                raise ToolError(f"{path} is no regular file") from None
            raise ToolError(f"{path}: {error.strerror or error}") from None
        except ValueError as error:
            raise ToolError(str(error)) from None


_KINDS = {stat.S_IFREG: "file", stat.S_IFDIR: "folder", stat.S_IFLNK: "link"}


def digest(content: bytes) -> str:
    """A name for this content: an edit is refused where the file has another by now."""
    return hashlib.sha256(content).hexdigest()[:16]
