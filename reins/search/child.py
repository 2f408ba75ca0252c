"""The process that puts segments together, and gives way to all that sessions do.

Started as `python -m reins.search.child FOLDER PART MADE NAME...`; it ends when its input does, so
with whoever has started it.
"""

import contextlib
import os
import signal
import sys
import threading
from pathlib import Path

LEFT_ALONE = 3
"""Exit code where whoever started it has ended."""
_POLITE = 10


def main(folder: str, part: str, made: str, *names: str) -> None:
    """Put them together. Who tells a group of processes to stop means the worker: it ends this."""
    for asked in (signal.SIGINT, signal.SIGTERM):
        signal.signal(asked, signal.SIG_IGN)
    with contextlib.suppress(OSError):
        os.nice(_POLITE)
    threading.Thread(target=_end_with_input, daemon=True).start()
    from reins.search.index import INDICES  # noqa: PLC0415 - LanceDB, politely
    from reins.search.merging import PROOF  # noqa: PLC0415
    from reins.search.segments import put_together  # noqa: PLC0415
    from store.lance.tables import connect  # noqa: PLC0415

    put_together(connect(Path(folder)), names, made, INDICES[part], lambda: False)
    os.write(sys.stdout.fileno(), PROOF)


def _end_with_input() -> None:
    sys.stdin.read()
    os._exit(LEFT_ALONE)


if __name__ == "__main__":
    main(*sys.argv[1:])
