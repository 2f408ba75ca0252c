"""Every row of the error table happens on a real connection, to a plain call and to a stream."""

import asyncio

import pytest

from reins.llm.errors import ModelError
from reins.llm.settings import Route
from reins.llm.wire.errors import WireError
from reins.llm.wire.failures import classify
from reins.llm.wire.response import Exchange
from reins.llm.wire.wire import Wire
from tests.support.model_stub import (
    GOOD,
    ModelStub,
    Reply,
    anthropic_events,
    breaks,
    fails,
    google_events,
    never,
    openai,
    openai_events,
    raw,
    says,
    streams,
)
from tests.support.waiting import until_async
from tests.support.wire import send, wire_for

ROUTE = Route("compatible", "m", "http://x")
MODES = pytest.mark.parametrize("streamed", [False, True], ids=["plain", "stream"])


async def failing(wire: Wire, *, streamed: bool) -> tuple[ModelError, Exchange]:
    exchange = Exchange()
    with pytest.raises(WireError) as caught:
        await send(wire, exchange, streamed=streamed)
    error = classify(caught.value, exchange.response, ROUTE)
    for secret in ("secret-subject", "Tell one", "bad:"):
        assert secret not in str(error)
    return error, exchange


STATUSES = [
    (400, "bad_request", False),
    (401, "auth", False),
    (402, "auth", False),
    (403, "auth", False),
    (404, "not_found", False),
    (408, "timeout", True),
    (413, "bad_request", False),
    (422, "bad_request", False),
    (429, "rate_limited", True),
    (500, "server", True),
    (502, "server", True),
    (503, "overloaded", True),
    (504, "timeout", True),
    (529, "overloaded", True),
]


@MODES
async def test_statuses(stub: ModelStub, streamed: bool) -> None:  # noqa: FBT001
    """Each status of HTTP has its kind; status, Retry-After, request and body are on record."""
    wire = wire_for(stub.address + "/v1")
    for status, kind, retryable in STATUSES:
        stub.default = fails(status, Retry_After="7")
        error, exchange = await failing(wire, streamed=streamed)
        assert (error.kind, error.retryable) == (kind, retryable), status
        assert error.retry_after_s == 7
        if kind != "timeout":
            assert f"answered {status}" in str(error)
        assert (
            exchange.response.status,
            exchange.response.retry_after_s,
            exchange.response.counted,
        ) == (status, 7, False)
        assert "the-secret-subject" in (exchange.response.request or "")
        assert "bad:" in exchange.response.raw
        assert len(exchange.response.raw) <= 16 * 1024


def quota(status: int = 429) -> Reply:
    return says({"error": {"message": "no", "code": "insufficient_quota"}}, status)


FAULT = '{"error": {"message": "the-secret-subject", "type": "%s"}}'
PLAIN = {
    "spent quota": (quota(), "auth", False),
    "connection broke": (breaks, "unreachable", True),
    "no JSON": (says("{garbage"), "garbage", True),
    "no answer in it": (says("{}"), "garbage", True),
    "HTML": (says("<html>the-secret-subject</html>"), "garbage", True),
    "cut off": (says(openai("cut", "length")), "truncated", False),
    "filtered": (says(openai("no", "content_filter")), "refused", False),
    "too long": (says(openai("x" * 70_000)), "too_long", False),
    "too long in bytes": (says(openai("😀" * 17_000)), "too_long", False),
}
CUT = openai_events("cut off", "length")
STREAMED = {
    "spent quota": (quota(), "auth", False),
    "dies at once": (streams([], end="die"), "unreachable", True),
    "dies in the middle": (
        streams(openai_events(finish_reason=None), end="die"),
        "unreachable",
        True,
    ),
    "just stops": (streams(openai_events(finish_reason=None)), "unreachable", True),
    "stops without an event": (streams([]), "garbage", True),
    "a plain answer": (says(openai()), "garbage", True),
    "HTML": (raw(b"<html>the-secret-subject</html>", "text/html"), "garbage", True),
    "HTML in an event": (streams(["<html>"]), "garbage", True),
    "a corrupt event": (streams(['{"id": "x', *openai_events()]), "garbage", True),
    "an event that is a list": (streams(["[1]", *openai_events()]), "garbage", True),
    "cut off": (streams(CUT), "truncated", False),
    "filtered": (streams(openai_events("no", "content_filter")), "refused", False),
    "error: overloaded": (streams([*CUT[:2], FAULT % "overloaded_error"]), "overloaded", True),
    "error: rate": (streams([FAULT % "rate_limit_error"]), "rate_limited", True),
    "error: quota": (streams([FAULT % "insufficient_quota"]), "auth", False),
    "error: other": (streams([*CUT[:2], FAULT % "server_error"]), "server", True),
    "error: number": (streams(['{"error": {"code": 503}}']), "overloaded", True),
    "error in the middle": (streams([FAULT % "x", *openai_events()]), "server", True),
    "too long": (streams(openai_events("x" * 70_000)), "too_long", False),
    "too long in bytes": (streams(openai_events("😀" * 17_000)), "too_long", False),
}


@pytest.mark.parametrize(("reply", "kind", "retryable"), PLAIN.values(), ids=PLAIN)
async def test_plain_answers(stub: ModelStub, reply: Reply, kind: str, retryable: bool) -> None:  # noqa: FBT001
    """Each way for a plain answer to be none."""
    stub.default = reply
    error, _ = await failing(wire_for(stub.address + "/v1"), streamed=False)
    assert (error.kind, error.retryable) == (kind, retryable)


