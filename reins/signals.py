"""SIGTERM and Ctrl-C, from the first moment of a process to its last: always a stop as asked."""

import contextlib
import os
import signal
import sys
from collections.abc import Callable

_ASKED = (signal.SIGINT, signal.SIGTERM)
"""In this order: Python minds Ctrl-C already, and who sees SIGTERM minded can send either."""


def end_at_once() -> None:
    """A signal ends the process with exit code 0: nothing has begun yet.

    For an entry point, before imports that take seconds.
    """
    on_stop_asked(lambda: os._exit(0))


def on_stop_asked(stop: Callable[[], object]) -> None:
    """Call `stop` at each signal from here on, in the main thread; it must only say so."""

    def asked(_number: int, _frame: object) -> None:
        with contextlib.suppress(RuntimeError):  # the loop to tell has ended
            stop()

    for number in _ASKED:
        signal.signal(number, asked)


def ignore() -> None:
    """For the last moment of a process: it ends already, and with the exit code that it has."""
    said_before = sys.unraisablehook

    def said(what: "sys.UnraisableHookArgs") -> None:
        # Of a signal that came while its handler was taken away; it is ignored, as asked.
        if not (isinstance(what.exc_value, OSError) and "race condition" in str(what.exc_value)):
            said_before(what)

    sys.unraisablehook = said
    for number in _ASKED:
        signal.signal(number, signal.SIG_IGN)
