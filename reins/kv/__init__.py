"""Key-value stores: JSON under a key, with a version to be guarded by, in memory, files or servers.

Importing this package brings no driver along and opens nothing.
"""

from reins.kv.errors import ConflictError, KVError, UnavailableError
from reins.kv.limits import MAX_KEY_BYTES, MAX_PAGE_BYTES, MAX_PAGE_ROWS, MAX_SEQ, MAX_VALUE_BYTES
from reins.kv.opening import open_kv
from reins.kv.protocol import ABSENT, KV, Absent, Entry, Expected, Row, rows

__all__ = [
    "ABSENT",
    "KV",
    "MAX_KEY_BYTES",
    "MAX_PAGE_BYTES",
    "MAX_PAGE_ROWS",
    "MAX_SEQ",
    "MAX_VALUE_BYTES",
    "Absent",
    "ConflictError",
    "Entry",
    "Expected",
    "KVError",
    "Row",
    "UnavailableError",
    "open_kv",
    "rows",
]
