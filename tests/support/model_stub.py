"""A model server that misbehaves on demand, for tests and measurements.

It shares no code with the offline model, so that a mistake in the one does not hide in the other.
`python -m tests.support.model_stub` serves plain answers in a process of its own, and prints its
address.
"""

import asyncio
import json
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Self

from aiohttp import web

GOOD = "A cat walks into a bar."
BODY = web.RequestKey("body", dict)


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


def openai_events(
    text: str = GOOD, finish_reason: str | None = "stop", *, usage: bool = True, cached: int = 0
) -> list[str]:
    """The events of a stream, a word each; without a finish reason it merely stops."""
    head = {"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "m"}

    def chunk(delta: dict[str, str], reason: str | None = None) -> str:
        return json.dumps(
            {**head, "choices": [{"index": 0, "delta": delta, "finish_reason": reason}]}
        )

    events = [chunk({"content": word}) for word in words_of(text)]
    if finish_reason is None:
        return events
    events.append(chunk({}, finish_reason))
    if usage:
        counted: dict[str, Any] = {
            "prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18,
            "prompt_tokens_details": {"cached_tokens": cached},
        }  # fmt: skip
        events.append(json.dumps({**head, "choices": [], "usage": counted}))
    return [*events, "[DONE]"]


def anthropic_events(text: str = GOOD, stop_reason: str | None = "end_turn") -> list[str]:
    message = {**anthropic(""), "content": [], "stop_reason": None}
    message["usage"] = {"input_tokens": 11, "output_tokens": 1, "cache_read_input_tokens": 0}
    events: list[dict[str, Any]] = [
        {"type": "message_start", "message": message},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    ]
    events += [
        {
            "type": "content_block_delta",
            "index": 0,
            "delta": {"type": "text_delta", "text": word},
        }
        for word in words_of(text)
    ]
    if stop_reason is not None:
        delta = {"stop_reason": stop_reason, "stop_sequence": None}
        events += [
            {"type": "content_block_stop", "index": 0},
            {"type": "message_delta", "delta": delta, "usage": {"output_tokens": 7}},
            {"type": "message_stop"},
        ]
    return [json.dumps(event) for event in events]


def google_events(text: str = GOOD, finish_reason: str | None = "STOP") -> list[str]:
    events = [google(word) for word in words_of(text)]
    for event in events:
        del event["candidates"][0]["finishReason"]
    if finish_reason is not None:
        events[-1]["candidates"][0]["finishReason"] = finish_reason
    return [json.dumps(event) for event in events]


def words_of(text: str) -> list[str]:
    first, *others = text.split(" ")
    return [first, *(f" {word}" for word in others)]


def streams(events: Iterable[str | bytes], *, pause_s: float = 0.0, end: str = "close") -> Reply:
    """Answer with server-sent events; then `close` the stream, or let it `die`, or `hold` it."""

    async def reply(stub: "ModelStub", request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for event in events:
            data = event.encode() if isinstance(event, str) else event
            # Anthropic's events carry their names twice.
            kind = json.loads(data).get("type") if data.startswith(b'{"type"') else None
            name = f"event: {kind}\n".encode() if isinstance(kind, str) else b""
            await response.write(name + b"data: " + data + b"\n\n")
            await asyncio.sleep(pause_s)
        match end:
            case "die":
                assert request.transport is not None
                request.transport.abort()
            case "hold":
                await stub.released.wait()
            case _:
                await response.write_eof()
        return response

    return reply


def raw(body: bytes, content_type: str = "application/json") -> Reply:
    """Answer with these very bytes."""

    async def reply(_stub: "ModelStub", _request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(body=body, content_type=content_type)

    return reply


def answers(text: str = GOOD, finish_reason: str = "stop") -> Reply:
    """Answer as an OpenAI-compatible server does: as a stream where one is asked for."""
    plain, streamed = says(openai(text, finish_reason)), streams(openai_events(text, finish_reason))

    async def reply(stub: "ModelStub", request: web.BaseRequest) -> web.StreamResponse:
        wanted = request[BODY].get("stream")
        return await (streamed if wanted else plain)(stub, request)

    return reply


async def never(stub: "ModelStub", _request: web.BaseRequest) -> web.StreamResponse:
    """Take the request and say nothing, until the test ends it."""
    stub.held += 1
    try:
        await stub.released.wait()
    finally:
        stub.held -= 1
    return web.Response(text=json.dumps(openai()), content_type="application/json")


@dataclass
class ModelStub:
    """Answers from `replies`, one each, and then with `default`."""

    default: Reply = field(default_factory=answers)
    replies: deque[Reply] = field(default_factory=deque)
    seen: list[Seen] = field(default_factory=list)
    keep: bool = True
    connections: set[int] = field(default_factory=set)
    open_now: int = 0
    peak: int = 0
    held: int = 0
    """Requests that nothing is said to."""
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
        request[BODY] = json.loads(body or b"{}")
        if self.keep:
            self.seen.append(Seen(request.path, dict(request.headers), request[BODY]))
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
