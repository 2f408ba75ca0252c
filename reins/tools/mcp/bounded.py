"""Bodies of an HTTP server's answers, bounded."""

from collections.abc import AsyncIterator

import httpx2

from reins.tools.mcp.lines import LINE_BYTES


class TooLongError(httpx2.StreamError):
    """The answer is longer than is taken."""


class _Bounded(httpx2.AsyncByteStream):
    def __init__(self, stream: httpx2.AsyncByteStream) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size = 0
        async for piece in self._stream:
            size += len(piece)
            if size > LINE_BYTES:
                raise TooLongError(f"an answer has more than {LINE_BYTES:,} bytes")
            yield piece

    async def aclose(self) -> None:
        await self._stream.aclose()


async def bounded_body(response: httpx2.Response) -> None:
    """For a client's hook. Streams of events go on for ever; their events are bounded elsewhere."""
    if "text/event-stream" not in response.headers.get("content-type", ""):
        stream = response.stream
        if isinstance(stream, httpx2.AsyncByteStream):
            response.stream = _Bounded(stream)
