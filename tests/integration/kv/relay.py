"""A wire between a store and its server that counts how often the server is asked."""

import asyncio
import contextlib
from typing import Self


class Relay:
    """Listens on a port of its own; `asked` counts what came from the store between answers."""

    def __init__(self, upstream: int) -> None:
        self._upstream = upstream
        self._tasks: set[asyncio.Task[None]] = set()
        self.asked = self.port = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        await asyncio.gather(*self._tasks)  # the stores have hung up
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        answers, asks = await asyncio.open_connection("127.0.0.1", self._upstream)
        waiting = False

        async def up() -> None:
            nonlocal waiting
            while data := await reader.read(1 << 16):
                if not waiting:
                    self.asked += 1
                    waiting = True
                asks.write(data)

        async def down() -> None:
            nonlocal waiting
            while data := await answers.read(1 << 16):
                waiting = False
                writer.write(data)

        with contextlib.suppress(ConnectionError):
            await asyncio.wait(
                [asyncio.ensure_future(up()), asyncio.ensure_future(down())],
                return_when=asyncio.FIRST_COMPLETED,
            )
        for each in (asks, writer):
            each.close()
