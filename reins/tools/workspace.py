"""A folder in which tools work: every path in it is opened beneath it, and nothing outside is."""

import errno
import hashlib
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Self

from reins.tools.beneath import OutsideError, opened, parts_of, regular, walked, where
from reins.tools.outcome import ToolError

READ_BYTES = 16 << 20
"""Bytes of the largest file that is read or edited as a whole."""
SKIPPED = frozenset({".git", ".hg", ".svn", "node_modules", "__pycache__", ".venv", ".tox"})
"""Folders of other programs, which are told and not walked: they would hide one's own files."""
_SCANNED = 20_000
"""Names of one folder that are looked at."""
_PART = ".reins-"
_FOLDER = os.O_RDONLY | os.O_DIRECTORY
_KINDS = {stat.S_IFREG: "file", stat.S_IFDIR: "folder", stat.S_IFLNK: "link"}


@dataclass(frozen=True, slots=True)
class Entry:
    """A file or folder, by its path in the workspace; a folder's size is 0."""

    path: str
    kind: str
    size_bytes: int


class Workspace:
    """The folder, held open; for any thread. `close` gives it back."""

    def __init__(self, folder: Path) -> None:
        """Raises: ToolError."""
        self.folder = folder
        try:
            self._fd = os.open(folder, _FOLDER | os.O_CLOEXEC)
        except OSError as error:
            raise ToolError(
                f"the workspace {folder} cannot be used: {error.strerror}. A person must put it "
                "back, or give the session another"
            ) from None
        # Root writes for whom the folder belongs to: the user as whom commands run.
        self._owner = os.fstat(self._fd).st_uid if os.geteuid() == 0 else None

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
                    "once. Search in it, or look at it with a command"
                )
            return _read(descriptor, size, most_bytes)

    def digest(self, path: str) -> str:
        """A name for the content of the file, or `absent`. Raises: ToolError."""
        try:
            return digest(self.read(path))
        except ToolError:
            with self._told(path):
                if not self._is_there(path):
                    return "absent"
            raise

    def _is_there(self, path: str) -> bool:
        try:
            os.close(opened(self._fd, path, os.O_RDONLY))
        except FileNotFoundError:
            return False
        return True

    def size(self, path: str) -> int:
        """Bytes of the file; 0 where there is none."""
        with suppress(OSError, ValueError), regular(self._fd, path) as descriptor:
            return os.fstat(descriptor).st_size
        return 0

    def kind(self, path: str) -> str:
        """`file`, `folder` or `special`; a link on the way is refused. Raises: ToolError."""
        flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC
        with self._told(path):
            descriptor = walked(self._fd, parts_of(path), flags)
            try:
                return _KINDS.get(stat.S_IFMT(os.fstat(descriptor).st_mode), "special")
            finally:
                os.close(descriptor)

    def head(self, path: str, most_bytes: int) -> tuple[int, bytes]:
        """The size of a file of any size, and its beginning. Raises: ToolError."""
        with self._told(path), regular(self._fd, path) as descriptor:
            with open(descriptor, "rb", closefd=False) as file:
                content = file.read(most_bytes)
            return max(os.fstat(descriptor).st_size, len(content)), content

    def refuse_links(self, path: str) -> None:
        """Raises: ToolError where a link is on the way: what is written there is named as it is.

        Else a harmless name could stand for a file that other programs run.
        """
        with self._told(path):
            real = where(self.folder, path, self._fd)
            if real.startswith("../") or real == "..":
                raise OutsideError(errno.EXDEV, "it leads out of the folder", path)
            if ".." not in parts_of(path) and real != str(PurePosixPath(path)):
                raise ToolError(f"{path} leads over a link to {real}; name that file itself")

    def write(self, path: str, content: bytes) -> None:
        """Put the file in place as a whole, with its folders; its mode stays. Raises: ToolError."""
        self.refuse_links(path)
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
            if stat.S_ISDIR(found.st_mode):
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), name)
            if not stat.S_ISREG(found.st_mode):
                raise ToolError(f"{name} is no regular file (a pipe, socket or device)")
            mode = found.st_mode & 0o777
        part = f"{_PART}{secrets.token_hex(4)}.part"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(part, flags, 0o600, dir_fd=folder)
        try:
            try:
                _write(descriptor, content)
                os.fchmod(descriptor, mode)
                if self._owner is not None:
                    os.fchown(descriptor, self._owner, -1)
            finally:
                os.close(descriptor)
            os.rename(part, name, src_dir_fd=folder, dst_dir_fd=folder)
        except BaseException:
            with suppress(OSError):
                os.unlink(part, dir_fd=folder)
            raise

    def _folder(self, parts: list[str]) -> int:
        """A descriptor of the folder, which is made. Each step is below the one before: no link."""
        at = os.dup(self._fd)
        for part in parts:
            try:
                made = _make(part, at)
                flags = _FOLDER | os.O_NOFOLLOW | os.O_CLOEXEC
                below = os.open(part, flags, dir_fd=at)
                if made and self._owner is not None:
                    os.fchown(below, self._owner, -1)
            finally:
                os.close(at)
            at = below
        return at

    def entries(self, path: str = ".", *, depth: int = 1, most: int = 1_000) -> list[Entry]:
        """Files and folders below a folder, by name; links are told, not followed."""
        with self._told(path):
            return list(islice(self._walk(path, depth), most))

    def _walk(self, path: str, depth: int) -> Iterator[Entry]:
        for name, found in self._scan(path):
            own = str(PurePosixPath(path) / name)
            kind = _KINDS.get(stat.S_IFMT(found.st_mode), "special")
            yield Entry(own, kind, found.st_size if kind == "file" else 0)
            if kind == "folder" and depth > 1 and name not in SKIPPED:
                with suppress(OSError):  # removed meanwhile, or not ours to read
                    yield from self._walk(own, depth - 1)

    def _scan(self, path: str) -> list[tuple[str, os.stat_result]]:
        descriptor = opened(self._fd, path, _FOLDER)
        found = []
        try:
            with os.scandir(descriptor) as scanned:
                for item in islice(scanned, _SCANNED):
                    if item.name.startswith(_PART):
                        continue
                    with suppress(FileNotFoundError):  # removed meanwhile
                        found.append((item.name, item.stat(follow_symlinks=False)))
        finally:
            os.close(descriptor)
        return sorted(found, key=lambda each: each[0])

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
                raise ToolError(f"{path} is no regular file (a pipe, socket or device)") from None
            gone = "" if self.folder.is_dir() else "; the workspace itself is gone"
            raise ToolError(f"{path}: {error.strerror or error}{gone}") from None
        except ValueError as error:
            raise ToolError(str(error)) from None


def _make(name: str, folder: int) -> bool:
    """Make a folder; False where there is one."""
    try:
        os.mkdir(name, 0o755, dir_fd=folder)
    except FileExistsError:
        return False
    return True


def _read(descriptor: int, size: int, most_bytes: int) -> bytes:
    """The file's bytes from here on, `size` of them if it does not grow meanwhile.

    Without Python's own buffers: each of their calls hands the interpreter to another thread.
    """
    content = os.read(descriptor, size + 1)
    while size < len(content) < most_bytes and (more := os.read(descriptor, 1 << 16)):
        content += more
    return content[:most_bytes]


def _write(descriptor: int, content: bytes) -> None:
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def digest(content: bytes) -> str:
    """A name for this content: an edit is refused where the file has another by now."""
    return hashlib.sha256(content).hexdigest()[:16]
