"""A client that follows the rule of the rooms; started by bench/reconnects.py."""

import asyncio
import json
import random
import sys
from typing import Any

import aiohttp
import socketio

_SESSION = "watched-0"


class Reader:
    """One session's rows: drop what is known, fetch where something is missing."""

    def __init__(self, url: str) -> None:
        self.seqs: list[int] = []
        self.fetched = 0
        self.cut = 0
        self._url = url
        self._client = socketio.AsyncClient(reconnection=False)
        self._client.on("log", self._log)
        self._client.on("head", self._head)
        self._turn = asyncio.Lock()

    @property
    def last(self) -> int:
        return self.seqs[-1] if self.seqs else 0

    async def connect(self) -> None:
        await self._client.connect(self._url, transports=["websocket"])
        ask = {"agent_id": _SESSION, "session_id": _SESSION, "after_seq": self.last}
        answer = await self._client.call("subscribe", ask)
        async with self._turn:
            await self._take(answer["rows"], answer["head"])

    async def cut_off(self) -> None:
        """As a network does it: without a word."""
        self.cut += 1
        transport = self._client.eio.ws._writer.transport
        transport.abort()
        await self._client.wait()

    async def close(self) -> None:
        await self._client.disconnect()

    async def _log(self, batch: dict[str, Any]) -> None:
        async with self._turn:
            await self._take(batch["rows"], batch["rows"][-1]["seq"])

    async def _head(self, told: dict[str, Any]) -> None:
        async with self._turn:
            await self._take([], told["head"])

    async def _take(self, rows: list[dict[str, Any]], head: int) -> None:
        if rows and rows[0]["seq"] > self.last + 1:
            await self._fetch(rows[0]["seq"] - 1)
        self.seqs += [row["seq"] for row in rows if row["seq"] > self.last]
        await self._fetch(head)

    async def _fetch(self, upto: int) -> None:
        async with aiohttp.ClientSession() as http:
            while self.last < upto:
                url = f"{self._url}/api/sessions/{_SESSION}/steps?brief=true&limit=1000"
                async with http.get(f"{url}&after_seq={self.last}") as answer:
                    items = (await answer.json())["items"]
                self.fetched += len(items)
                self.seqs += [row["seq"] for row in items]


async def main(*, url: str, times: int, between_s: float) -> Any:
    reader = Reader(url)
    for _ in range(times):
        await reader.connect()
        await asyncio.sleep(between_s * random.uniform(0.0, 2.0))
        await reader.cut_off()
    await reader.connect()
    await reader.close()
    return {"cut_off": reader.cut, "rows_fetched": reader.fetched, "seqs": reader.seqs}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(main(**json.loads(sys.argv[1])))))
