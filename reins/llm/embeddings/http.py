"""Embeddings at an OpenAI-compatible address, checked as anything that comes from outside."""

import asyncio
from array import array
from collections.abc import Sequence
from dataclasses import replace
from http import HTTPStatus
from math import isfinite
from typing import Any

import orjson

from reins.llm.answers.faults import fault_in
from reins.llm.baml.runtime import Request
from reins.llm.embeddings.embedder import Embedded, count, estimated_tokens
from reins.llm.limits.retry_after import asked_s
from reins.llm.settings import Route
from reins.llm.wire.errors import FaultError, StatusError, WireError
from reins.llm.wire.failures import classify, failure
from reins.llm.wire.response import Exchange, WireResponse
from reins.llm.wire.sender import Reply, Sender
from reins.llm.wire.usage import Usage, usage_in

MAX_ANSWER_BYTES = 16 << 20
MAX_SAID_BYTES = 4096


class HttpEmbedder:
    """Embeds by `POST {address}/embeddings`, which OpenAI defined and others adopted.

    `route` is what its errors name. `stop` closes the connections of its sender.
    """

    def __init__(
        self,
        route: Route,
        *,
        address: str,
        sender: Sender | None = None,
        key: str | None = None,
        timeout_s: float = 60.0,
    ) -> None:
        self._route = route
        self._address = address.rstrip("/") + "/embeddings"
        self._headers = {"Content-Type": "application/json"}
        if key is not None:
            self._headers["Authorization"] = f"Bearer {key}"
        self._timeout_s = timeout_s
        self._sender = sender or Sender(address)
        self._dimension: int | None = None

    async def embed(self, texts: Sequence[str], exchange: Exchange | None = None) -> Embedded:
        """Raises: ModelError; it quotes neither texts nor key."""
        exchange = exchange or Exchange()
        try:
            async with asyncio.timeout(self._timeout_s):
                body = await self._ask(list(texts), exchange)
        except TimeoutError:
            what = f"no vectors within {self._timeout_s:g} s"
            raise failure("timeout", self._route, what) from None
        embedded = self._read(body, texts, exchange)
        count(exchange, embedded)
        return embedded

    async def stop(self) -> None:
        await self._sender.stop()

    async def _ask(self, texts: list[str], exchange: Exchange) -> bytes:
        asked = orjson.dumps({"model": self._route.model, "input": texts})
        status = after_s = None
        try:
            with await self._sender.send(Request(self._address, self._headers, asked)) as reply:
                status = reply.status
                body = await self._bounded(reply)
                said = body[:MAX_SAID_BYTES].decode(errors="replace")
                after_s = asked_s(reply.headers, status=status, body=said)
        except WireError as error:
            raise classify(error, WireResponse(), self._route) from None
        finally:
            exchange.response = WireResponse(
                status=status, retry_after_s=after_s, request=asked.decode()
            )
        if not HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
            response = replace(exchange.response, raw=said)
            raise classify(StatusError(), response, self._route)
        return body

    async def _bounded(self, reply: Reply) -> bytes:
        body = bytearray()
        while part := await reply.read():
            body += part
            if len(body) > MAX_ANSWER_BYTES:
                what = f"an answer of more than {MAX_ANSWER_BYTES} bytes"
                raise failure("garbage", self._route, what)
        return bytes(body)

    def _check_fault(self, given: object, exchange: Exchange) -> None:
        """Raises: ModelError for an error that came with the status of a success."""
        fault = fault_in(given) if isinstance(given, dict) and not given.get("data") else None
        if fault is not None:
            exchange.response = replace(exchange.response, fault=fault)
            raise classify(FaultError(), exchange.response, self._route)

    def _read(self, body: bytes, texts: Sequence[str], exchange: Exchange) -> Embedded:
        try:
            given = orjson.loads(body)
            self._check_fault(given, exchange)
            vectors = _in_order(given["data"], len(texts))
            self._same_dimension(vectors)
        except (ValueError, LookupError, TypeError, AttributeError, OverflowError) as error:
            what = (
                error.args[0] if isinstance(error, _UnfitError) else "the answer holds no vectors"
            )
            raise failure("garbage", self._route, what) from None
        usage = Usage()
        usage.read(usage_in(given))
        if usage.sent is not None:
            return Embedded(vectors, usage.sent)
        return Embedded(vectors, estimated_tokens(texts), counted=False)

    def _same_dimension(self, vectors: list[list[float]]) -> None:
        wanted = self._dimension or len(vectors[0])
        wrong = next((len(vector) for vector in vectors if len(vector) != wanted), None)
        if wrong is not None:
            raise _UnfitError(f"a vector has {wrong} numbers where another had {wanted}")
        self._dimension = wanted


class _UnfitError(ValueError):
    """Vectors that cannot be used; the message quotes nothing of the answer."""


def _in_order(data: list[dict[str, Any]], count: int) -> list[list[float]]:
    if len(data) != count:
        raise _UnfitError(f"it gave {len(data)} vectors for {count} texts")
    found = {each["index"]: _finite(each["embedding"]) for each in data}
    if found.keys() != set(range(count)):
        raise _UnfitError("its vectors are not numbered as the texts are")
    return [found[number] for number in range(count)]


def _finite(given: list[float]) -> list[float]:
    if not isinstance(given, list) or not given:
        raise _UnfitError("a vector is not a list of numbers")
    vector = array("d", given)  # raises TypeError for anything but numbers, at C speed
    if not isfinite(sum(map(abs, vector))):
        raise _UnfitError("a vector holds a number that is not finite")
    return vector.tolist()
