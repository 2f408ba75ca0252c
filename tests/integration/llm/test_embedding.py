"""Vectors: by wordllama without a network, and at an address that may answer anything."""

import asyncio
import json
import logging
import math
import socket
import sys
import threading
from collections.abc import AsyncIterator, Callable

import orjson
import pytest
from aiohttp import web

from reins.llm import ModelConfigError, ModelError
from reins.llm.embeddings import wordllama
from reins.llm.embeddings.embedder import BATCH_BYTES, BATCH_TEXTS, batches
from reins.llm.embeddings.http import MAX_ANSWER_BYTES, HttpEmbedder
from reins.llm.embeddings.wordllama import WordEmbedder
from reins.llm.settings import Route
from reins.llm.text import MAX_TEXT_BYTES
from reins.llm.wire.response import Exchange
from tests.support.waiting import until_async

KEY = "sk-very-secret"
SECRET_TEXT = "nobody must read this"


def likeness(a: list[float], b: list[float]) -> float:
    return sum(x * y for x, y in zip(a, b, strict=True))


class Stub:
    """An address for embeddings; `answer` is what it gives to each request that it has seen."""

    def __init__(self) -> None:
        self.asked: list[tuple[dict, dict]] = []
        self.answer: Callable[[dict], web.Response] = self.well
        self.aborted = asyncio.Event()
        self.held = False

    @staticmethod
    def well(body: dict) -> web.Response:
        """Vectors in the wrong order, with their numbers."""
        data = [
            {"object": "embedding", "index": n, "embedding": [len(text), n, 0.5]}
            for n, text in enumerate(body["input"])
        ]
        usage = {"prompt_tokens": 7 * len(data), "total_tokens": 7 * len(data)}
        return web.json_response({"object": "list", "data": data[::-1], "usage": usage})

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        assert (request.method, request.path) == ("POST", "/v1/embeddings")
        body = orjson.loads(await request.read())
        self.asked.append((dict(request.headers), body))
        if self.held:
            try:
                await asyncio.sleep(60)
            finally:
                self.aborted.set()
        return self.answer(body)


