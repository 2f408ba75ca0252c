"""Segments put together by a process of its own, which gives way to all that sessions do.

Started as `python -m reins.search.merging FOLDER PART MADE NAME...`; it ends when its input does,
so with whoever has started it. Within the worker LanceDB's threads would take all cores for some
seconds, from ticks and searches alike, and cannot be told to give way.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import structlog

_logger = structlog.get_logger(__name__)

_LOOK_S = 0.1
"""Seconds between two looks at whether somebody still wants it."""
_POLITE = 10
_PROOF = b"made\n"
"""Printed when all is done: an exit code proves nothing where somebody else waits for children."""
_PASSED_ON = ("HOME", "TMPDIR", "LD_LIBRARY_PATH", "PYTHONHOME")
LEFT_ALONE = 3
"""Exit code of a process that ended since whoever started it did."""


def merged_elsewhere(
    folder: Path, part: str, names: Sequence[str], made: str, cancelled: Callable[[], bool]
) -> bool:
    """True if it was done, or `cancelled`; False where it is left to who asks, and logged.

    Raises: RuntimeError where a signal ended the process: what had too much memory there would have
    too much here.
    """
    line = [sys.executable, "-P", "-m", __name__, str(folder.absolute()), part, made, *names]
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
        done = process.stdout.read() == _PROOF
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


def main(folder: str, part: str, made: str, *names: str) -> None:
    """Put them together. Who tells a group of processes to stop means the worker: it ends this."""
    for asked in (signal.SIGINT, signal.SIGTERM):
        signal.signal(asked, signal.SIG_IGN)
    with contextlib.suppress(OSError, AttributeError):
        os.nice(_POLITE)
    threading.Thread(target=_end_with_input, daemon=True).start()
    from reins.search.index import INDICES  # noqa: PLC0415 - LanceDB, politely
    from reins.search.segments import put_together  # noqa: PLC0415
    from store.lance.tables import connect  # noqa: PLC0415

    put_together(connect(Path(folder)), names, made, INDICES[part], lambda: False)
    os.write(sys.stdout.fileno(), _PROOF)


def _end_with_input() -> None:
    sys.stdin.read()
    os._exit(LEFT_ALONE)


if __name__ == "__main__":
    main(*sys.argv[1:])
