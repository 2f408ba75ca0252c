"""A stream as it comes: what the listener is told, when it ends, and what it costs the loop."""

import asyncio
import gc
import json
import threading
import time
from itertools import pairwise

import pytest

from reins.llm.errors import ModelConfigError
from reins.llm.text import MAX_TEXT_BYTES, is_too_long
from reins.llm.wire.answer import Answer
from reins.llm.wire.errors import BrokenStreamError
from reins.llm.wire.response import Exchange
from tests.support.model_stub import (
    ModelStub,
    Reply,
    anthropic,
    google,
    never,
    openai,
    openai_events,
    raw,
    streams,
)
from tests.support.waiting import until_async
from tests.support.wire import send, wire_for, with_the_loop_going

JOKE = {"subject": "cats", "told": []}


async def test_texts_grow_to_the_whole(stub: ModelStub) -> None:
    """Each text begins with the one before, on the loop's own thread, and the last is the whole."""
    stub.default = streams(openai_events(" two  spaces\nand a line " * 20), pause_s=0.003)
    texts, threads, exchange = [], set(), Exchange()

    def on_text(text: str) -> None:
        texts.append(text)
        threads.add(threading.current_thread())

    await wire_for(stub.address + "/v1").stream("TellAJoke", JOKE, exchange, on_text)
    assert len(texts) > 2, "it came in pieces"
    assert all(later.startswith(earlier) and later != earlier for earlier, later in pairwise(texts))
    assert texts[-1] == exchange.response.text == " two  spaces\nand a line " * 20
    assert threads == {threading.current_thread()}


async def test_the_first_text_comes_before_the_end(stub: ModelStub) -> None:
    """The first text is handed on, and timed, while the server still writes."""
    stub.default = streams(openai_events(finish_reason=None), end="hold")
    exchange, first = Exchange(), asyncio.Event()
    began = time.perf_counter()
    task = asyncio.create_task(
        wire_for(stub.address + "/v1").stream(
            "TellAJoke", JOKE, exchange, lambda _text: first.set()
        )
    )
    await asyncio.wait_for(first.wait(), 5)
    handed = time.perf_counter()
    assert stub.open_now == 1
    stub.released.set()
    with pytest.raises(BrokenStreamError):
        await asyncio.wait_for(task, 5)
    assert exchange.response.first_text_at is not None
    assert began < exchange.response.first_text_at <= handed


async def test_a_listener_that_raises_ends_the_stream(stub: ModelStub) -> None:
    """What the listener raises comes out of the stream, which is closed; nothing more is told."""
    stub.default = streams(openai_events(finish_reason=None), end="hold")
    told = []

    def on_text(text: str) -> None:
        told.append(text)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await wire_for(stub.address + "/v1").stream("TellAJoke", JOKE, Exchange(), on_text)
    await asyncio.wait_for(stub.closed_by_client.wait(), 1)
    assert len(told) == 1


