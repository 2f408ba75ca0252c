"""A model server that means harm, in a process of its own: the model's name chooses how.

`python -m tests.support.hostile_server` prints its address. What it sends is made before it is
asked for, so that the one who is measured is the one who reads.
"""

import asyncio
import json
from collections.abc import Iterator

from aiohttp import web

from tests.support.model_stub import openai, openai_events

BRACKETS = 30_000
LARGE = 10_000_000
INVALID = b'"a\xff\xfe\xed\xa0\x80\xc0\xafz"'


def wide(count: int) -> str:
    return "[" + ",".join('{"action":"a","reason":"r"}' for _ in range(count)) + "]"


TEXTS = {
    "good": '{"action": "look", "reason": "to see"}',
    "brackets": "[" * BRACKETS,
    "braces": '{"action":' * 6_000,
    "closers": "]" * BRACKETS,
    "wide": wide(1_500),
    "numbers": "[" + "1," * 15_000 + "1]",
    "quotes": '{"action": [' + '"' * 30_000,
    "keys": "{" + ",".join(f'"k{number}":1' for number in range(3_000)) + "}",
    "lines": '{"action":"a","reason":"r"}\n' * 1_200,
    "fences": "```json\n{}\n```\n" * 2_000,
    "large": "x" * LARGE,
    "nul": "a\0b\x1b[31m" * 1_000,
}
BODIES = {
    "invalid": json.dumps(openai("TEXT")).encode().replace(b'"TEXT"', INVALID),
    "deep body": b"[" * BRACKETS + b"]" * BRACKETS,
    "large body": b"x" * LARGE,
    "wide body": b'{"choices":[' + b"{}," * 1_000_000 + b"{}]}",
}


def chunk(text: str) -> bytes:
    return openai_events(text, None)[0].encode()


def good_end() -> list[bytes]:
    return [event.encode() for event in openai_events("", "stop")]


SILENCE = chunk("")
PIECE = chunk("word" * 25 + ".")
EVENTS: dict[str, list[bytes]] = {
    "large event": [chunk("x" * LARGE), *good_end()],
    "many small": [*[chunk("xy")] * 20_000, *good_end()],
    "empty events": [*[SILENCE] * 30_000, *good_end()],
    "deep event": [chunk("a"), b"[" * BRACKETS, *good_end()],
    "invalid": [chunk("TEXT").replace(b'"TEXT"', INVALID), *good_end()],
}


def pieces(model: str) -> Iterator[bytes]:
    """What is sent of a stream, write by write."""
    if model == "endless":
        while True:
            yield b"data: " + PIECE + b"\n\n"
    if model == "endless silence":
        while True:
            yield b"data: " + SILENCE + b"\n\n"
    if model == "endless line":
        yield b"data: "
        while True:
            yield b"x" * 10_000
    for event in EVENTS.get(model) or map(str.encode, openai_events(TEXTS[model])):
        yield b"data: " + event + b"\n\n"


async def handle(request: web.BaseRequest) -> web.StreamResponse:
    body = json.loads(await request.read())
    model = body["model"]
    if not body.get("stream"):
        sent = BODIES.get(model) or json.dumps(openai(TEXTS[model])).encode()
        return web.Response(body=sent, content_type="application/json")
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    for number, piece in enumerate(pieces(model)):
        await response.write(piece)
        if number % 100 == 0:
            await asyncio.sleep(0)
    return response


async def serve() -> None:
    server = web.Server(handle, handler_cancellation=True, access_log=None)
    runner = web.ServerRunner(server, shutdown_timeout=0.0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(f"http://127.0.0.1:{runner.addresses[0][1]}/v1", flush=True)  # noqa: T201 - to its parent
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve())
