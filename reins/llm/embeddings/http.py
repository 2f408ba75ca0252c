"""Embeddings at an OpenAI-compatible address, checked as anything that comes from outside."""

import asyncio
from array import array
from collections.abc import Sequence
from http import HTTPStatus
from math import isfinite
from typing import TYPE_CHECKING, Any

import orjson

from reins.llm.baml.failures import QUOTA_SPENT, failure, verdict_status
from reins.llm.baml.response import Exchange, WireResponse
from reins.llm.embeddings.embedder import Embedded, count, estimated_tokens
from reins.llm.errors import ModelError
from reins.llm.limits.retry_after import asked_s
from reins.llm.settings import Route

if TYPE_CHECKING:
    import aiohttp

MAX_ANSWER_BYTES = 16 << 20
_CONNECT_S = 10.0


class HttpEmbedder:
    """Embeds by `POST {address}/embeddings`, which OpenAI defined and others adopted.

    `route` is what its errors name. Connects at the first use and keeps its connections; `stop`
    closes them.
    """

    def __init__(
        self, route: Route, *, address: str, key: str | None = None, timeout_s: float = 60.0
    ) -> None:
        self._route = route
        self._address = address.rstrip("/") + "/embeddings"
        self._key = key
        self._timeout_s = timeout_s
        import aiohttp  # noqa: PLC0415 - late, as for the offline model

        self._aiohttp = aiohttp
        self._session: aiohttp.ClientSession | None = None
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
        embedded = self._read(body, texts)
        count(exchange, embedded)
        return embedded

    async def stop(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def _ask(self, texts: list[str], exchange: Exchange) -> bytes:
        if self._session is None:
            self._session = self._connect()
        asked = orjson.dumps({"model": self._route.model, "input": texts})
        status, after_s = None, None
        try:
            # A redirect is not followed: the key is for this address.
            async with self._session.post(self._address, data=asked, allow_redirects=False) as got:
                status = got.status
                body = await self._bounded(got)
                headers = {name.lower(): value for name, value in got.headers.items()}
                after_s = asked_s(headers, status=status, body=body[:4096].decode(errors="replace"))
        except self._aiohttp.ClientError:
            # `from None`: it would carry the address, which may hold a password.
            raise failure(
                "unreachable", self._route, "no answer, or the connection broke"
            ) from None
        finally:
            exchange.response = WireResponse(
                status=status,
                retry_after_s=after_s,
                request=asked.decode(),
            )
        if not HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
            raise self._refused(status, after_s, body)
        return body

    def _connect(self) -> "aiohttp.ClientSession":
        headers = {"Content-Type": "application/json"}
        if self._key is not None:
            headers["Authorization"] = f"Bearer {self._key}"
        timeout = self._aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_S)
        # The environment's proxy, as BAML's client takes it too.
        return self._aiohttp.ClientSession(headers=headers, timeout=timeout, trust_env=True)

    async def _bounded(self, got: "aiohttp.ClientResponse") -> bytes:
        body = bytearray()
        async for part in got.content.iter_chunked(1 << 16):
            body += part
            if len(body) > MAX_ANSWER_BYTES:
                what = f"an answer of more than {MAX_ANSWER_BYTES} bytes"
                raise failure("garbage", self._route, what)
        return bytes(body)

    def _refused(self, status: int, after_s: float | None, body: bytes) -> ModelError:
        kind, what = verdict_status(status, is_spent=QUOTA_SPENT.encode() in body)
        if status < HTTPStatus.BAD_REQUEST:  # elsewhere: another address is meant
            kind = "not_found"
        return failure(kind, self._route, what, after_s=after_s)

    def _read(self, body: bytes, texts: Sequence[str]) -> Embedded:
        try:
            given = orjson.loads(body)
            vectors = _in_order(given["data"], len(texts))
            self._same_dimension(vectors)
        except (ValueError, LookupError, TypeError, AttributeError, OverflowError) as error:
            what = (
                error.args[0] if isinstance(error, _UnfitError) else "the answer holds no vectors"
            )
            raise failure("garbage", self._route, what) from None
        usage = given.get("usage")
        tokens = usage.get("prompt_tokens") if isinstance(usage, dict) else None
        if type(tokens) is int and tokens >= 0:
            return Embedded(vectors, tokens)
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
