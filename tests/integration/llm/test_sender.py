"""Connections are kept, and what is lost of them costs no call."""

import asyncio
import gzip
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import pytest

from reins.llm.wire.errors import StatusError, UnconnectedError
from reins.llm.wire.response import Exchange
from tests.support.model_stub import ModelStub, openai, says
from tests.support.wire import close_wires, send, wire_for

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
BODY = (
    b'{"choices": [{"message": {"role": "assistant", "content": "Hello."}, '
    b'"finish_reason": "stop"}]}'
)


@dataclass
class Raw:
    """A server of bytes: its address, and what came there."""

    address: str = ""
    connections: int = 0
    heads: list[str] = field(default_factory=list)


def length_in(head: bytes) -> int:
    return next(
        int(line.split(b":")[1])
        for line in head.lower().split(b"\r\n")
        if line.startswith(b"content-length")
    )


class Closing:
    """Answers one request on each connection, and closes it when the next has come; the first
    `good` of them.
    """

    def __init__(self, good: int = 99) -> None:
        self.good = good
        self.requests = 0

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for number in range(2):
            head = await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(length_in(head))
            self.requests += 1
            if number == 0 and self.requests <= self.good:
                writer.write(ANSWER % (len(BODY), BODY))
            else:
                break
        writer.close()


@pytest.mark.parametrize("streamed", [False, True], ids=["plain", "stream"])
async def test_a_kept_connection_that_is_closed_costs_no_call(streamed: bool) -> None:  # noqa: FBT001
    """A server may close a connection just when the next request is on its way."""
    closing = Closing()
    server = await asyncio.start_server(closing.handle, "127.0.0.1", 0)
    async with server:
        wire = wire_for(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1")
        exchange = Exchange()
        for _ in range(3):
            await send(wire, exchange, streamed=False)
        assert exchange.response.text == "Hello."
        assert closing.requests == 5, "the second and the third were sent twice"
        closing.good = 0
        with pytest.raises(UnconnectedError):
            await send(wire, exchange, streamed=streamed)
        assert closing.requests == 7, "once more, and not for ever"


async def test_one_that_is_closed_right_after_its_answer_costs_no_call() -> None:
    """Some servers do that and do not say so: the body of the next request finds it closed."""
    requests = 0

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal requests
        await reader.readuntil(b"\r\n\r\n")
        await reader.read(1 << 20)
        requests += 1
        writer.write(ANSWER % (len(BODY), BODY))
        writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    async with server:
        wire = wire_for(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1")
        for _ in range(20):
            exchange = Exchange()
            await send(wire, exchange, streamed=False)
            assert exchange.response.text == "Hello."
    assert requests == 20


async def test_a_first_request_is_sent_once() -> None:
    """Where no connection was kept, it is lost and said to be."""
    closing = Closing(good=0)
    server = await asyncio.start_server(closing.handle, "127.0.0.1", 0)
    async with server:
        wire = wire_for(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1")
        with pytest.raises(UnconnectedError):
            await send(wire, Exchange(), streamed=False)
    assert closing.requests == 1


@asynccontextmanager
async def raw_server(*answers: bytes, reads_body: bool = True) -> AsyncIterator[Raw]:
    """A server that gives these answers in turn, over as many connections as it is asked over."""
    raw, left, handlers = Raw(), list(answers), set()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        raw.connections += 1
        handlers.add(asyncio.current_task())
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                raw.heads.append(head.decode())
                if reads_body:
                    await reader.readexactly(length_in(head))
                writer.write(left.pop(0))
                if not reads_body:
                    await reader.read()  # it takes the body, and no further request
        writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    async with server:
        raw.address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        yield raw
        await close_wires()
        await asyncio.gather(*handlers)


async def test_a_request_is_whole_and_its_connection_is_kept() -> None:
    """Each header stands in it once, and the next goes over the same connection."""
    answer = ANSWER % (len(BODY), BODY)
    async with raw_server(*[answer] * 3) as raw:
        wire, exchange = wire_for(raw.address), Exchange()
        for _ in range(3):
            await send(wire, exchange, streamed=False)
        assert exchange.response.text == "Hello."
    assert (raw.connections, len(raw.heads)) == (1, 3)
    for head in raw.heads:
        first, *lines = head.strip().split("\r\n")
        names = [line.partition(":")[0].lower() for line in lines]
        assert first == "POST /v1/chat/completions HTTP/1.1"
        assert len(names) == len(set(names))
        assert {"host", "authorization", "content-type", "content-length"} <= set(names)
        assert "Accept-Encoding: identity" in lines


async def test_what_comes_before_the_answer_is_passed_over() -> None:
    """A status of 1xx is followed by another."""
    answer = ANSWER % (len(BODY), BODY)
    hints = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
    async with raw_server(b"HTTP/1.1 100 Continue\r\n\r\n" + hints + answer) as raw:
        exchange = Exchange()
        await send(wire_for(raw.address), exchange, streamed=False)
        assert exchange.response.text == "Hello."


async def test_a_body_that_comes_packed_all_the_same_is_unpacked() -> None:
    """Some servers pack, though they were asked not to."""
    packed = gzip.compress(BODY)
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n"
    async with raw_server(head % len(packed) + packed) as raw:
        exchange = Exchange()
        await send(wire_for(raw.address), exchange, streamed=False)
        assert exchange.response.text == "Hello."


async def test_a_refusal_before_the_whole_request_was_taken_ends_the_connection() -> None:
    """The rest of a large body is on its way there: no other request may follow it."""
    refusal = b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n"
    async with raw_server(refusal, refusal, reads_body=False) as raw:
        wire = wire_for(raw.address)
        for _ in range(2):
            with pytest.raises(StatusError):
                await wire.call("TellAJoke", {"subject": "x" * (8 << 20), "told": []}, Exchange())
    assert raw.connections == 2


async def test_a_redirect_is_not_followed(stub: ModelStub) -> None:
    """Key and prompt are for the address that was given."""
    stub.default = says("", 307, Location=f"{stub.address}/elsewhere")
    wire = wire_for(stub.address + "/v1")
    with pytest.raises(StatusError):
        await send(wire, Exchange(), streamed=False)
    assert [seen.path for seen in stub.seen] == ["/v1/chat/completions"]


async def test_a_sender_that_was_stopped_can_be_stopped_again(stub: ModelStub) -> None:
    """And its connections are closed."""
    stub.default = says(openai())
    wire = wire_for(stub.address + "/v1")
    await wire.sender.stop()
    await send(wire, Exchange(), streamed=False)
    await wire.sender.stop()
    await wire.sender.stop()
