"""Sends requests and hands on what comes back, over connections that are kept.

aiohttp connects, through proxies and by TLS, keeps the connections, and cuts bytes into answers.
Its session is passed by: what it makes anew for each request is the same for all of a route, and
took more than half of the time. A connection's protocol promises little: a test keeps its contract.
"""

import asyncio
import ssl
from collections.abc import Mapping
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING, Any, Self

from reins.llm.baml.runtime import Request
from reins.llm.wire.connecting import broken_off, unconnected
from reins.llm.wire.trust import NO_SOURCES, Trust, context_of

if TYPE_CHECKING:
    import aiohttp
    from aiohttp.connector import Connection
    from aiohttp.http import RawResponseMessage

CONNECT_S = 10.0
KEPT_S = 30.0
HEADERS = {"User-Agent": "reins", "Accept-Encoding": "identity"}
INTERIM = frozenset(range(100, 200)) - {101}
"""Statuses that another follows."""

MOST_HEADS = 8
"""A route has one head for plain calls and another for streams; those of more are made anew."""


class Sender:
    """Sends over one route. Connects at the first use; `stop` closes what is kept.

    Limits of time are its callers'. Lives on one loop.
    """

    def __init__(
        self, address: str, *, trust: Trust | None = None, proxy: str | None = None
    ) -> None:
        self._address = address
        self._trust = trust or NO_SOURCES
        self._proxy = proxy
        self._connector: aiohttp.TCPConnector | None = None
        self._connecting = asyncio.Lock()
        self._heads: dict[str, Head] = {}
        self._unread: tuple[str, ...] = ()
        self._answered = False
        """A request was answered, so that a connection may be kept."""

    @cached_property
    def _aiohttp(self) -> Any:
        return import_module("aiohttp")

    @cached_property
    def _limits(self) -> "aiohttp.ClientTimeout":
        limits: aiohttp.ClientTimeout = self._aiohttp.ClientTimeout(total=None, connect=CONNECT_S)
        return limits

    async def send(self, request: Request) -> "Reply":
        """Send; give the reply once its head has come. It is closed by whoever gets it.

        Raises: UnconnectedError.
        """
        try:
            return await self._send(request)
        except Exception as error:
            told = self.failure(error, begun=False)
            if told is None:
                raise
            raise told from None  # the client's own holds addresses and keys

    async def _send(self, request: Request) -> "Reply":
        may_be_kept = self._answered
        while True:
            connector = self._connector or await self._open()
            head = self._head(request)
            connection = await self._connect(connector, head)
            try:
                reply = await _exchanged(connection, head, request.body, self)
            except BaseException as error:
                connection.close()
                # A server may close a kept connection in the moment in which we take it up.
                if not (may_be_kept and self._is_lost(error)):
                    raise
                may_be_kept = False
            else:
                self._answered = True
                return reply

    def _is_lost(self, error: BaseException) -> bool:
        """True of a connection that was closed; one lost in the middle of the body is a cause."""
        lost = (self._aiohttp.ServerDisconnectedError, ConnectionError)
        return isinstance(error, lost) or isinstance(error.__cause__, ConnectionError)

    def _head(self, request: Request) -> "Head":
        head = self._heads.get(request.url)
        if head is None or head.given != request.headers:
            if len(self._heads) >= MOST_HEADS:
                self._heads.clear()
            head = self._heads[request.url] = Head(request, self._proxy)
        return head

    async def _connect(self, connector: "aiohttp.TCPConnector", head: "Head") -> "Connection":
        try:
            return await connector.connect(head.request, [], self._limits)
        except TimeoutError as error:
            raise self._aiohttp.ConnectionTimeoutError from error

    async def stop(self) -> None:
        """Close the connections; a second time does nothing."""
        connector, self._connector = self._connector, None
        if connector is not None:
            await connector.close()

    async def _open(self) -> "aiohttp.TCPConnector":
        async with self._connecting:
            if self._connector is None:
                # Not for the start, and not on the loop: it takes a tenth of a second.
                await asyncio.to_thread(import_module, "aiohttp")
                context = await self._context()
                # As many connections as the admission lets through.
                self._connector = self._aiohttp.TCPConnector(
                    ssl=context or True, limit=0, keepalive_timeout=KEPT_S
                )
        return self._connector

    async def _context(self) -> ssl.SSLContext | None:
        if not any(each.startswith("https:") for each in (self._address, self._proxy or "")):
            return None
        context, self._unread = await asyncio.to_thread(context_of, self._trust)
        return context

    def failure(self, error: BaseException, *, begun: bool) -> Exception | None:
        """The error to raise for what the client raised; None for what is none of its own."""
        http = self._aiohttp
        ours = (http.ClientError, http.http.HttpProcessingError, ConnectionError)
        if not isinstance(error, ours):
            return None
        if begun:
            return broken_off(error)
        return unconnected(
            error, self._proxy or self._address, unread=self._unread, connect_s=CONNECT_S
        )


