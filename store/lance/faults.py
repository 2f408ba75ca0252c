"""An exception is not damage: which of those that LanceDB raises speak of the machine.

LanceDB raises RuntimeError, OSError or ValueError for everything. One that carries the number of a
system's error (or speaks of memory) says that bytes could not be read now, and nothing of them.
"""

import errno
import os
import re
from collections.abc import Callable, Iterable
from pathlib import Path

from store.errors import FolderUnusableError

_CODE = re.compile(r"os error (\d+)")
_ABSENT = frozenset({errno.ENOENT})
"""A file that a manifest names and that is not there is damage."""
_RAISED = (
    errno.EIO, errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EACCES, errno.EPERM, errno.EINTR,
    errno.ETIMEDOUT, errno.ESTALE, errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.ENODEV,
    errno.ENXIO, errno.EAGAIN, errno.EBUSY, errno.ELOOP, errno.ENOTCONN,
)  # fmt: skip
_TEXTS = {os.strerror(code).lower(): code for code in _RAISED}
_ADVICE = {
    errno.EMFILE: "Let the process open more files (ulimit -n)",
    errno.ENFILE: "Let the system open more files (fs.file-max)",
    errno.ENOMEM: "Give the process more memory",
    errno.EACCES: "Give the user of the process the right to read and write it",
    errno.EPERM: "Give the user of the process the right to read and write it",
    errno.EROFS: "Make its file system writable",
    errno.ENOSPC: "Make room on its disk",
    errno.EDQUOT: "Make room in the quota",
    errno.EIO: "See what the system's log says of the disk",
}


def system_error(error: BaseException) -> tuple[int, str] | None:
    """Number and text of the system's error that an exception stands for; None if for none."""
    if isinstance(error, MemoryError):
        return errno.ENOMEM, os.strerror(errno.ENOMEM)
    said = str(error)
    codes = [int(code) for code in _CODE.findall(said)]
    if isinstance(error, OSError) and error.errno is not None:
        codes.append(error.errno)
    codes += [code for text, code in _TEXTS.items() if text in said.lower()]
    code = next((code for code in codes if code not in _ABSENT), None)
    return None if code is None else (code, os.strerror(code))


def refuse_if_system(error: BaseException, what: object) -> None:
    """Raises: FolderUnusableError if the system failed, not the bytes of `what`."""
    found = system_error(error)
    if found is not None:
        code, text = found
        advice = _ADVICE.get(code, "Check that its disk is there")
        raise FolderUnusableError(
            f"{what} cannot be read: {text} ({errno.errorcode.get(code, code)}). That is no "
            f"damage, and nothing was changed. {advice}, and start again."
        ) from error


def fault(read: Callable[[], object], what: object) -> str | None:
    """The reason why the bytes of `what` do not read, in short; None if they do.

    Raises: FolderUnusableError where the system failed.
    """
    try:
        read()
    except Exception as error:  # noqa: BLE001 - LanceDB raises anything at torn bytes
        refuse_if_system(error, what)
        said = str(error).strip()
        return said.splitlines()[0][:300] if said else type(error).__name__
    return None


def files_read(paths: Iterable[Path]) -> None:
    """Read each file that is there to its end. Raises: FolderUnusableError where one refuses."""
    for path in paths:
        if path.exists():
            fault(path.read_bytes, path)
