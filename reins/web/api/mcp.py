"""POST /mcp: an assistant's calls, behind the same guard and token as all else."""

import threading
from http import HTTPStatus

import orjson
from flask import Flask, Response, request

from agent_core.actions.ids import ActionError, checked_id
from reins.mcp_server.desk import Desk
from reins.mcp_server.errors import INVALID_REQUEST, PARSE_ERROR, ProtocolError
from reins.mcp_server.exchange import Answer, exchange, failed
from reins.mcp_server.methods import Methods
from reins.web.bridge import Bridge
from reins.web.http.problem import RequestRefusedError

PATH = "/mcp"
_ACTOR = "mcp"
_MOST_WAITING = 32
"""Calls that wait for an outcome at once: each holds a thread. One more is told what is known."""


class McpEndpoint:
    """The address that assistants are given: it takes POST alone, and keeps no session."""

    def __init__(self, bridge: Bridge) -> None:
        self._bridge = bridge
        self._free = threading.BoundedSemaphore(_MOST_WAITING)
        self._never = threading.Event()

    def register(self, app: Flask) -> None:
        app.add_url_rule(PATH, "mcp", self._post, methods=["POST"])
        # Else GET would be the dashboard's: a client is told that there is no stream.
        app.add_url_rule(PATH, "no_mcp", self._other, methods=["GET", "DELETE"])

    def _post(self) -> Response:
        try:
            desk = Desk(
                self._bridge.store,
                self._bridge.writer,
                actor=_actor(),
                vector_of=self._bridge.vector_of,
            )
            headers = {name.lower(): value for name, value in request.headers.items()}
            body = request.get_json()
            return _response(exchange(Methods(desk), body, headers, self._rest))
        except ActionError as error:
            return _response(failed(None, ProtocolError(INVALID_REQUEST, str(error)), 400))
        except RequestRefusedError as refused:
            is_json = refused.code != HTTPStatus.BAD_REQUEST
            said = ProtocolError(INVALID_REQUEST if is_json else PARSE_ERROR, refused.detail)
            unfit = refused.code == HTTPStatus.UNPROCESSABLE_ENTITY
            return _response(failed(None, said, 400 if unfit else refused.code or 400))

    def _other(self) -> Response:
        error = ProtocolError(
            INVALID_REQUEST,
            f"{request.method} is not served at {PATH}: there are no sessions and no streams; "
            "send each message with POST",
        )
        answer = _response(failed(None, error, 405))
        answer.headers["Allow"] = "POST"
        return answer

    def _rest(self, seconds: float) -> bool:
        """Sleep, if there is room among those that wait."""
        if not self._free.acquire(blocking=False):
            return False
        try:
            self._never.wait(seconds)
        finally:
            self._free.release()
        return True


def _actor() -> str:
    """The actor that the address names: /mcp?actor=ann. Raises: ActionError."""
    return checked_id(request.args.get("actor", _ACTOR), "actor")


def _response(answer: Answer) -> Response:
    headers = {"Cache-Control": "no-store"}
    if answer.body is None:
        return Response(status=answer.status, headers=headers)
    body = orjson.dumps(answer.body)
    return Response(body, answer.status, headers, mimetype="application/json")
