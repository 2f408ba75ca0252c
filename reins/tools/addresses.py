"""Addresses of the inside, which no tool may ask: one's own machine, its network, cloud metadata.

`ipaddress.is_global` lets through the metadata service of Azure, multicast, and IPv4 addresses
inside of IPv6 ones. Source: IANA's special-purpose registries; the ranges of microsoft-antissrf.
"""

import ipaddress
from ipaddress import IPv4Address, IPv6Address, ip_network

_INSIDE = tuple(
    map(
        ip_network,
        (
            "0.0.0.0/8",
            "10.0.0.0/8",
            "100.64.0.0/10",
            "127.0.0.0/8",
            "168.63.129.16/32",
            "169.254.0.0/16",
            "172.16.0.0/12",
            "192.0.0.0/24",
            "192.0.2.0/24",
            "192.88.99.0/24",
            "192.168.0.0/16",
            "198.18.0.0/15",
            "198.51.100.0/24",
            "203.0.113.0/24",
            "224.0.0.0/4",
            "240.0.0.0/4",
            "::/96",
            "100::/64",
            "2001::/23",
            "2001:db8::/32",
            "3fff::/20",
            "5f00::/16",
            "fc00::/7",
            "fe80::/10",
            "fec0::/10",
            "ff00::/8",
        ),
    )
)
_MAPPED = ip_network("::ffff:0:0/96")
_TRANSLATED = (ip_network("64:ff9b::/96"), ip_network("64:ff9b:1::/48"))
_6TO4 = ip_network("2002::/16")


def inside(address: str | IPv4Address | IPv6Address) -> bool:
    """True for an address that is not of the public network. Raises: ValueError."""
    if isinstance(address, str):
        address = ipaddress.ip_address(address.partition("%")[0])
    embedded = _embedded(address)
    if embedded is not None:
        return inside(embedded)
    return any(address in each for each in _INSIDE if each.version == address.version)


def _embedded(address: IPv4Address | IPv6Address) -> IPv4Address | None:
    if isinstance(address, IPv4Address):
        return None
    number = int(address)
    if address in _MAPPED or any(address in each for each in _TRANSLATED):
        return IPv4Address(number & 0xFFFFFFFF)
    if address in _6TO4:
        return IPv4Address(number >> 80 & 0xFFFFFFFF)
    return None
