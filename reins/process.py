"""A process that is the worker's own, from its first moment until it runs."""

import gc
import sys

from reins import signals
from reins.without import without

with without("rich"):  # 45 ms for tracebacks that ours do not look like
    import structlog  # noqa: F401 - this module comes before all that log

_SWITCH_INTERVAL_S = 0.002
"""The loop and the journal's writer hand the GIL over all the time; by default after 5 ms."""


def begin() -> None:
    """Make a signal end the process with exit code 0, since nothing has begun yet.

    For an entry point, before imports that take seconds. What is imported is no garbage, and
    looking for some in it takes a sixth of that time: nobody does until `tune`.
    """
    signals.end_at_once()
    gc.disable()


def tune() -> None:
    """Set the interpreter's switches, once worker and web have started."""
    sys.setswitchinterval(_SWITCH_INTERVAL_S)
    # A full collection walks all that lives, and holds the loop: 50 ms for what was imported so
    # far, 300 ms for 10,000 sessions, whose creation has six by the default of 700.
    gc.set_threshold(10_000)
    gc.freeze()  # without a collection first, which takes 0.1 s and finds 1 MB
    gc.enable()
