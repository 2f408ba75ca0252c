"""Idempotency-Key: a request that is sent again has its effect once."""

import contextlib
import hashlib
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import orjson
from flask import request
from pydantic import BaseModel, Field

from reins.web.http.problem import RequestRefusedError
from store.locks import held
from store.queue import reading as queue_reading
from store.reading import Reader

_OURS = uuid.UUID("8d0b1c52-6a0e-5a5c-9c53-0f5d4f4a7e10")
_NOTE = "idempotency"
"""Where an action's metadata keeps the digest of the body that asked for it."""
_LANES = 64


class KeyHeader(BaseModel):
    """Sent with a POST, it makes sending it again safe."""

    idempotency_key: Annotated[
        str | None,
        Field(
            alias="Idempotency-Key",
            min_length=1,
            max_length=255,
            pattern=r"^[\x20-\x7e]+$",
            description="the same key with the same body: the same action, enqueued once",
        ),
    ] = None


class Key(NamedTuple):
    """One request's key, or none: what its actions are called, and whether they are there."""

    base: str
    digest: str

    def put_on(self, actions: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """The actions under ids that are the same each time the request is sent."""
        if not self.base:
            return list(actions)
        return [self._named(action, number) for number, action in enumerate(actions)]

    def sent_before(self, store: Reader, count: int = 1) -> list[dict[str, Any]]:
        """This request's actions, up to `count`, that are in the queue already.

        They are not known to be on disk. Raises: RequestRefusedError.
        """
        if not self.base:
            return []
        found = queue_reading.get_actions(store, [self._id(number) for number in range(count)])
        for row in found:
            noted = orjson.loads(row["metadata"] or "{}").get(_NOTE) or {}
            if noted.get("body") != self.digest:
                raise RequestRefusedError(
                    422,
                    "this Idempotency-Key was used with another body; send each new request "
                    f"with a key of its own. The earlier one is action {row['action_id']}",
                    [{"where": "header.Idempotency-Key", "what": "used with another body"}],
                )
        return found

    def _id(self, number: int) -> str:
        return f"act_{uuid.uuid5(_OURS, f'{number} {self.base}').hex}"

    def _named(self, action: dict[str, Any], number: int) -> dict[str, Any]:
        metadata = orjson.loads(action["metadata"] or "{}")
        noted = orjson.dumps({**metadata, _NOTE: {"body": self.digest}}).decode()
        return {**action, "action_id": self._id(number), "metadata": noted}


class IdempotencyLocks:
    """Requests with the same key go one after the other, at all web processes of a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "locks"

    def of(self, key: Key) -> contextlib.AbstractContextManager[None]:
        """The lock of a key, to look for its actions and enqueue them. Raises: StoreError."""
        if not key.base:  # it waits for nobody
            return contextlib.nullcontext()
        lane = hashlib.sha256(key.base.encode()).digest()[0] % _LANES
        return held(self._folder / f"key-{lane:02}.lock")


def key_of(header: KeyHeader) -> Key:
    """The key of the request at hand."""
    if header.idempotency_key is None:
        return Key("", "")
    body = orjson.dumps(request.get_json(), option=orjson.OPT_SORT_KEYS)
    base = f"{request.method} {request.path}\n{header.idempotency_key}"
    return Key(base, hashlib.sha256(body).hexdigest())
