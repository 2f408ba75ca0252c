"""Segments put together by a process of its own (`reins.search.child`), as its parent sees it.

Within the worker LanceDB's threads would take all cores for some seconds, from ticks and searches
alike, and cannot be told to give way.
"""

import contextlib
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import structlog

_logger = structlog.get_logger(__name__)

_PROGRAM = "reins.search.child"
_LOOK_S = 0.1
"""Seconds between two looks at whether somebody still wants it."""
PROOF = b"made\n"
"""Printed when all is done: an exit code proves nothing where somebody else waits for children."""
_PASSED_ON = ("HOME", "TMPDIR", "LD_LIBRARY_PATH", "PYTHONHOME")


def merged_elsewhere(
    folder: Path, part: str, names: Sequence[str], made: str, cancelled: Callable[[], bool]
) -> bool:
    """True if it was done, or `cancelled`; False where it is left to who asks, and logged.

    Raises: RuntimeError where a signal ended the process: what had too much memory there would have
    too much here.
    """
    line = [sys.executable, "-P", "-m", _PROGRAM, str(folder.absolute()), part, made, *names]
    try:
        process = subprocess.Popen(  # noqa: S603 - our own program
            line,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=_environment(),
            cwd="/",
        )
    except (OSError, TypeError) as error:  # a program that embeds Python may name none
        _logger.warning("no process puts the search's index together", error=str(error))
        return False
    with process:
        while True:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_LOOK_S)
                break
            if cancelled():
                process.kill()
                return True
        assert process.stdout is not None
        done = process.stdout.read() == PROOF
    if done or cancelled():
        return True
    if process.returncode < 0:
        raise RuntimeError(
            f"signal {-process.returncode} ended the process that puts the search's index together"
        )
    _logger.warning("a process left the search's index half made", ended=process.returncode)
    return False


def _environment() -> dict[str, str]:
    """Nothing of ours: it needs no key."""
    own = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    roots = [str(Path(__file__).parents[2]), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {
        "LANG": "C.UTF-8",
        "PATH": "/usr/bin:/bin",
        "MALLOC_ARENA_MAX": "2",
        "PYTHONPATH": os.pathsep.join(roots),
        **own,
    }
