"""A model server that misbehaves on demand, for tests and measurements.

It shares no code with the offline model, so that a mistake in the one does not hide in the other.
`python -m tests.model_stub` serves plain answers in a process of its own and prints its address.
"""

import asyncio
import json
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Self

from aiohttp import web

GOOD = "A cat walks into a bar."


@dataclass(frozen=True, slots=True)
class Seen:
    """One request as it arrived."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]


Reply = Callable[["ModelStub", web.BaseRequest], Awaitable[web.StreamResponse]]


def openai(text: str | None = GOOD, finish_reason: str = "stop") -> dict[str, Any]:
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": text},
        "finish_reason": finish_reason,
    }
    usage = {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}
    return {
        "id": "x",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [choice],
        "usage": usage,
    }


def anthropic(text: str = GOOD, stop_reason: str = "end_turn") -> dict[str, Any]:
    return {
        "id": "m",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [{"type": "text", "text": text}],
        "stop_reason": stop_reason,
        "stop_sequence": None,
        "usage": {"input_tokens": 11, "output_tokens": 7},
    }


def google(text: str = GOOD, finish_reason: str = "STOP") -> dict[str, Any]:
    content = {"role": "model", "parts": [{"text": text}]}
    usage = {"promptTokenCount": 11, "candidatesTokenCount": 7, "totalTokenCount": 18}
    candidate = {"content": content, "finishReason": finish_reason, "index": 0}
    return {"candidates": [candidate], "usageMetadata": usage}


def says(body: dict[str, Any] | str, status: int = 200, **headers: str) -> Reply:
    """Answer with a JSON body, or with any text."""
    text = body if isinstance(body, str) else json.dumps(body)
    named = {name.replace("_", "-"): value for name, value in headers.items()}

    async def reply(_stub: "ModelStub", _request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(
            text=text, status=status, headers=named, content_type="application/json"
        )

    return reply


def fails(status: int, **headers: str) -> Reply:
    """Answer with an error that quotes the prompt, as some servers do."""

    async def reply(stub: "ModelStub", _request: web.BaseRequest) -> web.StreamResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        quoted = json.dumps({"error": {"message": f"bad: {stub.seen[-1].body}"}})
        return web.Response(text=quoted, status=status, headers=named)

    return reply


async def breaks(_stub: "ModelStub", request: web.BaseRequest) -> web.StreamResponse:
    """Close the connection in the middle of the answer."""
    response = web.StreamResponse(headers={"Content-Length": "1000"})
    await response.prepare(request)
    await response.write(b'{"id": "x", "cho')
    assert request.transport is not None
    request.transport.abort()
    return response


async def never(stub: "ModelStub", _request: web.BaseRequest) -> web.StreamResponse:
    """Take the request and say nothing, until the test ends it."""
    await stub.released.wait()
    return web.Response(text=json.dumps(openai()), content_type="application/json")


@dataclass
class ModelStub:
    """Answers from `replies`, one each, and then with `default`."""

    default: Reply = field(default_factory=lambda: says(openai()))
    replies: deque[Reply] = field(default_factory=deque)
    seen: list[Seen] = field(default_factory=list)
    keep: bool = True
    connections: set[int] = field(default_factory=set)
    open_now: int = 0
    peak: int = 0
    address: str = ""
    released: asyncio.Event = field(default_factory=asyncio.Event)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    closed_by_client: asyncio.Event = field(default_factory=asyncio.Event)

    async def __aenter__(self) -> Self:
        # handler_cancellation: a client that hangs up cancels the handler, which is how we see it.
        self._runner = web.ServerRunner(
            web.Server(self._handle, handler_cancellation=True, access_log=None),
            shutdown_timeout=0.0,
        )
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.address = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self.released.set()
        await self._runner.cleanup()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        body = await request.read()
        self.connections.add(id(request.transport))
        if self.keep:
            self.seen.append(Seen(request.path, dict(request.headers), json.loads(body or b"{}")))
        self.open_now += 1
        self.peak = max(self.peak, self.open_now)
        self.arrived.set()
        try:
            return await (self.replies.popleft() if self.replies else self.default)(self, request)
        except asyncio.CancelledError:
            self.closed_by_client.set()
            raise
        finally:
            self.open_now -= 1


async def serve() -> None:
    async with ModelStub(keep=False) as stub:
        print(stub.address, flush=True)  # noqa: T201 - how its parent learns the port
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve())
