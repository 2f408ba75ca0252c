"""HTTP requests to the outside: each hop checked, connected to what was checked, bounded.

The check of an address and the connection go by one look-up: a name that answers differently the
second time leads nowhere else.
"""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from reins.llm.limits.retry_after import asked_s
from reins.llm.wire.connecting import unconnected
from reins.llm.wire.trust import context_of, trust_of
from reins.settings import environment
from reins.tools.outcome import ToolError
from reins.tools.web.outside import Outside, Target, refusal
from reins.tools.web.statuses import status_words
from reins.tools.web.unpacking import ACCEPTED, Unpacker

_MOVED = frozenset({301, 302, 303, 307, 308})
_RETRY = frozenset({408, 425, 429, 500, 502, 503, 504})
_CHUNK = 64 << 10
_CONNECT_S = 10.0
_HEADERS = {"User-Agent": "reins", "Accept-Encoding": ACCEPTED}

LookUp = Callable[[str, int], Awaitable[Sequence[tuple[Any, ...]]]]
"""A host and a port to addresses, in the form of `socket.getaddrinfo`. Raises: OSError."""


async def look_up(host: str, port: int) -> Sequence[tuple[Any, ...]]:
    """The addresses that the system knows for a host."""
    return await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)


@dataclass(frozen=True, slots=True)
class Request:
    """A request; `redirects` is how often it is followed to where it moved.

    `elsewhere` false: to other hosts it is not followed, but for a `www.` before the name.
    """

    url: str
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    redirects: int = 5
    elsewhere: bool = True


@dataclass(frozen=True, slots=True)
class Page:
    """An answer, `cut` where it is too long; `url` is where it came from in the end."""

    url: str
    status: int
    content_type: str
    charset: str | None
    body: bytes
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Fetcher:
    """Makes requests to the outside. Each has connections of its own, and keeps none.

    `size_bytes` bounds an answer, packed as well as unpacked; `time_s` the whole of a request.
    """

    outside: Outside
    size_bytes: int = 2 << 20
    time_s: float = 20.0
    look_up: LookUp = look_up

    async def fetch(self, request: Request) -> Page:
        """Make a request, following where it is moved. Raises: ToolError."""
        url: str | URL = request.url
        try:
            async with asyncio.timeout(self.time_s):
                for _ in range(request.redirects + 1):
                    target = self.outside.target(url)
                    found = await self._hop(target, request)
                    if isinstance(found, Page):
                        return found
                    url = _next(target, found)
                    if not request.elsewhere:
                        _refuse_another_host(target, url)
        except TimeoutError:
            told = f"{_host(url)} did not give its whole answer within {self.time_s:g} s"
            raise ToolError(told, retry=True) from None
        if request.redirects:
            raise ToolError(f"{request.url[:500]}: more than {request.redirects} redirects")
        raise ToolError(f"{_host(request.url)} moved to {str(url)[:500]!r}, which is not followed")

    async def _hop(self, target: Target, request: Request) -> Page | str:
        """An answer, or the address to which the request is moved."""
        resolver = _Resolver(await self._checked(target))
        trust: ssl.SSLContext | bool = True
        if target.url.scheme == "https":
            trust, _ = await asyncio.to_thread(_trust)
        connector = _Connector(
            ssl=trust, resolver=resolver, use_dns_cache=False, force_close=True, limit=1
        )
        connector.allows = lambda peer: self.outside.allows(target, peer)
        try:
            async with aiohttp.ClientSession(
                connector=connector,
                trust_env=False,
                auto_decompress=False,
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_S),
            ) as session:
                return await self._ask(session, target, request)
        except _OtherPeerError:
            raise refusal(target) from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise _unreached(target, error) from None

    async def _checked(self, target: Target) -> list[ResolveResult]:
        """The addresses that may be connected to; all that the name has are looked at once."""
        try:
            found = await self.look_up(target.host, target.port)
        except OSError as error:
            again = error.errno == socket.EAI_AGAIN
            said = error.strerror or error
            raise ToolError(f"{target.host} is not found: {said}", retry=again) from None
        except UnicodeError as error:
            raise ToolError(f"{target.host[:100]} is no name of a host: {error}") from None
        allowed = [each for each in found if self.outside.allows(target, each[4][0])]
        if not allowed:
            raise refusal(target)
        return [_result(target, each) for each in allowed]

    async def _ask(
        self, session: aiohttp.ClientSession, target: Target, request: Request
    ) -> Page | str:
        async with session.request(
            request.method,
            target.url,
            headers={**_HEADERS, **request.headers},
            data=request.body,
            allow_redirects=False,
        ) as answer:
            moved = answer.headers.get("Location")
            if answer.status in _MOVED and moved is not None:
                return moved
            if answer.status in _RETRY:
                raise _later(target, answer)
            body, cut = b"", False
            if request.method != "HEAD":
                body, cut = await self._read(answer)
            return Page(
                url=str(target.url),
                status=answer.status,
                content_type=answer.content_type.lower(),
                charset=answer.charset,
                body=body,
                cut=cut,
            )

    async def _read(self, answer: aiohttp.ClientResponse) -> tuple[bytes, bool]:
        unpacker = Unpacker(answer.headers.get("Content-Encoding", ""), self.size_bytes)
        body = bytearray()
        async for chunk in answer.content.iter_chunked(_CHUNK):
            body += unpacker.feed(chunk)
            if unpacker.full:
                break
        return bytes(body), unpacker.full or unpacker.broken_off


