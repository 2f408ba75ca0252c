"""One hop of a request: connected to an address that was checked, and nothing said before."""

import asyncio
import socket
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from reins.llm.limits.retry_after import asked_s
from reins.llm.wire.connecting import unconnected
from reins.llm.wire.trust import context_of, trust_of
from reins.settings import environment
from reins.tools.outcome import ToolError
from reins.tools.web.outside import Outside, Target, refusal
from reins.tools.web.page import Page, Request
from reins.tools.web.statuses import status_words
from reins.tools.web.unpacking import ACCEPTED, Unpacker

_MOVED = frozenset({301, 302, 303, 307, 308})
_RETRY = frozenset({408, 425, 429, 500, 502, 503, 504})
_CHUNK = 64 << 10
_CONNECT_S = 10.0
_HEADERS = {"User-Agent": "reins", "Accept-Encoding": ACCEPTED}


@dataclass(frozen=True, slots=True)
class Hop:
    """A place that may be asked, at addresses that were checked."""

    target: Target
    addresses: Sequence[Sequence[Any]]
    outside: Outside
    size_bytes: int

    async def ask(self, request: Request) -> Page | str:
        """An answer, or the address to which the request is moved. Raises: ToolError."""
        target = self.target
        resolver = _Resolver([_result(target, each) for each in self.addresses])
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
                return await self._answer(session, request)
        except _OtherPeerError:
            raise refusal(target) from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise _unreached(target, error) from None

    async def _answer(self, session: aiohttp.ClientSession, request: Request) -> Page | str:
        async with session.request(
            request.method,
            self.target.url,
            headers={**_HEADERS, **request.headers},
            data=request.body,
            allow_redirects=False,
        ) as answer:
            moved = answer.headers.get("Location")
            if answer.status in _MOVED and moved is not None:
                return moved
            if answer.status in _RETRY:
                raise _later(self.target, answer)
            body, cut = b"", False
            if request.method != "HEAD":
                body, cut = await self._read(answer)
            return Page(
                url=str(self.target.url),
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


def _later(target: Target, answer: aiohttp.ClientResponse) -> ToolError:
    headers = {name.lower(): value for name, value in answer.headers.items()}
    after_s = asked_s(headers, status=answer.status)
    wait = "" if after_s is None else f" and asks to wait {after_s:g} s"
    return ToolError(
        f"{target.host} answered {status_words(answer.status)}{wait}",
        retry=True,
        after_s=after_s,
        status=answer.status,
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