class Head:
    """The part that all requests to one place have alike: made once, as text and for connecting."""

    __slots__ = ("_text", "given", "request")

    def __init__(self, request: Request, proxy: str | None) -> None:
        import aiohttp  # noqa: PLC0415 - as above
        from yarl import URL  # noqa: PLC0415 - comes with it

        self.given = request.headers
        self.request = aiohttp.ClientRequest(
            "POST",
            URL(request.url),
            headers={**request.headers, **HEADERS},
            proxy=URL(proxy) if proxy else None,
            loop=asyncio.get_running_loop(),
        )
        self._text = b""

    def text(self, size_bytes: int) -> bytes:
        """The head of a request with a body of so many bytes; after the first connection alone."""
        # Not before: what a proxy asks for comes to the headers when it is connected to.
        if not self._text:
            self._text = self._made()
        return b"%s%d\r\n\r\n" % (self._text, size_bytes)

    def _made(self) -> bytes:
        request = self.request
        through = request.proxy is not None and not request.is_ssl()
        # Not with a password in it, which stands in the headers.
        place = request.url.with_user(None) if through else request.url.raw_path_qs
        lines = [f"POST {place} HTTP/1.1"]
        lines += [
            f"{name}: {value}"
            for name, value in request.headers.items()
            if name.lower() != "content-length"
        ]
        if any(sign in line for line in lines for sign in "\r\n\0"):
            raise ValueError("A header of the request holds a line break. Check the route's key.")
        return "\r\n".join([*lines, "Content-Length: "]).encode()


async def _exchanged(connection: "Connection", head: Head, body: bytes, sender: Sender) -> "Reply":
    """The reply to a request, once its head has come. No redirect is followed: key and prompt are
    for this address.
    """
    protocol, transport = connection.protocol, connection.transport
    if protocol is None or transport is None or transport.is_closing():
        raise ConnectionResetError("closed before it was used")
    protocol.set_response_params(read_until_eof=True)
    transport.write(head.text(len(body)) + body)
    while True:
        message, content = await protocol.read()
        if message.code not in INTERIM:
            return Reply(message, content, connection, sender)


class Reply:
    """An answer of a server, as it comes. Closed at the end of its `with`, and with it the
    connection, if it has not come to its end.
    """

    __slots__ = ("_connection", "_content", "_sender", "headers", "status")

    def __init__(
        self,
        message: "RawResponseMessage",
        content: "aiohttp.StreamReader",
        connection: "Connection",
        sender: Sender,
    ) -> None:
        self._content = content
        self._connection = connection
        self._sender = sender
        self.status: int = message.code
        self.headers: Mapping[str, str] = message.headers

    @property
    def is_read(self) -> bool:
        """True once all has come and was read."""
        return self._content.at_eof()

    async def read(self) -> bytes:
        """The next bytes, as they come; none at the end.

        Raises: UnconnectedError where the connection broke.
        """
        try:
            return await self._content.readany()
        except Exception as error:
            told = self._sender.failure(error, begun=True)
            if told is None:
                raise
            raise told from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        connection, content = self._connection, self._content
        transport = connection.transport
        # A server may answer before it has taken the whole request.
        is_sent = transport is not None and not transport.get_write_buffer_size()
        if is_sent and content.is_eof() and content.exception() is None:
            connection.release()
        else:
            connection.close()
