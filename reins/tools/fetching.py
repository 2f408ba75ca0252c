"""HTTP requests to the outside: each hop checked, connected to what was checked, bounded.

The check of an address and the connection go by one look-up: a name that answers differently the
second time leads nowhere else.
"""

import asyncio
import socket
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urljoin

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from reins.tools.addresses import inside
from reins.tools.outcome import ToolError

SIZE_BYTES = 2 << 20
TIME_S = 20.0
_REDIRECTS = 5
_MOVED = frozenset({301, 302, 303, 307, 308})
_RETRY = frozenset({408, 425, 429, 500, 502, 503, 504})
_CHUNK = 64 << 10
_SCHEMES = ("http", "https")


@dataclass(frozen=True, slots=True)
class Outside:
    """The part of the network that may be asked: all that is public, or these hosts alone.

    `hosts` may begin with `*.`. `inner` are hosts with ports of one's own network that are allowed
    all the same, as `name:port`.
    """

    hosts: tuple[str, ...] = ()
    inner: frozenset[str] = field(default_factory=frozenset)

    def check(self, url: str) -> tuple[str, int]:
        """Host and port of an address that may be asked. Raises: ToolError."""
        try:
            parts = URL(url)
            host, port = (parts.raw_host or "").rstrip(".").lower(), parts.port or 0
        except ValueError as error:
            raise ToolError(f"{url!r} is no address: {error}") from None
        if parts.scheme not in _SCHEMES or not host:
            raise ToolError(f"{url!r} cannot be asked; expected http://… or https://…")
        if parts.raw_user is not None or parts.raw_password is not None:
            raise ToolError(f"{url!r} holds a user; give the address without")
        if self.hosts and not any(_fits(host, each) for each in self.hosts):
            raise ToolError(f"{host} is not among the hosts that are allowed: {self.hosts}")
        return host, port

    def allows(self, host: str, port: int, address: str) -> bool:
        return f"{host}:{port}" in self.inner or not inside(address)


def _fits(host: str, pattern: str) -> bool:
    pattern = pattern.lower()
    return host == pattern or (pattern.startswith("*.") and host.endswith(pattern[1:]))


class _Resolver(AbstractResolver):
    """Gives the addresses that were looked up and checked, and no others."""

    def __init__(self) -> None:
        self.known: dict[tuple[str, int], list[ResolveResult]] = {}

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        del family
        return self.known[host.rstrip(".").lower(), port]

    async def close(self) -> None:
        """Nothing is held."""


@dataclass(frozen=True, slots=True)
class Page:
    """An answer, cut where it is too long; `url` is where it came from in the end."""

    url: str
    status: int
    content_type: str
    body: bytes
    cut: bool
    charset: str = "utf-8"


async def fetch(
    url: str,
    outside: Outside,
    *,
    method: Literal["GET", "HEAD"] = "GET",
    headers: dict[str, str] | None = None,
    size_bytes: int = SIZE_BYTES,
    time_s: float = TIME_S,
) -> Page:
    """Ask an address, following what it is moved to. Raises: ToolError."""
    resolver = _Resolver()
    connector = aiohttp.TCPConnector(resolver=resolver, use_dns_cache=False, limit=1)
    try:
        async with (
            asyncio.timeout(time_s),
            aiohttp.ClientSession(connector=connector, trust_env=False) as session,
        ):
            for _ in range(_REDIRECTS + 1):
                await _look_up(url, outside, resolver)
                found = await _one(session, method, url, headers or {}, size_bytes)
                if isinstance(found, Page):
                    return found
                url = found
    except TimeoutError:
        raise ToolError(f"{url} did not answer within {time_s:g} s", retry=True) from None
    except (aiohttp.ClientError, OSError) as error:
        said = str(error) or type(error).__name__
        raise ToolError(f"{url} could not be asked: {said}"[:500], retry=True) from None
    raise ToolError(f"{url}: more than {_REDIRECTS} redirects")


async def _look_up(url: str, outside: Outside, resolver: _Resolver) -> None:
    host, port = outside.check(url)
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise ToolError(f"{host} is not found: {error.strerror or error}", retry=True) from None
    allowed = [each for each in found if outside.allows(host, port, each[4][0])]
    if not allowed:
        raise ToolError(f"{host} leads to the inside of this network; that is not asked")
    resolver.known[host, port] = [_result(host, port, each) for each in allowed]


def _result(host: str, port: int, found: Sequence[Any]) -> ResolveResult:
    return ResolveResult(
        hostname=host,
        host=found[4][0],
        port=port,
        family=found[0],
        proto=found[2],
        flags=int(socket.AI_NUMERICHOST),
    )


async def _one(
    session: aiohttp.ClientSession, method: str, url: str, headers: dict[str, str], most: int
) -> Page | str:
    """An answer, or the address to which it is moved."""
    async with session.request(method, url, headers=headers, allow_redirects=False) as answer:
        if answer.status in _MOVED and (target := answer.headers.get("Location")):
            return urljoin(url, target)
        if answer.status in _RETRY:
            raise ToolError(
                f"{url} answered {answer.status}", retry=True, after_s=_after_s(answer.headers)
            )
        body = bytearray()
        async for chunk in answer.content.iter_chunked(_CHUNK):
            body += chunk
            if len(body) > most:
                break
        charset = answer.charset or "utf-8"
        kind = answer.content_type
        return Page(url, answer.status, kind, bytes(body[:most]), len(body) > most, charset)


def _after_s(headers: Any) -> float | None:
    try:
        return float(headers.get("Retry-After", ""))
    except ValueError:
        return None
