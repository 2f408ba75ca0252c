"""Clients of the rooms in a process of their own; started by bench/clients.py."""

import asyncio
import base64
import json
import os
import socket
import sys
import time
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import orjson
import socketio

from bench.measure import spread

_LOOK_AT = 20  # of a batch of the list, so that measuring costs little


class _Json:
    """A faster parser than the client's own: it is the server that is measured."""

    dumps = staticmethod(lambda value, **_: orjson.dumps(value).decode())
    loads = staticmethod(lambda text, **_: orjson.loads(text))


class Onlooker:
    """One client that notes how old each row is when it arrives."""

    def __init__(self, url: str, session: str | None) -> None:
        self.ages_ms: list[float] = []
        self._url = url
        self._session = session
        self._client = socketio.AsyncClient(reconnection=False, json=_Json)
        self._client.on("log", self._log)
        self._client.on("sessions", self._sessions)

    async def open(self) -> None:
        await self._client.connect(self._url, transports=["websocket"])
        if self._session is None:
            answer = await self._client.call("subscribe_sessions", {})
        else:
            ask = {"agent_id": self._session, "session_id": self._session, "after_seq": 1 << 40}
            answer = await self._client.call("subscribe", ask)
        assert answer["ok"], answer

    async def close(self) -> None:
        await self._client.disconnect()

    def _log(self, batch: dict[str, Any]) -> None:
        self.ages_ms += [age_ms(row["created_at"]) for row in batch["rows"]]

    def _sessions(self, batch: dict[str, Any]) -> None:
        self.ages_ms += [age_ms(row["updated_at"]) for row in batch["changed"][:_LOOK_AT]]


def age_ms(at: str) -> float:
    return (time.time() - datetime.fromisoformat(at).timestamp()) * 1_000


def stall(url: str) -> socket.socket:
    """A WebSocket that joins the list's room and never reads again."""
    where = urlsplit(url)
    made = socket.create_connection((where.hostname, where.port))
    key = base64.b64encode(os.urandom(16)).decode()
    made.sendall(
        f"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: {where.netloc}\r\n"
        "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        f"Sec-WebSocket-Key: {key}\r\n\r\n".encode()
    )
    for text in ("40", '420["subscribe_sessions",{}]'):
        mask = os.urandom(4)
        body = bytes(byte ^ mask[i % 4] for i, byte in enumerate(text.encode()))
        made.sendall(bytes([0x81, 0x80 | len(body)]) + mask + body)
        time.sleep(0.1)
    return made


async def main(*, url: str, sessions: int, clients: int, stalled: int, seconds: float) -> Any:
    ends_at = time.monotonic() + seconds
    dead = [await asyncio.to_thread(stall, url) for _ in range(stalled)]
    reading = clients - stalled
    onlookers = [
        Onlooker(url, None if n < reading // 2 else f"agent-{n * 7 % sessions}")
        for n in range(reading)
    ]
    for onlooker in onlookers:
        await onlooker.open()
    await asyncio.sleep(max(0.0, ends_at - time.monotonic()))
    for onlooker in onlookers:
        await onlooker.close()
    for each in dead:
        each.close()
    on_list = [age for each in onlookers[: reading // 2] for age in each.ages_ms]
    on_session = [age for each in onlookers[reading // 2 :] for age in each.ages_ms]
    return {"list_age_ms": spread(on_list), "session_age_ms": spread(on_session)}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(main(**json.loads(sys.argv[1])))))
