"""A unit test needs no disk, no server and no process: here it cannot have them."""

import os
import sys
from typing import Any, NoReturn

import pytest

_REFUSED = {
    "socket.connect", "socket.bind", "subprocess.Popen", "os.posix_spawn", "os.fork", "os.exec",
    "sqlite3.connect", "os.mkdir", "os.rename", "os.remove", "shutil.copytree",
}  # fmt: skip
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_APPEND
_NOT_THE_TESTS = ("__pycache__", ".hypothesis", os.devnull)
"""Where Python and Hypothesis keep what they have worked out."""

_reached: list[str] | None = None
"""What the test that runs has reached for; None while none runs."""


def _watch(event: str, args: tuple[Any, ...]) -> None:
    """Python's own audit of what leaves the process."""
    if _reached is None or (event not in _REFUSED and event != "open"):
        return
    if event == "open" and (isinstance(args[0], int) or not args[2] & _WRITING):
        return  # read, or a descriptor that is open already
    if any(kept in str(args[0]) for kept in _NOT_THE_TESTS if args):
        return
    _reached.append(f"{event} of {args[:1]}")
    raise PermissionError(_reached[-1])


sys.addaudithook(_watch)


@pytest.fixture(autouse=True)
def reached():
    """No server is asked or opened, nothing is started or written while a test runs."""
    global _reached  # noqa: PLW0603 - an audit hook cannot be taken out again
    _reached = found = []
    yield found
    _reached = None
    assert not found, f"a unit test reached for {found}: make it an integration test"


@pytest.fixture
def tmp_path() -> NoReturn:
    """A test that wants a folder is an integration test."""
    pytest.fail("a unit test has no folder; tests that write files stand in tests/integration")


@pytest.fixture
def tmp_path_factory(tmp_path) -> NoReturn:
    """Nor of its own making."""


@pytest.fixture
def empty_folder(tmp_path) -> NoReturn:
    """A store needs a disk."""
