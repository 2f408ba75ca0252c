"""Requests that two programs would read in two ways: refused, as RFC 9112 asks for."""

import re
from collections.abc import Iterable, Mapping
from urllib.parse import quote

ENVIRON_KEY = "reins.repeated"
"""Under it the server hands on the names of headers that came more than once."""

_ONCE = frozenset(
    {"content-length", "transfer-encoding", "content-type", "origin", "authorization",
     "idempotency-key"}
)  # fmt: skip
_LENGTH = re.compile(r"[0-9]+")


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


def path_as_sent(environ: Mapping[str, object]) -> str:
    """The path of the request before anything in it was decoded."""
    sent = environ.get("REQUEST_URI")
    if sent is None:  # a server that does not keep it
        return quote(str(environ.get("PATH_INFO", "")).encode("latin-1"))
    text = str(sent)
    if not text.startswith("/"):  # in absolute form
        text = "/" + text.partition("://")[2].partition("/")[2]
    return text.partition("?")[0].partition("#")[0]
