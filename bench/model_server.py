"""A model server in a process of its own that answers at once, slowly, or wrongly, and counts.

`python -m bench.model_server` prints its address. What the request names as model decides how it
answers: `plain`, `slow` (a stream of 50 pieces, one each 20 ms), `faulty` (see `FAULTS`). It
shares no code with the layer that it is there to measure.
"""

import asyncio
import json
import random
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from aiohttp import web

FAULTS = {"limited": 0.10, "broken": 0.05, "never": 0.02, "garbage": 0.01}
"""Of the requests to `faulty`, the share that is answered with each fault."""
RETRY_AFTER_S = 1
TOKENS_IN, TOKENS_OUT = 120, 30
_PIECES = 50
_PIECE_S = 0.02
_TEXT = "A cat walks into a bar and orders a saucer of milk, shaken, not stirred."
_HEAD = {"id": "x", "created": 1, "model": "m"}
_USAGE = {
    "prompt_tokens": TOKENS_IN, "completion_tokens": TOKENS_OUT,
    "total_tokens": TOKENS_IN + TOKENS_OUT,
}  # fmt: skip
_ANSWER = json.dumps(
    {
        **_HEAD,
        "object": "chat.completion",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": _TEXT},
                "finish_reason": "stop",
            }
        ],
        "usage": _USAGE,
    }
).encode()


class Server:
    """Counts what it did: `answered` are those whose tokens it would bill."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.cut_off_at: list[float] = []
        self.outage = False
        self._chance = random.Random(7)

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.path == "/counts":
            return web.json_response({**self.counts, "cut_off_at": self.cut_off_at})
        if request.path == "/outage":
            self.outage = request.query["on"] == "1"
            return web.json_response({})
        body = json.loads(await request.read())
        self.counts["requests"] += 1
        match "broken" if self.outage else self._fault(body["model"]):
            case "limited":
                headers = {"Retry-After": str(RETRY_AFTER_S)}
                return web.json_response(
                    {"error": {"message": "wait"}}, status=429, headers=headers
                )
            case "broken":
                return web.json_response({"error": {}}, status=500)
            case "never":
                await self._until_it_hangs_up()
            case "garbage":
                return web.Response(text="<html>garbage</html>", content_type="text/html")
        return await self._answer(request, body)

    def _fault(self, model: str) -> str:
        if model != "faulty":
            return "none"
        [fault] = self._chance.choices(
            [*FAULTS, "none"], [*FAULTS.values(), 1 - sum(FAULTS.values())]
        )
        self.counts[fault] += 1
        return fault

    async def _until_it_hangs_up(self) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            self.counts["hung_up"] += 1

    async def _answer(
        self, request: web.BaseRequest, body: dict[str, object]
    ) -> web.StreamResponse:
        if body.get("stream"):
            return await self._stream(request, slowly=body["model"] == "slow")
        self.counts["answered"] += 1
        return web.Response(body=_ANSWER, content_type="application/json")

    async def _stream(self, request: web.BaseRequest, *, slowly: bool) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        try:
            for number in range(_PIECES):
                await response.write(_event({"content": f"word{number} "}))
                if slowly:
                    await asyncio.sleep(_PIECE_S)
        except (asyncio.CancelledError, ConnectionError):
            self.cut_off_at.append(time.time())
            raise
        await response.write(_event({}, "stop"))
        await response.write(
            b"data: " + json.dumps({**_HEAD, "choices": [], "usage": _USAGE}).encode()
        )
        await response.write(b"\n\ndata: [DONE]\n\n")
        self.counts["answered"] += 1
        return response


def _event(delta: dict[str, str], finish_reason: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
    return _data({**_HEAD, "object": "chat.completion.chunk", "choices": [choice]})


def _data(chunk: dict[str, object]) -> bytes:
    return b"data: " + json.dumps(chunk).encode() + b"\n\n"


async def _serve() -> None:
    server = web.Server(Server().handle, handler_cancellation=True, access_log=None)
    runner = web.ServerRunner(server, shutdown_timeout=0.0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, backlog=2_048).start()
    print(f"http://127.0.0.1:{runner.addresses[0][1]}", flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)  # until the parent ends


@contextmanager
def model_server() -> Iterator[str]:
    """The address of a server that ends with the block."""
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.model_server"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip()
    finally:
        process.kill()
        process.wait()


def counts(address: str) -> dict[str, Any]:
    """Its counts, and `cut_off_at`: when its streams were hung up on (seconds since 1970)."""
    with urllib.request.urlopen(f"{address}/counts") as answer:
        found: dict[str, Any] = json.load(answer)
    return found


def outage(address: str, *, on: bool) -> None:
    """From now on every request is answered with 500, or not any more."""
    urllib.request.urlopen(f"{address}/outage?on={int(on)}").close()


if __name__ == "__main__":
    asyncio.run(_serve())
