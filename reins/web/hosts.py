"""The names under which the web is reached, and the origin of its own pages."""

import ipaddress
import socket
from collections.abc import Collection, Iterable
from urllib.parse import urlsplit

from reins.web_address import host_and_port, is_address

_DEFAULT_PORTS = {"http": 80, "https": 443}


class Hosts:
    """The names that a Host may have, and the Origin that is this server's own.

    A name of `allowed` may have a port: that of the address which browsers show, where a proxy does
    not hand it on.
    """

    def __init__(self, host: str, allowed: Iterable[str]) -> None:
        own = (host, *_local_names(host))
        given = [found for each in allowed if (found := host_and_port(each)) is not None]
        self._names = {each.lower() for each in own if each} | {name for name, _ in given}
        self._any_address = is_any_address(host)
        self._ports = {each for each in given if each[1] is not None}

    def __str__(self) -> str:
        return ", ".join(sorted(self._names))

    def serves(self, given: str) -> bool:
        """True if a request for this Host is one for us."""
        found = host_and_port(given)
        if found is None:
            return False
        # A page cannot make a browser send an address for the name that it was loaded from.
        return found[0] in self._names or (self._any_address and is_address(found[0]))

    def is_own(self, origin: str, host: str, *, scheme: str, port: str, attested: bool) -> bool:
        """True if a page of this origin came from here, by a request for this host.

        `scheme` and `port` are what a trusted proxy said of the address in the browser; `attested`
        is true where the browser says that the page has the same origin as what it asks for.
        """
        asked = host_and_port(host)
        found = _of_origin(origin)
        if asked is None or found is None:
            return False
        its_scheme, name, its_port = found
        if name != asked[0] or (scheme == "https" and its_scheme == "http"):
            return False
        default = _DEFAULT_PORTS[its_scheme]
        return (
            its_port == (default if asked[1] is None else asked[1])
            or str(its_port) == port
            or (name, its_port) in self._ports
            or attested
        )


def _of_origin(origin: str) -> tuple[str, str, int] | None:
    """Scheme, name and port. Raises: ValueError where it is no address at all."""
    scheme, netloc, *rest = urlsplit(origin.lower())
    found = host_and_port(netloc)
    if scheme not in _DEFAULT_PORTS or found is None or any(rest):
        return None
    return scheme, found[0], _DEFAULT_PORTS[scheme] if found[1] is None else found[1]


def _local_names(host: str) -> Collection[str]:
    """Names of this machine, for whoever can reach the address."""
    local = ("localhost", "127.0.0.1", "::1")
    if is_any_address(host):
        return (*local, socket.gethostname())
    return local if is_loopback(host) else ()


def is_any_address(host: str) -> bool:
    """True for the name of every address of this machine, such as 0.0.0.0."""
    return not host or (is_address(host) and ipaddress.ip_address(host).is_unspecified)


def is_loopback(host: str) -> bool:
    """True if only this machine can reach the address."""
    return host == "localhost" or (is_address(host) and ipaddress.ip_address(host).is_loopback)
