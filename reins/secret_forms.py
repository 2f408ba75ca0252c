"""Where secrets are found in an environment, and the forms in which each may be written."""

import base64
import json
import re
from collections.abc import Iterator, Mapping
from urllib.parse import quote, quote_plus, unquote, urlsplit

_SECRET_WORDS = frozenset({
    "key", "keys", "apikey", "token", "secret", "secrets", "password", "passwd", "passphrase",
    "credential", "credentials",
})  # fmt: skip
_NO_SECRETS = frozenset({"file", "path", "dir", "id", "name", "url", "uri", "type"})
"""A variable whose name ends so says where a secret is, or how it is called."""
_URL_SAFE = str.maketrans("+/", "-_")
_JSON_LEVELS = 3
"""Levels of JSON within JSON in which an escaped secret is known: a row holds payloads as text."""


def secrets_of(environ: Mapping[str, str | None]) -> Iterator[str]:
    """The secrets that an environment holds, by the names of its variables."""
    for name, value in environ.items():
        if not value:
            continue
        if is_secret_name(name):
            yield value
            yield from _within_json(value)
        elif name.upper().endswith("HEADERS"):
            yield from _of_headers(value)
        yield from secrets_of_address(value)


def is_secret_name(name: str) -> bool:
    """True if what is called so is secret, as OPENAI_API_KEY is and API_KEY_FILE is not."""
    words = re.findall(r"[a-z]+", name.lower())
    return bool(words) and words[-1] not in _NO_SECRETS and not _SECRET_WORDS.isdisjoint(words)


def secrets_of_address(address: str | None) -> Iterator[str]:
    """User and password in an address, as they are written there and as they are meant."""
    if not address or "://" not in address or "@" not in address:
        return
    try:
        parts = urlsplit(address.strip())
    except ValueError:
        return
    # A user without a password is a token, as code hosts have it.
    for part in (parts.password or parts.username,):
        if part:
            yield part
            yield unquote(part)


def _of_headers(value: str) -> Iterator[str]:
    """`name=value,name=value`, as OpenTelemetry has it."""
    for pair in value.split(","):
        given = unquote(pair.partition("=")[2]).strip()
        yield given
        yield given.rpartition(" ")[2]  # after "Bearer" or "Basic"


def _within_json(value: str) -> Iterator[str]:
    """Secrets of a value that is an object, as those of service accounts are."""
    if not value.lstrip().startswith("{"):
        return
    try:
        found = json.loads(value)
    except (ValueError, RecursionError):
        return
    if isinstance(found, dict):
        yield from (v for k, v in found.items() if isinstance(v, str) and is_secret_name(k))


def forms_of(secret: str) -> set[str]:
    """The secret plain, escaped for JSON, for an address and by Python, in base64 and in hex."""
    data = secret.encode("utf-8", "surrogatepass")
    forms = {secret, repr(secret)[1:-1], data.hex(), data.hex().upper(), *_in_base64(data)}
    for is_ascii in (True, False):
        escaped = secret
        for _ in range(_JSON_LEVELS):
            escaped = json.dumps(escaped, ensure_ascii=is_ascii)[1:-1]
            forms.add(escaped)
    for escaped in (quote(data, safe=""), quote(data), quote_plus(data)):
        forms |= {escaped, re.sub(r"%..", lambda found: found[0].lower(), escaped)}
    return forms


def _in_base64(data: bytes) -> Iterator[str]:
    """The part that does not depend on what stands around it, where it may begin in a group."""
    for before in range(3):
        text = base64.b64encode(bytes(before) + data).decode()
        # A character holds 6 bits: whole ones that hold bits of the secret alone.
        core = text[-(-before * 8 // 6) : (before + len(data)) * 8 // 6]
        yield core
        yield core.translate(_URL_SAFE)
