"""An answer that is whole counts as whole, though its server neither ends nor closes it."""

import asyncio
import json
import time

import pytest
from aiohttp import web

from reins.llm.answers.faults import Fault
from reins.llm.wire.errors import FinishReasonError, WireError
from reins.llm.wire.response import Exchange
from tests.support.model_stub import (
    GOOD,
    ModelStub,
    Reply,
    anthropic,
    anthropic_events,
    google,
    google_events,
    openai,
    openai_events,
    streams,
)
from tests.support.wire import send, wire_for

GRACE_S = 0.4
WITHOUT_USAGE = openai_events(usage=False)[:-1]
"""To the finish reason, and no further."""


def then(events: list[str], *, ping_s: float | None = None, late: str = "") -> Reply:
    """These events; then comments now and then, or a late event; and no end."""

    async def reply(stub: ModelStub, request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for event in events:
            await response.write(b"data: " + event.encode() + b"\n\n")
        if late:
            await asyncio.sleep(GRACE_S / 3)
            await response.write(b"data: " + late.encode() + b"\n\n")
        while ping_s is not None:
            await asyncio.sleep(ping_s)
            await response.write(b": ping\n\n")
        await stub.released.wait()
        return response

    return reply


def body(answer: dict, *, end: bytes = b"", length: int | None = None, dies: bool = False) -> Reply:
    """A plain answer whose body does not end where it should."""

    async def reply(stub: ModelStub, request: web.BaseRequest) -> web.StreamResponse:
        headers = {"Content-Type": "application/json"}
        if length is not None:
            headers["Content-Length"] = str(length)
        response = web.StreamResponse(headers=headers)
        await response.prepare(request)
        await response.write(json.dumps(answer).encode() + end)
        if dies:
            assert request.transport is not None
            request.transport.close()
        else:
            await stub.released.wait()
        return response

    return reply


USAGE = openai_events()[-2]
STREAMS = {
    "a finish reason": ("openai-generic", then(WITHOUT_USAGE)),
    "usage with it": ("openai-generic", then(openai_events()[:-1])),
    "usage a little later": ("openai-generic", then(WITHOUT_USAGE, late=USAGE)),
    "[DONE]": ("openai-generic", then(openai_events())),
    "[DONE] without a finish reason": (
        "openai-generic",
        then([*openai_events(finish_reason=None), "[DONE]"]),
    ),
    "pings for ever": ("openai-generic", then(WITHOUT_USAGE, ping_s=0.05)),
    "it dies then": ("openai-generic", streams(WITHOUT_USAGE, end="die")),
    "Anthropic's stop": ("anthropic", then(anthropic_events())),
    "Anthropic's stop reason": ("anthropic", then(anthropic_events()[:-1])),
    "Google's reason": ("google-ai", then(google_events())),
}


@pytest.mark.parametrize(("provider", "reply"), STREAMS.values(), ids=STREAMS)
async def test_a_stream_left_open_is_taken(stub: ModelStub, provider: str, reply: Reply) -> None:
    """After the finish reason, whoever's, the answer is taken within a short grace."""
    stub.default = reply
    address = stub.address + ("/v1" if provider == "openai-generic" else "")
    exchange, texts = Exchange(), []
    wire = wire_for(address, provider=provider, grace_s=GRACE_S)
    began = time.perf_counter()
    await send(wire, exchange, streamed=True, texts=texts)
    assert time.perf_counter() - began < GRACE_S + 1
    assert exchange.response.text == texts[-1] == GOOD


async def test_tokens_that_come_late_are_counted(stub: ModelStub) -> None:
    """The grace is for them."""
    stub.default = then(WITHOUT_USAGE, late=USAGE)
    exchange = Exchange()
    await send(wire_for(stub.address + "/v1", grace_s=GRACE_S), exchange, streamed=True)
    assert (exchange.response.tokens_in, exchange.response.tokens_out) == (11, 7)


async def test_nothing_is_waited_for_where_all_is_said(stub: ModelStub) -> None:
    """Once the tokens are counted, an open connection costs a moment only."""
    stub.default = then(openai_events()[:-1])
    began = time.perf_counter()
    await send(wire_for(stub.address + "/v1", grace_s=60), Exchange(), streamed=True)
    assert time.perf_counter() - began < 2


PLAIN = {
    "no end of the body": body(openai()),
    "a line end after it": body(openai(), end=b"\r\n"),
    "more announced than comes": body(openai(), length=10_000),
    "it closes then": body(openai(), length=10_000, dies=True),
    "Anthropic": body(anthropic()),
    "Google": body(google()),
}


@pytest.mark.parametrize("reply", PLAIN.values(), ids=PLAIN)
async def test_a_plain_answer_left_open_is_taken(stub: ModelStub, reply: Reply) -> None:
    """The same for an answer that is no stream."""
    stub.default = reply
    exchange = Exchange()
    await send(wire_for(stub.address + "/v1", grace_s=GRACE_S), exchange, streamed=False)
    assert exchange.response.text == GOOD


@pytest.mark.parametrize("streamed", [False, True], ids=["plain", "stream"])
async def test_an_answer_that_is_not_whole_is_waited_for(
    stub: ModelStub,
    streamed: bool,  # noqa: FBT001
) -> None:
    """Without a finish reason a silence is no end: it takes its time, or its deadline."""
    half = {**openai(), "choices": []}
    stub.default = then(openai_events(finish_reason=None)) if streamed else body(half)
    wire = wire_for(stub.address + "/v1", grace_s=GRACE_S)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(GRACE_S * 3):
            await send(wire, Exchange(), streamed=streamed)


async def test_an_answer_that_is_cut_off_and_left_open(stub: ModelStub) -> None:
    """It is told at once that it is no whole answer."""
    stub.default = then(openai_events(finish_reason="length")[:-1])
    with pytest.raises(FinishReasonError):
        await send(wire_for(stub.address + "/v1", grace_s=GRACE_S), Exchange(), streamed=True)


async def test_an_error_that_is_left_open(stub: ModelStub) -> None:
    """Nothing follows an error."""
    stub.default = then(['{"error": {"type": "overloaded_error"}}'])
    exchange = Exchange()
    with pytest.raises(WireError):
        await send(wire_for(stub.address + "/v1", grace_s=60), exchange, streamed=True)
    assert exchange.response.fault == Fault(names="overloaded_error")


async def test_a_route_grants_no_more_than_it_has(make, stub: ModelStub) -> None:
    """A deadline shorter than the grace still takes what is whole."""
    stub.default = then(WITHOUT_USAGE)
    model = await make(deadline_s=1.0)
    assert (await model.stream("TellAJoke", subject="cats", told=[])).text == GOOD
