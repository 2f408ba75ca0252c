"""The two eras of the protocol: sessions that begin with `initialize`, and requests that stand for
themselves.
"""

from typing import Any

MODERN = "2026-07-28"
HANDSHAKE = ("2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05")
"""Versions that begin with `initialize`, the newest first."""
_SCOPE: dict[str, Any] = {"ttlMs": 0, "cacheScope": "private"}
_NOT_KEPT = "tools/call"


def completed(method: str, result: dict[str, Any]) -> dict[str, Any]:
    """The result as the modern era has it: complete, and nothing for others' caches."""
    kept = {} if method == _NOT_KEPT else _SCOPE
    return {"resultType": "complete", **kept, **result}
