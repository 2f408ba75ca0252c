"""Keys that are looked for everywhere, and the ways to write them; apart from the code tested."""

import base64
import json
import re
import urllib.parse
from collections.abc import Callable, Iterator, Mapping

ENCODED: Mapping[str, Callable[[str], str]] = {
    "plain": str,
    "json": lambda key: json.dumps({"key": key}),
    "json twice": lambda key: json.dumps(json.dumps({"key": key})),
    "percent": lambda key: "https://x.test/?k=" + urllib.parse.quote(key, safe=""),
    "percent small": lambda key: re.sub(
        "%..", lambda found: found[0].lower(), urllib.parse.quote(key, safe="")
    ),
    "basic": lambda key: base64.b64encode(f"user:{key}".encode()).decode(),
    "base64": lambda key: base64.b64encode(key.encode()).decode(),
    "base64 in a text": lambda key: base64.b64encode(f"k={key}&x".encode()).decode(),
    "base64 for addresses": lambda key: base64.urlsafe_b64encode(f"{key}:".encode()).decode(),
    "hex": lambda key: key.encode().hex(),
    "HEX": lambda key: key.encode().hex().upper(),
}
_RUN = re.compile(rb"[A-Za-z0-9+/_-]{12,}")
_TO_STANDARD = bytes.maketrans(b"-_", b"+/")


def found_in(data: bytes, keys: Mapping[str, str]) -> Iterator[str]:
    """How each key that is in the data is written there."""
    decoded = b"\0".join(_decoded(data))
    plain = urllib.parse.unquote_to_bytes(data)
    for name, key in keys.items():
        secret = key.encode()
        escaped = json.dumps(key)[1:-1].encode()
        twice = json.dumps(escaped.decode())[1:-1].encode()
        if any(form in data for form in (secret, escaped, twice)):
            yield f"{name}: plain"
        elif secret in plain or secret in plain.replace(b"+", b" "):
            yield f"{name}: percent"
        elif secret.hex().encode() in data.lower():
            yield f"{name}: hex"
        elif secret in decoded:
            yield f"{name}: base64"


def _decoded(data: bytes) -> Iterator[bytes]:
    """What each run of base64 holds, wherever in it a group of four begins."""
    for run in _RUN.findall(data):
        standard = run.translate(_TO_STANDARD)
        for start in range(4):
            part = standard[start:]
            part = part[: len(part) - (len(part) % 4 == 1)]
            yield base64.b64decode(part + b"=" * (-len(part) % 4))
