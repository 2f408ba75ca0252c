"""How a request becomes an action: once, on disk before the answer."""

from collections.abc import Callable
from typing import Any

import orjson
from flask import Response, request

from reins.web.api.context import ApiContext
from reins.web.http.idempotency import KeyHeader, key_of
from reins.web.http.problem import Answers
from reins.web.views.rows import Wire


class Accepted(Wire):
    """The request is in the queue; what becomes of it stands at `/api/actions/{action_id}`."""

    action_id: str
    agent_id: str | None
    session_id: str | None


def accepted(
    context: ApiContext, header: KeyHeader, make: Callable[[], dict[str, Any]]
) -> Response:
    """Enqueue the action that `make` builds, or find it there. Raises: what `make` refuses."""
    key = key_of(header)
    with context.locks.of(key):
        before = key.sent_before(context.bridge.store)
        [action] = before or key.put_on([make()])
        if before:
            context.bridge.confirm(before)
        else:
            context.bridge.enqueue([action])
    answer = {name: action[name] for name in Accepted.model_fields}
    headers = {"Location": f"{request.root_path}/api/actions/{action['action_id']}"}
    return Response(orjson.dumps(answer), 202, headers, mimetype="application/json")


ACCEPTED: Answers = {
    202: {
        "description": "Accepted",
        "headers": {
            "Location": {"schema": {"type": "string"}, "description": "where its outcome will be"}
        },
        "content": {
            "application/json": {"schema": {"$ref": f"#/components/schemas/{Accepted.__name__}"}}
        },
    }
}
