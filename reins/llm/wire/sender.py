"""Sends requests and hands on what comes back, over connections that are kept."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Self

from reins.llm.baml.runtime import Request
from reins.llm.wire.connecting import broken_off, unconnected
from reins.llm.wire.errors import TimeLimitError
from reins.llm.wire.trust import NO_SOURCES, Trust, context_of

if TYPE_CHECKING:
    import aiohttp

CONNECT_S = 10.0
KEPT_S = 30.0
HEADERS = {"User-Agent": "reins", "Accept-Encoding": "identity"}


class Sender:
    """Sends over one route. Connects at the first use; `stop` closes what is kept.

    `timeout_s` is for one request as a whole, and only backs the limits of its callers. Lives on
    one loop.
    """

    def __init__(
        self,
        address: str,
        *,
        trust: Trust | None = None,
        proxy: str | None = None,
        timeout_s: float | None = None,
    ) -> None:
        self._address = address
        self._trust = trust or NO_SOURCES
        self._proxy = proxy
        self._timeout_s = timeout_s
        import aiohttp  # noqa: PLC0415 - late, as for the offline model

        self._aiohttp = aiohttp
        self._session: aiohttp.ClientSession | None = None
        self._connecting = asyncio.Lock()
        self._unread: tuple[str, ...] = ()
        self._answered = False
        """A request was answered, so that a connection may be kept."""

    @asynccontextmanager
    async def send(self, request: Request) -> AsyncIterator["Reply"]:
        """Send; the reply is closed in the end, with its connection if it was not read to its end.

        Raises: UnconnectedError, TimeLimitError.
        """
        with _Told(self, begun=False):
            session = self._session or await self._connect()
            got = await self._post(session, request)
        try:
            yield Reply(got, self)
        finally:
            got.close()  # does nothing where it was read to its end

    async def _post(
        self, session: "aiohttp.ClientSession", request: Request
    ) -> "aiohttp.ClientResponse":
        may_be_kept = self._answered
        while True:
            try:
                # A redirect is not followed: key and prompt are for this address.
                got = await session.post(
                    request.url,
                    data=request.body,
                    headers={**request.headers, **HEADERS},
                    proxy=self._proxy,
                    allow_redirects=False,
                )
            except (self._aiohttp.ServerDisconnectedError, self._aiohttp.ClientOSError) as error:
                # A server may close a kept connection in the moment in which we take it up.
                if not (may_be_kept and self._is_lost(error)):
                    raise
                may_be_kept = False
            else:
                self._answered = True
                return got

    def _is_lost(self, error: Exception) -> bool:
        """True of a connection that was closed; one lost in the middle of the body is a cause."""
        if isinstance(error, self._aiohttp.ClientConnectorError):
            return False  # there was none yet
        lost = (self._aiohttp.ServerDisconnectedError, ConnectionError)
        return isinstance(error, lost) or isinstance(error.__cause__, ConnectionError)

    async def stop(self) -> None:
        """Close the connections; a second time does nothing."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def _connect(self) -> "aiohttp.ClientSession":
        async with self._connecting:
            if self._session is None:
                self._session = self._open(await self._context())
        return self._session

    async def _context(self) -> ssl.SSLContext | None:
        if not any(each.startswith("https:") for each in (self._address, self._proxy or "")):
            return None
        context, self._unread = await asyncio.to_thread(context_of, self._trust)
        return context

    def _open(self, context: ssl.SSLContext | None) -> "aiohttp.ClientSession":
        http = self._aiohttp
        session: aiohttp.ClientSession = http.ClientSession(
            # As many as the admission lets through.
            connector=http.TCPConnector(ssl=context or True, limit=0, keepalive_timeout=KEPT_S),
            timeout=http.ClientTimeout(total=self._timeout_s, connect=CONNECT_S),
            cookie_jar=http.DummyCookieJar(),
        )
        return session

    def failure(self, error: BaseException, *, begun: bool) -> Exception | None:
        """The error to raise for what the client raised; None for what is none of its own."""
        http = self._aiohttp
        if isinstance(error, http.ClientError) and begun:
            return broken_off(error)
        if isinstance(error, http.ClientError):
            return unconnected(
                error, self._proxy or self._address, unread=self._unread, connect_s=CONNECT_S
            )
        return TimeLimitError() if isinstance(error, TimeoutError) else None


class Reply:
    """An answer of a server, as it comes. `headers` by their names in lower case."""

    def __init__(self, got: "aiohttp.ClientResponse", sender: Sender) -> None:
        self._got = got
        self._sender = sender
        self.status = got.status
        self.headers = {name.lower(): value for name, value in got.headers.items()}

    @property
    def is_read(self) -> bool:
        """True once all has come and was read."""
        return self._got.content.at_eof()

    async def read(self) -> bytes:
        """The next bytes, as they come; none at the end.

        Raises: UnconnectedError where the connection broke, TimeLimitError.
        """
        with _Told(self._sender, begun=True):
            return await self._got.content.readany()


class _Told:
    """Tells what the client raises in our words. `from None`: its own hold addresses and keys."""

    def __init__(self, sender: Sender, *, begun: bool) -> None:
        self._sender = sender
        self._begun = begun

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        error: BaseException | None,
        _: TracebackType | None,
    ) -> None:
        told = None if error is None else self._sender.failure(error, begun=self._begun)
        if told is not None:
            raise told from None
