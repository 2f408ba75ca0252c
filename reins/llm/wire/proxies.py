"""The proxy that a request goes through, as the usual variables name it.

**Source**: curl's manual (HTTP_PROXY, HTTPS_PROXY, ALL_PROXY, NO_PROXY); addresses and networks in
NO_PROXY as Go and Rust's clients take them.
"""

from collections.abc import Mapping
from ipaddress import ip_address, ip_network
from urllib.parse import urlsplit

SUPPORTED = frozenset({"http", "https"})


class ProxyError(Exception):
    """A variable names a proxy that cannot be used; the message names it without its password."""


def proxy_for(address: str, environ: Mapping[str, str]) -> str | None:
    """The proxy for an address; None: none, as for any of this machine's own.

    Raises: ProxyError.
    """
    parts = urlsplit(address)
    host = (parts.hostname or "").rstrip(".")
    name, given = _first(environ, f"{parts.scheme}_proxy", "all_proxy")
    if not given or is_local(host) or _is_direct(host, parts.port, _first(environ, "no_proxy")[1]):
        return None
    proxy = given if "://" in given else f"http://{given}"
    try:
        proxied = urlsplit(proxy)
        usable = proxied.scheme in SUPPORTED and bool(proxied.hostname) and proxied.port != 0
    except ValueError:
        usable = False
    if not usable:
        shown = proxy.rpartition("@")[2]
        raise ProxyError(
            f"{name} is {shown!r}; expected http://host:port. Unset it or set another."
        )
    return proxy


def _first(environ: Mapping[str, str], *names: str) -> tuple[str, str]:
    """The first of these variables that is set, in small letters or in capital ones."""
    for each in names:
        for name in (each, each.upper()):
            if given := environ.get(name, "").strip():
                return name, given
    return "", ""


def is_local(host: str) -> bool:
    """True for this machine's own names and addresses."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost" or host.lower().endswith(".localhost")


def _is_direct(host: str, port: int | None, no_proxy: str) -> bool:
    return any(_names(each.strip().lower(), host.lower(), port) for each in no_proxy.split(","))


def _names(entry: str, host: str, port: int | None) -> bool:
    """True if an entry of NO_PROXY names a host: *, an address, a network, or the end of a name."""
    if not entry:
        return False
    if entry == "*":
        return True
    try:
        return ip_address(host) in ip_network(entry, strict=False)
    except (ValueError, TypeError):
        pass
    name, _, of_port = entry.rpartition(":") if entry.count(":") == 1 else (entry, "", "")
    name = (name or entry).removeprefix("*").removeprefix(".").strip("[]")
    if of_port and of_port != str(port):
        return False
    return host == name or host.endswith(f".{name}")
