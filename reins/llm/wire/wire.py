"""A route's wire: BAML renders the prompt, and we send it and read what comes back."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from http import HTTPStatus
from typing import Any

from reins.llm.answers.thoughts import MAX_THOUGHT_CHARS, PartingStream
from reins.llm.baml.runtime import Compiled
from reins.llm.limits.turns import Turns
from reins.llm.text import is_too_long
from reins.llm.wire.answer import NO_ANSWER, Answer
from reins.llm.wire.connecting import expects_tls, speaks_tls
from reins.llm.wire.errors import (
    BrokenStreamError,
    FaultError,
    FinishReasonError,
    NoStreamError,
    NoTextError,
    ShapeError,
    StatusError,
    TooLongError,
    UnconnectedError,
)
from reins.llm.wire.events import EventReader
from reins.llm.wire.response import Exchange, Received
from reins.llm.wire.sender import Reply, Sender

GRACE_S = 2.0
"""How long an answer that has ended may stay open: its tokens may still come."""

CLOSING_S = 0.1
"""The same where nothing more can come; a connection that ends in time is used again."""

MAX_BODY_BYTES = 16 << 20
MAX_REFUSAL_BYTES = 64 << 10

OnText = Callable[[str], None]


class Wire:
    """Prompts and the sender of one route. Immutable; a reload makes another.

    `grace_s` is how long an answer that is whole may be left open.
    """

    def __init__(self, compiled: Compiled, sender: Sender, *, grace_s: float = GRACE_S) -> None:
        self.compiled = compiled
        self.sender = sender
        self._grace_s = grace_s
        self._turns = Turns()
        self.is_plain = False
        """Known not to stream: asked for a stream it gave none, and then answered as a whole."""
        self.begins_in_thought = False
        """Known to close thoughts that it does not open; the prompt's template opens them."""

    def messages(self, function: str, arguments: Mapping[str, object]) -> list[dict[str, str]]:
        """See `Compiled.messages`."""
        return self.compiled.messages(function, arguments)

    def parse(self, function: str, text: str) -> Any:
        """See `Compiled.parse`."""
        return self.compiled.parse(function, text)

    async def call(
        self,
        function: str,
        arguments: Mapping[str, object],
        exchange: Exchange,
        response_format: Mapping[str, Any] | None = None,
    ) -> str:
        """Call once; return the answer's text, without its thought.

        `response_format` goes into the body as it is.

        Raises: WireError of some kind; ModelConfigError when the arguments do not fit.
        """
        request = self.compiled.request(function, arguments).asking_for(response_format)
        received = Received(request.body.decode())
        try:
            with await self.sender.send(request) as reply:
                await _accept(reply, received)
                body = await self._body(reply, received)
            await self._turns.take()
            if not received.answer.body(body):
                raise ShapeError
            return self._checked(received.answer)
        finally:
            exchange.response = received.response()

    async def stream(
        self,
        function: str,
        arguments: Mapping[str, object],
        exchange: Exchange,
        on_text: OnText,
        response_format: Mapping[str, Any] | None = None,
    ) -> str:
        """Call once; return the text. `on_text` gets the whole answer so far.

        A thought is no part of it; where a text turns out late to be one, `on_text` gets another
        that does not go on from it. The last text handed on is the whole answer's. Cancelling
        closes the connection at once, and so does an answer that has grown too long; nothing is
        handed on after the end.

        Raises: as `call`, and whatever `on_text` raises.
        """
        request = self.compiled.request(function, arguments, streamed=True)
        request = request.asking_for(response_format)
        received = Received(request.body.decode())
        try:
            with await self.sender.send(request) as reply:
                await _accept(reply, received)
                await self._take_stream(reply, received, on_text)
            answer = received.answer
            if not answer.events and not (answer.body(received.came) and answer.fault):
                raise NoStreamError
            if answer.corrupt or not (answer.complete or answer.fault):
                raise BrokenStreamError(corrupt=bool(answer.corrupt))
            text = self._checked(answer)
            if text != received.given:
                on_text(text)
            return text
        finally:
            exchange.response = received.response()

    def _checked(self, answer: Answer) -> str:
        """The text of an answer that is one.

        Raises: FaultError, FinishReasonError, TooLongError, NoTextError where it is none.
        """
        if answer.fault is not None:
            raise FaultError
        if answer.finish_reason and answer.finish_reason.lower() in NO_ANSWER:
            raise FinishReasonError(answer.finish_reason)
        if answer.begins_in_thought:
            self.begins_in_thought = True
        text = answer.text
        if is_too_long(text):
            raise TooLongError
        if text.strip():
            return text
        if answer.is_refused:
            raise NoTextError("refused", "it refused to answer")
        raise NoTextError("empty", answer.lack)

    async def _body(self, reply: Reply, received: Received) -> bytes:
        """Read a plain answer, to its end or until it is whole and nothing follows."""
        body = bytearray()
        while not reply.is_read:
            may_be_whole = body[-8:].rstrip().endswith(b"}")
            try:
                if may_be_whole:
                    async with asyncio.timeout(self._grace_s):
                        chunk = await reply.read()
                else:
                    chunk = await reply.read()
            except TimeoutError:
                if _is_whole(body):
                    break
            except UnconnectedError:
                if may_be_whole and _is_whole(body):
                    break
                raise
            else:
                body += chunk
                received.came = bytes(body[:MAX_REFUSAL_BYTES])
            if len(body) > MAX_BODY_BYTES:
                raise TooLongError
        return bytes(body)

    async def _take_stream(self, reply: Reply, received: Received, on_text: OnText) -> None:
        """Read a stream, to its end or until the answer is whole and nothing follows."""
        answer, reader = received.answer, EventReader()
        parting = PartingStream(begins_in_thought=self.begins_in_thought)
        async for chunk in self._chunks(reply, answer):
            await self._turns.take()
            if not answer.events:
                received.came = (received.came + chunk)[:MAX_REFUSAL_BYTES]
            for data in reader.feed(chunk) if chunk else reader.end():
                received.came = data[:MAX_REFUSAL_BYTES]
                answer.event(data)
                if answer.chars > MAX_THOUGHT_CHARS:
                    raise TooLongError
            if not chunk:
                answer.flush()
            if answer.chars and received.first_text_at is None:
                received.first_text_at = time.perf_counter()
            text = parting.answer(answer.said)
            if is_too_long(text):
                raise TooLongError
            if text != received.given:
                received.given = text
                on_text(text)

    async def _chunks(self, reply: Reply, answer: Answer) -> AsyncIterator[bytes]:
        """The bytes of a stream; an empty piece is its end."""
        until: float | None = None
        loop = asyncio.get_running_loop()
        while True:
            if answer.complete or answer.ended:
                done = answer.ended or answer.counted
                at = loop.time() + (min(CLOSING_S, self._grace_s) if done else self._grace_s)
                until = at if until is None else min(at, until)
            try:
                if until is None:
                    chunk = await reply.read()
                else:
                    async with asyncio.timeout_at(until):
                        chunk = await reply.read()
            except TimeoutError:
                chunk = b""
            except UnconnectedError:
                if not (answer.complete or answer.ended):
                    raise
                chunk = b""  # what it had to say was said
            yield chunk
            if not chunk:
                return


def _is_whole(body: bytearray) -> bool:
    """True if a body that did not end is an answer that did."""
    answer = Answer()
    return answer.body(bytes(body)) and (answer.complete or answer.fault is not None)


async def _accept(reply: Reply, received: Received) -> None:
    """Raises: StatusError where the status is no success, with what came in `received`."""
    received.status, received.headers = reply.status, reply.headers
    if HTTPStatus.OK <= reply.status < HTTPStatus.MULTIPLE_CHOICES:
        return
    body = bytearray()
    while len(body) < MAX_REFUSAL_BYTES and (chunk := await reply.read()):
        body += chunk
    received.came = bytes(body)
    if expects_tls(reply.status, received.came.decode(errors="replace")):
        raise speaks_tls()
    raise StatusError
