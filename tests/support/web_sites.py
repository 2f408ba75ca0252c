"""Sites on this machine that tools ask: a well-behaved one, and one that sends raw bytes."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable

from aiohttp import web

from reins.tools.web.fetching import Fetcher
from reins.tools.web.outside import Outside

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Site:
    """What a site was asked, in order."""

    def __init__(self, port: int, scheme: str = "http") -> None:
        self.port = port
        self.scheme = scheme
        self.asked: list[web.Request] = []

    @property
    def place(self) -> str:
        return f"127.0.0.1:{self.port}"

    def url(self, path: str = "/") -> str:
        return f"{self.scheme}://{self.place}{path}"


@contextlib.asynccontextmanager
async def site(
    handler: Handler, *, host: str = "127.0.0.1", port: int = 0, tls: ssl.SSLContext | None = None
) -> AsyncIterator[Site]:
    """A site that answers each request so."""

    async def answer(request: web.Request) -> web.StreamResponse:
        made.asked.append(request)
        return await handler(request)

    runner = web.AppRunner(_app(answer), handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    listening = web.TCPSite(runner, host, port, ssl_context=tls)
    await listening.start()
    made = Site(runner.addresses[0][1], "http" if tls is None else "https")
    try:
        yield made
    finally:
        await runner.cleanup()


def _app(answer: Handler) -> web.Application:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    return app


@contextlib.asynccontextmanager
async def raw(*pieces: bytes, pause_s: float = 0, again: bool = False) -> AsyncIterator[Site]:
    """A site that sends these bytes with pauses, whatever it is asked, and then waits; or sends
    the last of them again and again.
    """

    talks: set[asyncio.Task[None]] = set()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(pause_s)
            while again:
                writer.write(pieces[-1])
                await writer.drain()
                await asyncio.sleep(pause_s)
            writer.close()
        except (ConnectionError, asyncio.IncompleteReadError):
            writer.close()
        finally:
            if not writer.is_closing():
                writer.transport.abort()

    def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talks.add(asyncio.create_task(talk(reader, writer)))

    server = await asyncio.start_server(begin, "127.0.0.1", 0)
    try:
        yield Site(server.sockets[0].getsockname()[1])
    finally:
        server.close()
        for each in talks:
            each.cancel()
        await asyncio.gather(*talks, return_exceptions=True)


def fetcher(*sites: Site, **limits: float) -> Fetcher:
    """A fetcher that may ask these places of the inside."""
    inner = frozenset(each.place for each in sites)
    return Fetcher(Outside(inner=inner), **limits)  # type: ignore[arg-type]
