"""The server over stdio: a message a line, until the client closes its end or is gone.

Every message that came whole is done, also where nobody is left to read the answer: a client that
is killed in the middle of a call has asked for it.
"""

import contextlib
import os
import threading
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import Any, BinaryIO

import orjson

from reins import redaction
from reins.mcp_server.errors import INVALID_REQUEST, PARSE_ERROR, ProtocolError
from reins.mcp_server.exchange import Answer, exchange, failed
from reins.mcp_server.methods import Methods

MAX_LINE_BYTES = 1 << 20
_MOST_AT_ONCE = 32
"""Calls, those included that wait for an outcome."""
_STDIN, _STDOUT, _STDERR = 0, 1, 2


def serve(methods: Methods) -> None:
    """Serve the client at stdin and stdout; whatever else this process prints goes to stderr."""
    with os.fdopen(os.dup(_STDIN), "rb") as source, os.fdopen(os.dup(_STDOUT), "wb") as sink:
        os.dup2(_STDERR, _STDOUT)
        StdioServer(methods, source, sink).run()


class StdioServer:
    """One client. `run` returns when it has closed its end and all that it asked for is done."""

    def __init__(self, methods: Methods, source: BinaryIO, sink: BinaryIO) -> None:
        self._methods = methods
        self._source = source
        self._sink = sink
        self._writing = threading.Lock()
        self._ended = threading.Event()
        self._calls: dict[str | int, threading.Event] = {}
        """Calls that are not answered yet: an event that is set ends the wait of its call."""

    def run(self) -> None:
        with ThreadPoolExecutor(_MOST_AT_ONCE, "mcp") as threads:
            try:
                for line in self._lines():
                    self._take(line, threads)
            finally:
                self._ended.set()
                for gone in list(self._calls.values()):
                    gone.set()

    def _lines(self) -> Iterator[bytes]:
        while line := self._source.readline(MAX_LINE_BYTES):
            if line.endswith(b"\n") or len(line) < MAX_LINE_BYTES:
                if line.strip():
                    yield line
                continue
            while line and not line.endswith(b"\n"):
                line = self._source.readline(MAX_LINE_BYTES)
            self._refuse(INVALID_REQUEST, f"a line is too long; {MAX_LINE_BYTES} bytes are taken")

    def _take(self, line: bytes, threads: Executor) -> None:
        try:
            message = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            self._refuse(PARSE_ERROR, f"a line is not JSON: {error}; send one message a line")
            return
        if not isinstance(message, dict):
            self._refuse(INVALID_REQUEST, "a message is no object; send one message a line")
            return
        gone = threading.Event()
        if message.get("method") == "notifications/cancelled":
            self._cancel(message.get("params"))
        elif isinstance(message.get("id"), str | int):
            self._calls[message["id"]] = gone
        threads.submit(self._serve, message, gone)

    def _cancel(self, params: Any) -> None:
        named = params.get("requestId") if isinstance(params, dict) else None
        if isinstance(named, str | int) and (gone := self._calls.pop(named, None)) is not None:
            gone.set()

    def _serve(self, message: dict[str, Any], gone: threading.Event) -> None:
        def rest(seconds: float) -> bool:
            return not self._ended.is_set() and not gone.wait(seconds)

        answer = exchange(self._methods, message, None, rest)
        request_id = message.get("id")
        if isinstance(request_id, str | int) and self._calls.pop(request_id, None) is not gone:
            return  # cancelled: nobody expects an answer any more
        self._write(answer)

    def _refuse(self, code: int, message: str) -> None:
        self._write(failed(None, ProtocolError(code, message), 400))

    def _write(self, answer: Answer) -> None:
        if answer.body is None:
            return
        text = redaction.redactor().json(orjson.dumps(answer.body))
        # The client may be gone. What it has sent is done all the same.
        with self._writing, contextlib.suppress(OSError):
            self._sink.write(text + b"\n")
            self._sink.flush()
