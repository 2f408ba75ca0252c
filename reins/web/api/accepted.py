"""How a request becomes an action: once, on disk before the answer."""

from collections.abc import Callable, Sequence
from typing import Any

import orjson
from flask import Response, request

from reins.web.api.context import ApiContext
from reins.web.http.idempotency import KeyHeader, key_of
from reins.web.http.problem import Answers, refusals
from reins.web.views.rows import Wire


class Accepted(Wire):
    """The request is in the queue; what becomes of it stands at `/api/actions/{action_id}`."""

    action_id: str
    agent_id: str | None
    session_id: str | None


class AcceptedMany(Wire):
    """The requests are in the queue, one for each entry, in the entries' order."""

    items: list[Accepted]


def accepted(
    context: ApiContext, header: KeyHeader, make: Callable[[], dict[str, Any]]
) -> Response:
    """Enqueue the action that `make` builds, or find it there. Raises: what `make` refuses."""
    [action] = _enqueued(context, header, lambda: [make()], 1)
    headers = {"Location": f"{request.root_path}/api/actions/{action['action_id']}"}
    body = orjson.dumps(_receipt(action))
    return Response(body, 202, headers, mimetype="application/json")


def accepted_many(
    context: ApiContext,
    header: KeyHeader,
    make: Callable[[], Sequence[dict[str, Any]]],
    count: int,
) -> Response:
    """The same for as many actions, in one commit: all of them or none."""
    actions = _enqueued(context, header, make, count)
    body = orjson.dumps({"items": [_receipt(action) for action in actions]})
    return Response(body, 202, mimetype="application/json")


def _enqueued(
    context: ApiContext,
    header: KeyHeader,
    make: Callable[[], Sequence[dict[str, Any]]],
    count: int,
) -> list[dict[str, Any]]:
    key = key_of(header)
    with context.locks.of(key):
        before = key.sent_before(context.bridge.store, count)
        if before:
            context.bridge.confirm(before)
            return before
        actions = key.put_on(make())
        context.bridge.enqueue(actions)
        return actions


def _receipt(action: dict[str, Any]) -> dict[str, Any]:
    return {name: action[name] for name in Accepted.model_fields}


def _json(*models: type[Wire]) -> dict[str, Any]:
    """The answer's content: one of these."""
    refs = [{"$ref": f"#/components/schemas/{model.__name__}"} for model in models]
    return {"application/json": {"schema": refs[0] if len(refs) == 1 else {"oneOf": refs}}}


_ACCEPTED = {
    "description": "Accepted",
    "headers": {
        "Location": {"schema": {"type": "string"}, "description": "where its outcome will be"}
    },
    "content": _json(Accepted),
}
ACCEPTED: Answers = {202: _ACCEPTED}
IF_ROOM: Answers = {**ACCEPTED, **refusals(429)}
"""Answers about actions that are not taken while too many wait."""
MANY_IF_ROOM: Answers = {
    **IF_ROOM,
    202: {"description": "Accepted", "content": _json(AcceptedMany)},
}
"""The same of several actions."""
MAYBE_MANY_IF_ROOM: Answers = {
    **IF_ROOM,
    202: {**_ACCEPTED, "content": _json(Accepted, AcceptedMany)},
}
"""The same where a list may be sent: only one alone has its Location."""
