"""Idempotency-Key: a request that is sent again has its effect once."""

import hashlib
import threading
import uuid
from collections.abc import Sequence
from typing import Annotated, Any, NamedTuple

import orjson
from flask import request
from pydantic import BaseModel, Field

from store import queue_reading
from web.api.parts import Parts
from web.problem import Refused

_OURS = uuid.UUID("8d0b1c52-6a0e-5a5c-9c53-0f5d4f4a7e10")
_NOTE = "idempotency"
"""Where an action's metadata keeps the digest of the body that asked for it."""
_LANES = 64


class KeyHeader(BaseModel):
    """Sent with a POST, it makes sending it again safe."""

    idempotency_key: Annotated[
        str,
        Field(
            alias="Idempotency-Key",
            min_length=1,
            max_length=255,
            pattern=r"^[\x20-\x7e]+$",
            description="the same key with the same body: the same action, enqueued once",
        ),
    ] = ""


class Turns:
    """Requests with the same key go one after the other."""

    def __init__(self) -> None:
        self._locks = [threading.Lock() for _ in range(_LANES)]

    def of(self, key: str) -> threading.Lock:
        return self._locks[hash(key) % _LANES]


class Key(NamedTuple):
    """One request's key, or none: what its actions are called, and whether they are there."""

    base: str
    digest: str

    def action_id(self, which: str = "") -> str:
        """The id of this request's action; the same at each time it is sent."""
        return f"act_{uuid.uuid5(_OURS, self.base + chr(0) + which).hex}"

    def put_on(self, action: dict[str, Any], which: str = "") -> dict[str, Any]:
        """The action under this request's id."""
        if not self.base:
            return action
        metadata = orjson.loads(action["metadata"] or "{}")
        noted = orjson.dumps({**metadata, _NOTE: {"body": self.digest}}).decode()
        return {**action, "action_id": self.action_id(which), "metadata": noted}

    def sent_before(self, here: Parts, which: Sequence[str] = ("",)) -> dict[str, dict[str, Any]]:
        """This request's actions that are in the queue already. Raises: Refused."""
        if not self.base:
            return {}
        ids = {self.action_id(each): each for each in which}
        found = queue_reading.get_actions(here.bridge.store, list(ids))
        for row in found:
            noted = orjson.loads(row["metadata"] or "{}").get(_NOTE) or {}
            if noted.get("body") != self.digest:
                raise Refused(
                    422,
                    "this Idempotency-Key was used with another body; send each new request "
                    f"with a key of its own. The earlier one is action {row['action_id']}",
                    [{"where": "header.Idempotency-Key", "what": "used with another body"}],
                )
        return {ids[row["action_id"]]: row for row in found}


def key_of(header: KeyHeader) -> Key:
    """The key of the request at hand."""
    if not header.idempotency_key:
        return Key("", "")
    body = request.get_json()
    digest = hashlib.sha256(orjson.dumps(body, option=orjson.OPT_SORT_KEYS)).hexdigest()
    return Key(f"{request.method} {request.path}\0{header.idempotency_key}", digest)
