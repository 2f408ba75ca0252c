"""Memory that a burst of work took and did not need to keep."""

import ctypes
import sys

import pyarrow as pa


def give_back() -> None:
    """Return what is free to the system; takes some milliseconds, without the GIL."""
    pa.default_memory_pool().release_unused()
    if sys.platform == "linux":
        ctypes.CDLL(None).malloc_trim(0)