class _OtherPeerError(Exception):
    """The connection leads to an address that was not checked."""


class _Connector(aiohttp.TCPConnector):
    """Says nothing on a connection before its other end is known to be allowed."""

    allows: Callable[[str], bool]

    async def connect(self, *given: Any, **named: Any) -> aiohttp.connector.Connection:
        connection = await super().connect(*given, **named)
        transport = connection.transport
        peer = transport.get_extra_info("peername") if transport is not None else None
        if not peer or not self.allows(peer[0]):
            connection.close()
            raise _OtherPeerError
        return connection


class _Resolver(AbstractResolver):
    """Gives the addresses that were looked up and checked, and no others."""

    def __init__(self, known: list[ResolveResult]) -> None:
        self._known = known

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        del host, port, family
        return self._known

    async def close(self) -> None:
        """Nothing is held."""


def _result(target: Target, found: Sequence[Any]) -> ResolveResult:
    return ResolveResult(
        hostname=target.host,
        host=found[4][0],
        port=target.port,
        family=found[0],
        proto=found[2],
        flags=int(socket.AI_NUMERICHOST),
    )


def _trust() -> tuple[ssl.SSLContext, tuple[str, ...]]:
    return context_of(trust_of(None, "", environment()))


def _next(target: Target, moved: str) -> URL:
    """The address to which an answer moves its request. Raises: ToolError."""
    try:
        url = target.url.join(URL(moved.strip()))
    except ValueError:
        raise ToolError(f"{target.host} moves to {moved[:200]!r}, which is no address") from None
    if target.url.scheme == "https" and url.scheme == "http":
        raise ToolError(
            f"{target.host} moves from https to {str(url)[:500]!r}, which anybody on the way can "
            "read and change; ask that address itself if it is wanted"
        )
    return url


def _refuse_another_host(target: Target, url: URL) -> None:
    """Raises: ToolError. Who agreed to a host, or made a rule for it, agreed to no other."""
    host = (url.host or "").rstrip(".").lower()
    if host.removeprefix("www.") != target.host.removeprefix("www."):
        raise ToolError(
            f"{target.host} moves to {str(url)[:500]!r}, another host, to which nobody has agreed; "
            "ask that address itself if it is wanted"
        )


def _later(target: Target, answer: aiohttp.ClientResponse) -> ToolError:
    headers = {name.lower(): value for name, value in answer.headers.items()}
    after_s = asked_s(headers, status=answer.status)
    wait = "" if after_s is None else f" and asks to wait {after_s:g} s"
    return ToolError(
        f"{target.host} answered {status_words(answer.status)}{wait}",
        retry=True,
        after_s=after_s,
    )


def _unreached(target: Target, error: Exception) -> ToolError:
    if isinstance(error, aiohttp.ClientConnectionError | OSError) and not isinstance(
        error, aiohttp.ClientResponseError
    ):
        found = unconnected(error, str(target.url), connect_s=_CONNECT_S)
        certificate = isinstance(error, aiohttp.ClientSSLError | ssl.SSLError)
        return ToolError(f"{target.host}: {found.what}"[:500], retry=not certificate)
    if isinstance(error, aiohttp.ClientPayloadError):
        return ToolError(f"{target.host}: the connection broke in the middle", retry=True)
    said = getattr(error, "message", "") or str(error) or type(error).__name__
    return ToolError(f"{target.host} gave no proper answer: {said}"[:500])


def _host(url: str | URL) -> str:
    try:
        return URL(url).host or str(url)[:100] if isinstance(url, str) else url.host or ""
    except ValueError:
        return str(url)[:100]