@pytest.fixture
async def stub() -> AsyncIterator[Stub]:
    stub = Stub()
    server = web.Server(stub.handle, access_log=None, handler_cancellation=True)
    runner = web.ServerRunner(server, handle_signals=False, shutdown_timeout=0.0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    stub.address = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    yield stub
    await runner.cleanup()


@pytest.fixture
async def embedder(stub: Stub) -> AsyncIterator[HttpEmbedder]:
    made = HttpEmbedder(Route("compatible", "m", stub.address), address=stub.address, key=KEY)
    yield made
    await made.stop()
    await made.stop()


@pytest.fixture
async def words() -> AsyncIterator[WordEmbedder]:
    made = WordEmbedder()
    yield made
    await made.stop()
    await made.stop()


# -- wordllama


@pytest.fixture
def no_network(monkeypatch):
    def refuse(*_args: object, **_more: object) -> None:
        raise AssertionError("this must not use the network")

    for name in ("connect", "connect_ex", "sendto"):
        monkeypatch.setattr(socket.socket, name, refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


async def test_words_need_no_network(words, no_network):
    """Near texts are near, far ones far; the tokens are counted; the log stays as it was."""
    handlers, level = list(logging.getLogger().handlers), logging.getLogger().level
    exchange = Exchange()
    cat, kitten, money = (
        embedded := await words.embed(
            ["The cat sleeps.", "A kitten is asleep.", "The bank raised its rates."], exchange
        )
    ).vectors
    assert {len(cat), len(kitten), len(money)} == {256}
    assert all(math.isclose(likeness(v, v), 1.0, abs_tol=1e-5) for v in (cat, kitten, money))
    assert likeness(cat, kitten) > likeness(cat, money) + 0.2
    assert embedded.counted
    assert 9 <= embedded.tokens_in <= 30
    assert exchange.response.tokens_in == embedded.tokens_in
    assert (logging.getLogger().handlers, logging.getLogger().level) == (handlers, level)


async def test_a_text_has_the_same_vector_in_any_company(words):
    """A text has the same vector alone and among longer and shorter ones."""
    texts = ["one", "two words", "x " * 9_000, "a few words more", "日本語のテキスト", "\x00", "🙂"]
    together = (await words.embed(texts)).vectors
    for text, vector in zip(texts, together, strict=True):
        [alone] = (await words.embed([text])).vectors
        assert likeness(alone, vector) > 0.9999


async def test_words_leave_the_loop_alone(words):
    """The work is done in one thread beside the loop, which has ended after a stop."""
    threads = {thread for thread in threading.enumerate() if "embeddings" in thread.name}
    many = asyncio.gather(*(words.embed(["some words " * 20] * 64) for _ in range(8)))
    turns = 0
    while not many.done():
        await asyncio.sleep(0.001)
        turns += 1
        mine = {t for t in threading.enumerate() if "embeddings" in t.name} - threads
        assert len(mine) <= 1
    assert turns > 5
    assert [len(embedded.vectors) for embedded in await many] == [64] * 8


async def test_without_the_package_the_error_says_what_to_install(words, monkeypatch):
    """The error says what to install."""
    monkeypatch.setitem(sys.modules, "wordllama", None)
    wordllama._load_wordllama.cache_clear()
    with pytest.raises(ModelConfigError, match="extra `embeddings`"):
        await words.embed(["a"])


# -- batches


def test_batches():
    """All texts, in order, within the limits of one request; what UTF-8 cannot carry is mended."""
    texts = [f"text {n}" for n in range(BATCH_TEXTS + 1)] + ["x" * MAX_TEXT_BYTES] * 5 + ["a\ud800"]
    made = list(batches(texts))
    assert [text for batch in made for text in batch] == [*texts[:-1], "a\ufffd"]
    assert max(map(len, made)) == BATCH_TEXTS
    assert max(sum(len(text.encode()) for text in batch) for batch in made) <= BATCH_BYTES
    assert list(batches([])) == []


@pytest.mark.parametrize("text", ["", " \n", "é" * MAX_TEXT_BYTES, None])
def test_a_text_that_does_not_fit(text):
    """Which one it is, and what is wrong with it."""
    with pytest.raises(ValueError, match=r"text 2 of 2 (is|has) .*; expected"):
        list(batches(["a", text]))


# -- over HTTP


async def test_what_is_sent_and_what_comes_back(stub, embedder):
    """The vectors by their numbers, whatever their order; the provider's count of tokens."""
    exchange = Exchange()
    embedded = await embedder.embed(["a", "bcd"], exchange)
    assert embedded.vectors == [[1.0, 0.0, 0.5], [3.0, 1.0, 0.5]]
    assert (embedded.tokens_in, embedded.counted) == (14, True)
    assert (exchange.response.status, exchange.response.tokens_in, exchange.response.counted) == (
        200,
        14,
        True,
    )
    [(headers, body)] = stub.asked
    assert body == {"model": "m", "input": ["a", "bcd"]} == orjson.loads(exchange.response.request)
    assert headers["Authorization"] == f"Bearer {KEY}"


async def test_without_a_key_none_is_sent(stub):
    """And an address with a slash at its end is the same one."""
    embedder = HttpEmbedder(Route("compatible", "m", stub.address), address=stub.address + "/")
    await embedder.embed(["a"])
    await embedder.stop()
    assert "Authorization" not in stub.asked[0][0]


async def test_tokens_that_nobody_counted_are_estimated(stub, embedder):
    """They are estimated, and said to be."""
    stub.answer = lambda _: web.json_response({"data": [{"index": 0, "embedding": [1]}]})
    embedded = await embedder.embed(["x" * 400])
    assert (embedded.tokens_in, embedded.counted) == (134, False)


@pytest.mark.parametrize(
    ("status", "kind", "retryable"),
    [
        (307, "not_found", False), (400, "bad_request", False), (401, "auth", False),
        (403, "auth", False), (404, "not_found", False), (408, "timeout", True),
        (422, "bad_request", False), (429, "rate_limited", True), (500, "server", True),
        (502, "server", True), (503, "overloaded", True),
    ],
)  # fmt: skip
async def test_each_status_is_of_its_kind_and_nothing_is_quoted(
    stub, embedder, status, kind, retryable
):
    """Each status is the kind that it is for a call; neither text nor key is quoted."""
    headers = {"Retry-After": "7", "Location": "http://127.0.0.1:1/"}
    said = f"{SECRET_TEXT} {KEY}"
    stub.answer = lambda _: web.Response(status=status, text=said, headers=headers)
    exchange = Exchange()
    with pytest.raises(ModelError) as caught:
        await embedder.embed([SECRET_TEXT], exchange)
    assert (caught.value.kind, caught.value.retryable) == (kind, retryable)
    assert caught.value.retry_after_s == 7
    assert (exchange.response.status, exchange.response.retry_after_s) == (status, 7)
    assert SECRET_TEXT not in str(caught.value)
    assert KEY not in str(caught.value)
    assert len(stub.asked) == 1


async def test_a_spent_quota_does_not_pass_by_waiting(stub, embedder):
    """429 that does not pass by waiting."""
    error = {"error": {"code": "insufficient_quota"}}
    stub.answer = lambda _: web.json_response(error, status=429)
    with pytest.raises(ModelError) as caught:
        await embedder.embed(["a"])
    assert (caught.value.kind, caught.value.retryable) == ("auth", False)


def vectors(*given: object) -> dict:
    return {"data": [{"index": n, "embedding": each} for n, each in enumerate(given)]}


@pytest.mark.parametrize(
    "body",
    [
        b"", b"<html>", b"[]", b"{}", b"null", b'{"data": 5}', b'{"data": []}',
        b'{"data": [1, 2]}', vectors([1.0]), vectors([1.0], [1.0], [1.0]),
        vectors([1.0], [1.0, 2.0]), vectors([1.0], []), vectors([1.0], None),
        vectors([1.0], "ab"), vectors([1.0], ["1"]), vectors([1.0], [None]),
        vectors([1.0], {"0": 1.0}), vectors([1.0], [[1.0]]), vectors([1.0], [10**400]),
        {"data": [{"index": 0, "embedding": [1.0]}] * 2},
        {"data": [{"embedding": [1.0]}] * 2},
        {"data": [{"index": 1, "embedding": [1.0]}, {"index": 2, "embedding": [1.0]}]},
        {"data": [{"index": [], "embedding": [1.0]}] * 2},
        b'{"data": [{"index": 0, "embedding": [1.0]}, {"index": 1, "embedding": [1e999]}]}',
        b'{"data": [{"index": 0, "embedding": [1.0]}, {"index": 1, "embedding": [NaN]}]}',
        b'{"data": [{"index": 0, "embedding": [1.0]}, {"index": 1, "embedd',
        b"[" * 100_000,
    ],
)  # fmt: skip
async def test_an_answer_that_is_none(stub, embedder, body):
    """Whatever does not fit is garbage, and a reason to try again."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    stub.answer = lambda _: web.Response(body=raw, content_type="application/json")
    with pytest.raises(ModelError) as caught:
        await embedder.embed(["a", "b"])
    assert (caught.value.kind, caught.value.retryable) == ("garbage", True)


async def test_a_dimension_that_changes(stub, embedder):
    """Vectors of another length cannot be compared with those there are."""
    await embedder.embed(["a"])
    stub.answer = lambda _: web.json_response(vectors([1.0]))
    with pytest.raises(ModelError, match="a vector has 1 numbers where another had 3"):
        await embedder.embed(["a"])


async def test_an_answer_without_end_is_not_read_on(stub, embedder):
    """It is not read on."""
    stub.answer = lambda _: web.Response(body=b" " * (MAX_ANSWER_BYTES + 1))
    with pytest.raises(ModelError) as caught:
        await embedder.embed(["a"])
    assert caught.value.kind == "garbage"


async def test_a_port_where_nobody_listens_is_unreachable():
    """A port where nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"http://someone:{KEY}@127.0.0.1:{taken.getsockname()[1]}/v1"
        embedder = HttpEmbedder(Route("compatible", "m", "http://here/v1"), address=address)
        with pytest.raises(ModelError) as caught:
            await embedder.embed([SECRET_TEXT])
        await embedder.stop()
    assert (caught.value.kind, caught.value.retryable) == ("unreachable", True)
    assert KEY not in str(caught.value)
    assert caught.value.__cause__ is None


async def test_a_server_that_hangs_up(embedder, stub):
    """The connection breaks before there is an answer."""

    def hang_up(_: dict) -> web.Response:
        raise asyncio.CancelledError

    stub.answer = hang_up
    with pytest.raises(ModelError) as caught:
        await embedder.embed(["a"])
    assert caught.value.kind == "unreachable"


async def test_over_the_deadline_no_request_is_left_running(stub):
    """Over it is a failure of its kind, and the request is not left running."""
    stub.held = True
    embedder = HttpEmbedder(
        Route("compatible", "m", stub.address), address=stub.address, timeout_s=0.1
    )
    with pytest.raises(ModelError) as caught:
        await embedder.embed(["a"])
    assert (caught.value.kind, caught.value.retryable) == ("timeout", True)
    async with asyncio.timeout(5):
        await stub.aborted.wait()
    await embedder.stop()


async def test_a_caller_that_goes(stub, embedder):
    """A cancelled call closes its request."""
    stub.held = True
    asking = asyncio.create_task(embedder.embed(["a"]))
    await until_async(lambda: stub.asked)
    asking.cancel()
    async with asyncio.timeout(5):
        with pytest.raises(asyncio.CancelledError):
            await asking
        await stub.aborted.wait()
