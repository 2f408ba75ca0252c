"""Addresses of the web as they are written: hosts with and without a port, networks, paths."""

import ipaddress
import re
from urllib.parse import unquote

_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\s@/?#\[\]:,\\]+)(?::([0-9]{1,5}))?")
_MAX_PORT = 65_535
_PREFIX = re.compile(r"(/[A-Za-z0-9._~!$&'()*+,=:@%-]+)+")


def host_and_port(text: str) -> tuple[str, int | None] | None:
    """The name in small letters, an IPv6 address without its brackets, and the port if there is
    one; None if it is not a name, or an address, and at most a port after it.
    """
    found = _HOST.fullmatch(text)
    port = None if found is None or found[2] is None else int(found[2])
    if found is None or (port or 0) > _MAX_PORT:
        return None
    return found[1].strip("[]").lower(), port


def is_address(name: str) -> bool:
    """True for an IP address."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def is_path_prefix(text: str) -> bool:
    """True for a path that begins with one slash, ends with none and leads nowhere else."""
    parts = [unquote(part) for part in text.split("/")[1:]]
    return _PREFIX.fullmatch(text) is not None and not any(
        part in (".", "..") or "/" in part or "\\" in part for part in parts
    )


def valid_host(given: str) -> str:
    """A host as browsers send it: in small letters, a name of other scripts in its ASCII form.

    Raises: ValueError.
    """
    try:
        text = given if is_address(given) or ":" in given else given.encode("idna").decode()
    except UnicodeError:
        text = ""
    if is_address(text) and ":" in text:
        text = f"[{text}]"
    if host_and_port(text) is None:
        raise ValueError(
            f"{given[:80]!r} is no host name; expected one such as reins.example.org, "
            "or reins.example.org:8443, without http:// and without a path"
        )
    return text.lower()


def valid_host_pattern(given: str) -> str:
    """A host, `*.` and a host for all names below it, or `*` for all. Raises: ValueError."""
    if given == "*":
        return given
    before = "*." if given.startswith("*.") else ""
    found = host_and_port(valid_host(given.removeprefix(before)))
    if found is None or found[1] is not None or "*" in found[0]:
        raise ValueError(
            f"{given[:80]!r} names no hosts; expected one such as docs.python.org, *.python.org, "
            "or * for all that are public, without a port"
        )
    return before + found[0]


def valid_place(given: str) -> str:
    """A host with its port. Raises: ValueError."""
    name, port = host_and_port(valid_host(given)) or ("", None)
    if port is None or "*" in name:
        raise ValueError(
            f"{given[:80]!r} names no host with a port; expected one such as localhost:8080"
        )
    name = str(ipaddress.ip_address(name)) if is_address(name) else name.rstrip(".")
    return f"[{name}]:{port}" if ":" in name else f"{name}:{port}"


def valid_network(given: str) -> str:
    """An address, or a network as 10.0.0.0/8. Raises: ValueError."""
    try:
        return str(ipaddress.ip_network(given))
    except ValueError as error:
        raise ValueError(
            f"{error}; expected the address of a proxy such as 127.0.0.1, "
            "or a network such as 10.0.0.0/8"
        ) from None


def valid_path_prefix(given: str) -> str:
    """A path prefix without a slash at its end; empty for none. Raises: ValueError."""
    text = given.rstrip("/")
    if text and not is_path_prefix(text):
        raise ValueError(
            "expected a path that begins with one slash, percent-encoded as in the address, "
            "such as /reins or /user/ann/proxy/8700"
        )
    return text