@pytest.mark.parametrize(("reply", "kind", "retryable"), STREAMED.values(), ids=STREAMED)
async def test_streams(stub: ModelStub, reply: Reply, kind: str, retryable: bool) -> None:  # noqa: FBT001
    """Each way for a stream to be no answer."""
    stub.default = reply
    error, _ = await failing(wire_for(stub.address + "/v1"), streamed=True)
    assert (error.kind, error.retryable) == (kind, retryable)


@MODES
async def test_nobody_listens(unused_tcp_port: int, streamed: bool) -> None:  # noqa: FBT001
    """The 503 that BAML makes up for a refused connection is seen through."""
    wire = wire_for(f"http://127.0.0.1:{unused_tcp_port}/v1")
    error, exchange = await failing(wire, streamed=streamed)
    assert (error.kind, error.retryable, exchange.response.status) == ("unreachable", True, None)


@MODES
async def test_a_host_that_does_not_resolve_is_unreachable(streamed: bool) -> None:  # noqa: FBT001
    """A name that does not resolve is an address that cannot be reached."""
    error, exchange = await failing(wire_for("http://nowhere.invalid/v1"), streamed=streamed)
    assert (error.kind, exchange.response.status) == ("unreachable", None)


@MODES
async def test_the_limit_of_a_caller_hangs_up(stub: ModelStub, streamed: bool) -> None:  # noqa: FBT001
    """Limits of time are the callers': one that is over ends the request at once."""
    stub.default = never
    wire = wire_for(stub.address + "/v1")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await send(wire, Exchange(), streamed=streamed)
    await asyncio.wait_for(stub.closed_by_client.wait(), 20)


@MODES
async def test_an_answer_fills_in_everything(stub: ModelStub, streamed: bool) -> None:  # noqa: FBT001
    """Text, tokens, cached ones among them, status, finish reason, request and raw text."""
    plain = openai()
    plain["usage"]["prompt_tokens_details"] = {"cached_tokens": 5}
    stub.default = streams(openai_events(cached=5)) if streamed else says(plain)
    exchange = Exchange()
    await send(wire_for(stub.address + "/v1"), exchange, streamed=streamed)
    assert (
        exchange.response.text,
        exchange.response.raw,
        exchange.response.status,
        exchange.response.finish_reason,
    ) == (
        GOOD,
        GOOD,
        200,
        "stop",
    )
    assert (
        exchange.response.tokens_in,
        exchange.response.tokens_out,
        exchange.response.tokens_cached,
    ) == (11, 7, 5)
    assert exchange.response.counted
    assert "the-secret-subject" in (exchange.response.request or "")
    assert "Bearer" not in (exchange.response.request or "")
    assert (exchange.response.first_text_at is not None) == streamed


PROVIDERS = {
    "anthropic": ("anthropic", anthropic_events, "max_tokens", "refusal", "end_turn"),
    "google": ("google-ai", google_events, "MAX_TOKENS", "SAFETY", "STOP"),
}


@pytest.mark.parametrize("row", PROVIDERS.values(), ids=PROVIDERS)
async def test_streams_of_other_providers(stub: ModelStub, row) -> None:
    """Tokens, finish reasons and an end that is none are read in each provider's own events."""
    provider, events, cut, refused, whole = row
    wire = wire_for(stub.address, provider=provider)
    stub.default = streams(events())
    exchange, texts = Exchange(), []
    await send(wire, exchange, streamed=True, texts=texts)
    assert (exchange.response.text, texts[-1], exchange.response.finish_reason) == (
        GOOD,
        GOOD,
        whole,
    )
    assert (
        exchange.response.tokens_in,
        exchange.response.tokens_out,
        exchange.response.counted,
    ) == (11, 7, True)
    for reason, kind in ((cut, "truncated"), (refused, "refused"), (None, "unreachable")):
        stub.default = streams(events("partly there", reason))
        error, _ = await failing(wire, streamed=True)
        assert error.kind == kind
    stub.default = streams(events("partly there", None), end="die")
    error, _ = await failing(wire, streamed=True)
    assert error.kind == "unreachable"


async def test_an_error_event_of_anthropic_says_its_kind(stub: ModelStub) -> None:
    """An overloaded Anthropic says so in the middle of a stream."""
    fault = '{"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}'
    stub.default = streams([*anthropic_events()[:4], fault])
    error, exchange = await failing(wire_for(stub.address, provider="anthropic"), streamed=True)
    assert error.kind == "overloaded"
    assert exchange.response.fault is not None
    assert exchange.response.fault.names.startswith("overloaded_error")


@MODES
async def test_a_cancelled_call_is_on_record(stub: ModelStub, streamed: bool) -> None:  # noqa: FBT001
    """A cancelled call closes its connection at once, and what was sent is on record."""
    stub.default = streams(openai_events(finish_reason=None), end="hold") if streamed else never
    exchange, texts = Exchange(), []
    task = asyncio.create_task(
        send(wire_for(stub.address + "/v1"), exchange, streamed=streamed, texts=texts)
    )
    await asyncio.wait_for(stub.arrived.wait(), 5)
    await until_async(lambda: not streamed or texts)
    task.cancel()
    await asyncio.wait_for(stub.closed_by_client.wait(), 1)
    with pytest.raises(asyncio.CancelledError):
        await task
    assert "the-secret-subject" in (exchange.response.request or "")
    assert bool(exchange.response.text) == streamed
