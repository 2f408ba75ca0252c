"""The two eras of the protocol: sessions that begin with `initialize`, and requests that stand for
themselves.
"""

from typing import Any

from reins.mcp_server.errors import INVALID_PARAMS, NOT_FOUND, ProtocolError

MODERN = "2026-07-28"
HANDSHAKE = ("2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05")
"""Versions that begin with `initialize`, the newest first."""
_SCOPE: dict[str, Any] = {"ttlMs": 0, "cacheScope": "private"}
_NOT_KEPT = "tools/call"


def completed(method: str, result: dict[str, Any]) -> dict[str, Any]:
    """The result as the modern era has it: complete, and nothing for others' caches."""
    kept = {} if method == _NOT_KEPT else _SCOPE
    return {"resultType": "complete", **kept, **result}


def code_of(error: ProtocolError, version: str) -> int:
    """The code of an error in that version: a resource that is not there has none in the newest."""
    return INVALID_PARAMS if error.code == NOT_FOUND and version == MODERN else error.code
