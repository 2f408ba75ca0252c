"""Addresses of the inside, which no tool may ask: one's own machine, its network, cloud metadata.

`ipaddress.is_global` lets through the metadata service of Azure, multicast, and IPv4 addresses
inside of IPv6 ones. Source: IANA's special-purpose registries; the ranges of microsoft-antissrf.
"""

import functools
import ipaddress
import socket
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network

Address = IPv4Address | IPv6Address
_INSIDE = tuple(
    map(
        ip_network,
        (
            "0.0.0.0/8",
            "10.0.0.0/8",
            "100.64.0.0/10",  # shared by customers of a provider; Alibaba's metadata
            "127.0.0.0/8",
            "168.63.129.16/32",  # Azure's metadata
            "169.254.0.0/16",  # link-local; the metadata of most clouds
            "172.16.0.0/12",
            "192.0.0.0/24",  # 192.0.0.8, and Oracle's metadata
            "192.0.2.0/24",
            "192.88.99.0/24",
            "192.168.0.0/16",
            "198.18.0.0/15",
            "198.51.100.0/24",
            "203.0.113.0/24",
            "224.0.0.0/4",
            "240.0.0.0/4",
            "2001::/23",  # Teredo and other tunnels
            "2001:db8::/32",
            "3fff::/20",
        ),
    )
)
_GLOBAL_6 = ip_network("2000::/3")
"""All of IPv6 that is given out; fe80::, fc00::, fec0::, ff00::, 5f00:: and their like are not."""
_HOLDING_IPV4 = (ip_network("::ffff:0:0/96"), ip_network("64:ff9b::/96"))
"""IPv4-mapped, and translated by NAT64."""
_6TO4 = ip_network("2002::/16")
_ISATAP = frozenset({0x00005EFE, 0x02005EFE})
_NEVER = tuple(
    map(ip_network, ("169.254.0.0/16", "168.63.129.16/32", "100.100.100.200/32", "192.0.0.192/32",
                     "fe80::/10", "fd00:ec2::/32"))
)  # fmt: skip


def inside(address: str | Address) -> bool:
    """True for an address that is not of the public network. Raises: ValueError."""
    address = _plain(address)
    if (embedded := _embedded(address)) is not None:
        return inside(embedded)
    if isinstance(address, IPv6Address) and address not in _GLOBAL_6:
        return True
    return _in(address, _INSIDE)


def gives_away(address: str | Address) -> bool:
    """True for a place where clouds hand out credentials, and for all that is link-local."""
    address = _plain(address)
    embedded = _embedded(address)
    return _in(address, _NEVER) or (embedded is not None and _in(embedded, _NEVER))


def own(address: str | Address) -> bool:
    """True for an address of this machine, public or not: a firewall lets it ask itself."""
    address = _plain(address)
    family = socket.AF_INET if isinstance(address, IPv4Address) else socket.AF_INET6
    return _binds(family, str(address)) and not _binds_all(family)


def _plain(address: str | Address) -> Address:
    if isinstance(address, str):
        return ipaddress.ip_address(address.partition("%")[0])
    return address


def _in(address: Address, networks: tuple[IPv4Network | IPv6Network, ...]) -> bool:
    return any(address in each for each in networks if each.version == address.version)


def _embedded(address: Address) -> IPv4Address | None:
    """The IPv4 address that a packet to this one may end at."""
    if isinstance(address, IPv4Address):
        return None
    number = int(address)
    if any(address in each for each in _HOLDING_IPV4):
        return IPv4Address(number & 0xFFFFFFFF)
    if address in _6TO4:
        return IPv4Address(number >> 80 & 0xFFFFFFFF)
    if number >> 32 & 0xFFFFFFFF in _ISATAP:
        return IPv4Address(number & 0xFFFFFFFF)
    return None


def _binds(family: socket.AddressFamily, address: str) -> bool:
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as trial:
            trial.bind((address, 0))
    except OSError:
        return False
    return True


@functools.cache
def _binds_all(family: socket.AddressFamily) -> bool:
    """True where the system binds what is not its own, so that a bind proves nothing."""
    return _binds(family, "192.0.2.1" if family == socket.AF_INET else "2001:db8::1")