async def test_nothing_is_told_after_a_cancellation(stub: ModelStub) -> None:
    """A stream that is cancelled while it flows falls silent at once, and leaves no complaint."""
    complaints = []
    asyncio.get_running_loop().set_exception_handler(lambda _, said: complaints.append(said))
    stub.default = streams(openai_events("word " * 5000, None), pause_s=0.001)
    texts = []
    task = asyncio.create_task(
        send(wire_for(stub.address + "/v1"), Exchange(), streamed=True, texts=texts)
    )
    await until_async(lambda: len(texts) >= 2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    told = len(texts)
    await asyncio.wait_for(stub.closed_by_client.wait(), 1)
    await asyncio.sleep(0.1)  # two of BAML's events, had the stream gone on
    assert len(texts) == told
    gc.collect()
    assert not complaints


@pytest.mark.parametrize("streamed", [False, True], ids=["plain", "stream"])
async def test_what_is_cancelled_at_once_is_on_record(
    stub: ModelStub,
    streamed: bool,  # noqa: FBT001
) -> None:
    """Whenever a call is cancelled, its request is on record all the same."""
    stub.default = never
    exchanges = [Exchange() for _ in range(20)]
    wire = wire_for(stub.address + "/v1")
    for number, exchange in enumerate(exchanges):
        task = asyncio.create_task(send(wire, exchange, streamed=streamed))
        await asyncio.sleep(0.0002 * number)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    # The first were cancelled before they began at all.
    assert all(
        "the-secret-subject" in (exchange.response.request or "") for exchange in exchanges[2:]
    )
    assert all(
        ('"stream":true' in (exchange.response.request or "")) == streamed
        for exchange in exchanges[2:]
    )


async def test_a_deadline_ends_a_trickle(stub: ModelStub) -> None:
    """A token now and then, without end: the caller's deadline closes the connection in time."""
    stub.default = streams(openai_events("word " * 1000, None), pause_s=0.05)
    exchange = Exchange()

    async def too_slow() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await send(wire_for(stub.address + "/v1"), exchange, streamed=True)
        await asyncio.wait_for(stub.closed_by_client.wait(), 1)

    await with_the_loop_going(too_slow)
    assert exchange.response.text.startswith("word ")


async def test_many_streams_share_few_threads(stub: ModelStub) -> None:
    """A hundred streams at once add no thread each, and leave the loop its turns."""
    stub.default = streams(openai_events("word " * 20), pause_s=0.01)
    wire = wire_for(stub.address + "/v1")
    exchanges = [Exchange() for _ in range(100)]

    async def all_at_once() -> None:
        await asyncio.gather(*(send(wire, exchange, streamed=True) for exchange in exchanges))

    await with_the_loop_going(all_at_once)
    assert {exchange.response.text for exchange in exchanges} == {"word " * 20}
    assert threading.active_count() < 20


@pytest.mark.parametrize(
    ("function", "arguments"),
    [("TellAJoke", {}), ("TellAJoke", {"subject": 3, "told": ["the-secret"]})],
)
async def test_a_wrong_stream_is_refused(stub: ModelStub, function: str, arguments: dict) -> None:
    """Arguments that do not fit never reach the network, and are not quoted."""
    with pytest.raises(ModelConfigError, match=function) as caught:
        await wire_for(stub.address).stream(function, arguments, Exchange(), print)
    assert "the-secret" not in str(caught.value)
    assert not stub.seen


def at_once(text: str) -> Reply:
    """A stream whose events all come in one piece."""
    data = b"".join(b"data: " + event.encode() + b"\n\n" for event in openai_events(text))
    return raw(data, "text/event-stream")


async def test_what_comes_at_once_is_told_at_once(stub: ModelStub) -> None:
    """A thousand events that came together are told as few texts, and the whole is the last."""
    stub.default = at_once("word " * 1000)
    texts = []
    await send(wire_for(stub.address + "/v1"), Exchange(), streamed=True, texts=texts)
    assert len(texts) < 50
    assert texts[-1] == "word " * 1000


def test_too_long_is_counted_in_bytes() -> None:
    """The limit is one of bytes, also where characters take several."""
    assert not is_too_long("x" * MAX_TEXT_BYTES)
    assert is_too_long("x" * (MAX_TEXT_BYTES + 1))
    assert not is_too_long("é" * (MAX_TEXT_BYTES // 2))
    assert is_too_long("é" * (MAX_TEXT_BYTES // 2 + 1))


async def test_a_long_stream_is_read_in_turns(stub: ModelStub) -> None:
    """Tens of thousands of events are read without standing in the loop's way."""
    stub.default = at_once("w " * 30_000)
    wire, exchange = wire_for(stub.address + "/v1"), Exchange()
    await with_the_loop_going(lambda: send(wire, exchange, streamed=True))
    assert exchange.response.text == "w " * 30_000


ODD = [
    "",
    "null",
    "3",
    "[]",
    '"x"',
    "{}",
    '{"choices": 3}',
    '{"choices": [3]}',
    '{"choices": [{"finish_reason": 3}]}',
    '{"candidates": [{"finishReason": {}}]}',
    '{"error": 0}',
    '{"type": "message_delta", "delta": 3, "usage": "x"}',
    "[" * 30_000,
    '{"a":' * 5000,
    "\0",
]


def test_odd_events_are_no_end() -> None:
    """Whatever a server sends, reading it raises nothing and takes none of it for an end."""
    answer = Answer()
    for text in ODD:
        answer.event(text.encode())
        assert not Answer().body(text.encode())
    assert not answer.complete
    assert answer.finish_reason is None
    assert answer.fault is None
    assert answer.text == ""
    assert answer.corrupt > 0


def test_finish_reasons_of_plain_answers() -> None:
    """The reason is found in each provider's body, and no text can forge it."""

    def reason_in(body: str) -> str | None:
        answer = Answer()
        answer.body(body.encode())
        return answer.finish_reason

    assert reason_in(json.dumps(openai("x", "length"))) == "length"
    assert reason_in(json.dumps(anthropic("x", "max_tokens"))) == "max_tokens"
    assert reason_in(json.dumps(google("x", "SAFETY"), indent=2)) == "SAFETY"
    assert reason_in(json.dumps({"text": '"finish_reason": "stop"'})) is None
    assert reason_in('{"finish_reason": null}') is None
    assert reason_in("") is None
