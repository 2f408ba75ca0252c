"""Requests that two programs would read in two ways: refused, as RFC 9112 asks for."""

import re
from collections.abc import Iterable, Mapping

ENVIRON_KEY = "reins.repeated"
"""Under it the server hands on the names of headers that came more than once."""

_ONCE = frozenset(
    {"content-length", "transfer-encoding", "content-type", "origin", "authorization",
     "idempotency-key"}
)  # fmt: skip
_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\s@/?#\[\]:,\\]+)(:[0-9]{1,5})?")
_LENGTH = re.compile(r"[0-9]+")
_MAX_PORT = 65_535


def repeated(names: Iterable[str]) -> str:
    """Of the headers' names those that may stand once, and do not."""
    found = [name.lower() for name in names]
    return ", ".join(sorted(name for name in _ONCE if found.count(name) > 1))


def flaw(environ: Mapping[str, object]) -> str | None:
    """The reason why the request is not clear; None if it is."""
    if names := environ.get(ENVIRON_KEY):
        return f"came more than once: {names}; send each of them once"
    length = str(environ.get("CONTENT_LENGTH") or "")
    coding = str(environ.get("HTTP_TRANSFER_ENCODING", ""))
    if coding and length:
        return "Transfer-Encoding came with Content-Length; send one of them"
    if coding and coding.strip().lower() != "chunked":
        return f"Transfer-Encoding is {coding[:40]!r}; expected chunked, or none"
    if length and not _LENGTH.fullmatch(length):
        return f"Content-Length is {length[:40]!r}; expected a number in digits"
    return None


def is_host(text: str) -> bool:
    """True for a name, or an address, and at most a port after it."""
    found = _HOST.fullmatch(text)
    return found is not None and int((found[2] or ":0")[1:]) <= _MAX_PORT
