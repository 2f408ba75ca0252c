"""The part of the network that may be asked, as settings name it, and the reading of an address.

An address is read once, by one parser; the request goes to what was read and checked.
"""

import ipaddress
import re
from dataclasses import dataclass, field

from yarl import URL

from reins.tools.outcome import ToolError
from reins.tools.web.addresses import gives_away, inside, own

_SCHEMES = ("http", "https")
_MOST_CHARACTERS = 8_000
_UNFIT = re.compile(r"[\x00-\x20\x7f\\]")
"""Signs that parsers of addresses read differently from each other."""
_NUMBER = re.compile(r"0x[0-9a-f]*|[0-9]+")
_USUAL_PORTS = (80, 443)
_FIRST_FREE_PORT = 1_024
"""Below it stand mail and its like, which a request in HTTP could be made to speak to."""


@dataclass(frozen=True, slots=True)
class Target:
    """An address that was read: the request goes to `url`, whose host and port these are."""

    url: URL
    host: str
    port: int

    @property
    def place(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Outside:
    """The hosts that may be asked.

    `hosts` are names in small letters; `*.` before one means those below it, `*` all that is
    public. `inner` are places of one's own network that may be asked too, as `name:port`.
    """

    hosts: tuple[str, ...] = ("*",)
    inner: frozenset[str] = field(default_factory=frozenset)

    def target(self, address: str | URL) -> Target:
        """The address, read; its host may be asked as far as its name says. Raises: ToolError."""
        found = target_of(address)
        if found.place in self.inner:
            return found
        if not any(_fits(found.host, each) for each in self.hosts):
            raise ToolError(
                f"{found.host} is not among the hosts that may be asked "
                f"({', '.join(self.hosts) or 'none'}); a person can add it to REINS_HTTP_HOSTS"
            )
        if found.port not in _USUAL_PORTS and found.port < _FIRST_FREE_PORT:
            raise ToolError(f"port {found.port} is not asked; expected 80, 443, or 1024 and above")
        if (literal := _literal(found.host)) is not None and not self.allows(found, literal):
            raise refusal(found)
        return found

    def allows(self, target: Target, address: str) -> bool:
        """True if the target may be asked at this address, which its name was found to have."""
        if target.place in self.inner:
            # A name that a person vouches for may still be pointed at the cloud's credentials.
            return not gives_away(address) or _literal(target.host) is not None
        return not inside(address) and not own(address)


def target_of(address: str | URL) -> Target:
    """An address of the web, read. Raises: ToolError for what is none."""
    said = str(address).strip()
    shown = f"{said[:200]!r}"
    if len(said) > _MOST_CHARACTERS or _UNFIT.search(said):
        raise ToolError(f"{shown} is no address: it is too long, or holds blanks or backslashes")
    try:
        url = (URL(said) if isinstance(address, str) else address).with_fragment(None)
        host, port = (url.raw_host or "").rstrip(".").lower(), url.port or 0
    except ValueError as error:
        raise ToolError(f"{shown} is no address: {error}") from None
    if url.scheme not in _SCHEMES or not host or not port:
        raise ToolError(f"{shown} cannot be asked; expected http://… or https://…")
    if url.raw_user is not None or url.raw_password is not None or "@" in url.raw_authority:
        raise ToolError(f"{host}: the address holds a user or a password; give it without")
    if "%" in host or _is_odd_number(host):
        raise ToolError(f"{shown}: the host is written in an unusual way; write it plainly")
    return Target(url.with_host(host), host, port)


def refusal(target: Target) -> ToolError:
    return ToolError(
        f"{target.host} leads to the inside of this network, which is not asked; a person can "
        f"allow it with REINS_HTTP_INNER_HOSTS='[\"{target.place}\"]'"
    )


def _literal(host: str) -> str | None:
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return None


def _is_odd_number(host: str) -> bool:
    """True for an IPv4 address in decimal, octal, hex or with parts left out."""
    return bool(_NUMBER.fullmatch(host.rpartition(".")[2])) and _literal(host) is None


def _fits(host: str, pattern: str) -> bool:
    return pattern in ("*", host) or (pattern.startswith("*.") and host.endswith(pattern[1:]))
