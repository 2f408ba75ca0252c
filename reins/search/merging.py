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
_POLITE = 19
LEFT_ALONE = 3
"""Exit code of a process that ended since whoever started it did."""


def merged_elsewhere(
    folder: Path, part: str, names: Sequence[str], made: str, cancelled: Callable[[], bool]
) -> bool:
    """True if it was done, or `cancelled`; False where it is left to who asks, and logged."""
    line = [sys.executable, "-P", "-m", __name__, str(folder.absolute()), part, made, *names]
    try:
        process = subprocess.Popen(  # noqa: S603 - our own program
            line,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            # Nothing of ours: it needs no key.
            env={
                "LANG": "C.UTF-8",
                "PATH": "/usr/bin:/bin",
                "PYTHONPATH": str(Path(__file__).parents[2]),
            },
            cwd="/",
        )
    except OSError as error:
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
    if process.returncode:
        _logger.warning("a process left the search's index half made", ended=process.returncode)
    return process.returncode == 0 or cancelled()


def main(folder: str, part: str, made: str, *names: str) -> None:
    """Put them together. Ctrl C is for the worker, which then ends this process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with contextlib.suppress(OSError, AttributeError):
        os.nice(_POLITE)
    threading.Thread(target=_end_with_input, daemon=True).start()
    from reins.search.index import INDICES  # noqa: PLC0415 - LanceDB, politely
    from reins.search.segments import put_together  # noqa: PLC0415
    from store.lance.tables import connect  # noqa: PLC0415

    put_together(connect(Path(folder)), names, made, INDICES[part], lambda: False)


def _end_with_input() -> None:
    sys.stdin.read()
    os._exit(LEFT_ALONE)


if __name__ == "__main__":
    main(*sys.argv[1:])
