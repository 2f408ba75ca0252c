"""POST /hooks/{name}: what others send becomes a message of the hook's topic, each once."""

import uuid
from contextlib import AbstractContextManager
from typing import Any

import orjson
from flask import Flask, Response, request
from werkzeug.exceptions import ClientDisconnected, HTTPException

import queue_imp
from agent_core.actions.ids import ActionError
from agent_core.actions.topics import MAX_MESSAGE_BYTES, checked_message, hook_topic
from reins.sources.hooks import Hook, HookConfigError, Hooks, is_right
from reins.web.bridge import Bridge
from reins.web.http.idempotency import IdempotencyLocks, Key
from reins.web.http.problem import RequestRefusedError
from reins.web.rate_limit import Bucket
from store.queue import reading as queue_reading

PATH = "/hooks/<name>"
MAX_HOOK_BYTES = 60 * 1024
"""A message has 64 KiB, with what else it says."""
_OURS = uuid.UUID("5a0c9a52-0b58-4d0c-8a2d-0c4f2c0f5b7e")
_BURST, _PER_S = 100, 20.0
_WRONG_BURST, _WRONG_PER_S = 20, 1.0
_DELIVERY = ("Idempotency-Key", "webhook-id", "X-GitHub-Delivery", "X-Gitlab-Event-UUID")
_EVENT = ("X-GitHub-Event", "X-Gitlab-Event", "X-Event-Key")
_MOST_CHARACTERS = 255


class HookEndpoint:
    """The addresses that others call; each asks for its hook's token, and not for the page's."""

    def __init__(self, bridge: Bridge, locks: IdempotencyLocks) -> None:
        self._bridge = bridge
        self._locks = locks
        self._hooks = Hooks(bridge.settings.hooks)
        self._wrong = Bucket(burst=_WRONG_BURST, per_s=_WRONG_PER_S)
        self._buckets: dict[str, Bucket] = {}

    def register(self, app: Flask) -> None:
        app.add_url_rule(PATH, "hook", self._post, methods=["POST"])

    def _post(self, name: str) -> Response:
        body = _body()
        self._check(name, body)
        delivery = _header(_DELIVERY)
        action = self._action(name, body, delivery)
        is_new = True
        with self._lock(name, delivery):
            if delivery and (
                before := queue_reading.get_actions(self._bridge.store, [action["action_id"]])
            ):
                self._bridge.confirm(before)
                is_new = False
            else:
                self._bridge.enqueue([action])
        said = {"action_id": action["action_id"], "topic": hook_topic(name), "new": is_new}
        return Response(orjson.dumps(said), 202, mimetype="application/json")

    def _lock(self, name: str, delivery: str) -> AbstractContextManager[None]:
        return self._locks.of(Key(f"hook {name}\n{delivery}" if delivery else "", ""))

    def _check(self, name: str, body: bytes) -> None:
        """Raises: RequestRefusedError, for who has not the hook's token, or comes too often."""
        hook = self._known().get(name)
        scheme, _, bearer = request.headers.get("Authorization", "").partition(" ")
        signature = request.headers.get("X-Hub-Signature-256")
        given = bearer if scheme.lower() == "bearer" else None
        if not is_right(hook, body, bearer=given, signature=signature):
            if not self._wrong.take():
                raise _too_often("wrong tokens")
            raise RequestRefusedError(
                401,
                "the hook's token is missing or wrong, or there is no such hook; send the token of "
                "hooks.json as Authorization: Bearer, or sign the body with it, as "
                "X-Hub-Signature-256",
            )
        bucket = self._buckets.setdefault(name, Bucket(burst=_BURST, per_s=_PER_S))
        if not bucket.take():
            raise _too_often(f"messages for {name}")

    def _known(self) -> "dict[str, Hook]":
        try:
            return dict(self._hooks.get())
        except HookConfigError:
            raise RequestRefusedError(
                503, "hooks.json cannot be used now; see the log of the worker's start"
            ) from None

    def _action(self, name: str, body: bytes, delivery: str) -> dict[str, Any]:
        """Raises: RequestRefusedError for a body that is no message."""
        message = {"source": f"webhook:{name}", "body": _said(body)}
        if event := _header(_EVENT):
            message["event"] = event
        if delivery:
            message["delivery_id"] = delivery
        try:
            checked_message(message)
        except ActionError as error:
            raise RequestRefusedError(413, str(error)) from None
        named = uuid.uuid5(_OURS, f"{name}\n{delivery}").hex if delivery else None
        return queue_imp.create_action(
            "publish",
            f"webhook {name}",
            topic=hook_topic(name),
            message=message,
            action_id=named and f"act_{named}",
        )


def _body() -> bytes:
    if (request.content_length or 0) > MAX_HOOK_BYTES:
        raise _too_large()
    try:
        body: bytes = request.get_data()
    except (OSError, ClientDisconnected, HTTPException):
        raise RequestRefusedError(400, "the body cannot be read to its end; send it anew") from None
    if len(body) > MAX_HOOK_BYTES:
        raise _too_large()
    return body


def _said(body: bytes) -> Any:
    """The body: JSON where it is that, else a text. Raises: RequestRefusedError."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        pass
    try:
        return body.decode()
    except UnicodeDecodeError:
        raise RequestRefusedError(
            415, "the body is neither JSON nor a text in UTF-8; send it as one of these"
        ) from None


def _header(names: tuple[str, ...]) -> str:
    """The first of these headers that was sent; empty without. Raises: RequestRefusedError."""
    for name in names:
        value = request.headers.get(name, "")
        if len(value) > _MOST_CHARACTERS or not value.isprintable():
            raise RequestRefusedError(
                422,
                f"{name} has {len(value)} characters; expected {_MOST_CHARACTERS} printable ones",
            )
        if value:
            return value
    return ""


def _too_large() -> RequestRefusedError:
    return RequestRefusedError(
        413,
        f"the body is too large; {MAX_HOOK_BYTES} bytes are taken, so that a message has at most "
        f"{MAX_MESSAGE_BYTES}. Send what is large as an address",
    )


def _too_often(what: str) -> RequestRefusedError:
    return RequestRefusedError(429, f"too many {what}; try again later", retry_after_s=5)
