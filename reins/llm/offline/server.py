"""The offline model: a small OpenAI-compatible server on loopback, plainly a demonstration.

It runs on the agents' own loop, and only this process knows the port and the token of the day.
"""

import asyncio
import functools
import secrets
import socket
import time
from itertools import count
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from aiohttp import web

    from reins.llm.offline.answers import Answers

MODEL = "offline"
DENIED = "This server answers only the process that started it."


class OfflineModel:
    """Starts and stops the server; both may be called at any time and more than once."""

    def __init__(self) -> None:
        self.token = ""
        self.address = ""
        self._hosts: frozenset[str] = frozenset()
        self._socket: socket.socket | None = None
        self._serving: asyncio.Task[None] | None = None
        self._runner: web.ServerRunner | None = None
        self._numbers = count(1)

    async def start(self) -> None:
        """Listen on a free port of 127.0.0.1; the first who connects has the server made.

        Imported then, and in a thread: aiohttp takes longer than all the rest of this package.
        """
        if self._socket is not None:
            return
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._socket.setblocking(False)  # noqa: FBT003 - by position alone
        port = self._socket.getsockname()[1]
        self.token = _token()
        self.address = f"http://127.0.0.1:{port}/v1"
        self._hosts = frozenset({f"127.0.0.1:{port}", f"localhost:{port}"})
        self._serving = asyncio.create_task(self._serve(self._socket), name="offline model")

    async def stop(self) -> None:
        """Close the port and every connection."""
        listening, self._socket = self._socket, None
        if listening is None or self._serving is None:
            return
        self._serving.cancel()
        await asyncio.wait({self._serving})
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()
        listening.close()

    async def _serve(self, listening: socket.socket) -> None:
        try:
            await _connected(listening)
            self._web, self._answers = await asyncio.to_thread(_imported)
            self._runner = self._web.ServerRunner(
                self._web.Server(self._handle, access_log=None),
                handle_signals=False,
                shutdown_timeout=0.0,
            )
            await self._runner.setup()
            await self._web.SockSite(self._runner, listening).start()
        except Exception:
            listening.close()  # who calls is refused then, and need not wait
            raise

    async def _handle(self, request: "web.BaseRequest") -> "web.StreamResponse":
        try:
            return await self._answered(request)
        except ConnectionError:
            # Guidance or a stop gave the call up: nobody is there, and it is no fault.
            return self._json({}, 499)

    async def _answered(self, request: "web.BaseRequest") -> "web.StreamResponse":
        # The Host check stops pages in a browser that reach loopback under a name of their own.
        if request.host not in self._hosts:
            return self._json({"error": {"message": DENIED}}, 403)
        if not self._authorized(request.headers.get("Authorization", "")):
            return self._json({"error": {"message": DENIED}}, 401)
        match request.method, request.path:
            case "POST", "/v1/chat/completions":
                return await self._chat(request)
            case "GET", "/v1/models":
                return self._json({"object": "list", "data": [{"id": MODEL, "object": "model"}]})
        return self._json({"error": {"message": "There is no such path."}}, 404)

    def _authorized(self, header: str) -> bool:
        return secrets.compare_digest(header.encode(), f"Bearer {self.token}".encode())

    async def _chat(self, request: "web.BaseRequest") -> "web.StreamResponse":
        try:
            body = orjson.loads(await request.read())
            prompt = prompt_of(body["messages"])
        except (ValueError, LookupError, TypeError, AttributeError):
            return self._json({"error": {"message": "Expected a chat completion request."}}, 400)
        answer = self._answers.to(prompt)
        chars = sum(len(text) for _, text in prompt)
        tokens_in, tokens_out = chars // 4 + 1, len(answer) // 4 + 1
        usage = {
            "prompt_tokens": tokens_in,
            "completion_tokens": tokens_out,
            "total_tokens": tokens_in + tokens_out,
        }
        head = {"id": f"offline-{next(self._numbers)}", "created": int(time.time()), "model": MODEL}
        if body.get("stream"):
            wanted = (body.get("stream_options") or {}).get("include_usage")
            return self._stream(head, answer, usage if wanted else None)
        message = {"role": "assistant", "content": answer}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        return self._json(
            {**head, "object": "chat.completion", "choices": [choice], "usage": usage}
        )

    def _stream(
        self, head: dict[str, Any], answer: str, usage: dict[str, int] | None
    ) -> "web.Response":
        """All events at once: written one by one, on the loop of who reads them, they came at once
        all the same.
        """
        told = events({**head, "object": "chat.completion.chunk"}, answer, usage)
        body = b"".join([b"data: %b\n\n" % event for event in told])
        response: web.Response = self._web.Response(body=body, content_type="text/event-stream")
        return response

    def _json(self, body: dict[str, Any], status: int = 200) -> "web.Response":
        response: web.Response = self._web.Response(
            body=orjson.dumps(body), status=status, content_type="application/json"
        )
        return response


async def _connected(listening: socket.socket) -> None:
    """Return once somebody waits to be accepted."""
    loop, someone = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(listening, someone.set)
    try:
        await someone.wait()
    finally:
        loop.remove_reader(listening)


def _imported() -> "tuple[Any, Answers]":
    # The package first: its parts alone do not wait for another thread that imports it just now.
    import aiohttp  # noqa: F401, PLC0415 - these and the answers take longest of a start
    from aiohttp import web  # noqa: PLC0415

    from reins.llm.offline.answers import Answers  # noqa: PLC0415

    return web, Answers()


def prompt_of(messages: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """Role and text of each message. Raises: ValueError where there is none."""
    if not messages:
        raise ValueError("no messages")
    return [(str(message.get("role")), content_of(message)) for message in messages]


def content_of(message: dict[str, Any]) -> str:
    """The text of a message, whose content is a string or a list of parts."""
    content = message["content"]
    if isinstance(content, str):
        return content
    return "\n".join(part["text"] for part in content if part.get("type") == "text")


def events(head: dict[str, Any], answer: str, usage: dict[str, int] | None) -> list[bytes]:
    """The data of each server-sent event, a word at a time."""
    chunks: list[dict[str, Any]] = [
        {**head, "choices": [{"index": 0, "delta": {"content": word}, "finish_reason": None}]}
        for word in answer.replace(" ", "\0 ").split("\0")
    ]
    chunks.append({**head, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    if usage is not None:
        chunks.append({**head, "choices": [], "usage": usage})
    return [*map(orjson.dumps, chunks), b"[DONE]"]


@functools.cache
def _token() -> str:
    """One for the process: each that was made known is looked for in every row from then on."""
    return secrets.token_urlsafe(32)
