"""One exchange: a message of JSON-RPC and its answer, in either era; no session is kept.

Source: https://modelcontextprotocol.io/specification, 2025-11-25 and 2026-07-28.
"""

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import structlog

from reins.mcp_server.desk import Rest
from reins.mcp_server.eras import HANDSHAKE, MODERN, code_of, completed
from reins.mcp_server.errors import (
    HEADER_MISMATCH,
    INTERNAL_ERROR,
    INVALID_PARAMS,
    INVALID_REQUEST,
    METHOD_NOT_FOUND,
    PARSE_ERROR,
    UNSUPPORTED_VERSION,
    ProtocolError,
)
from reins.mcp_server.methods import CAPABILITIES, INSTRUCTIONS, SERVER_INFO, Methods

_logger = structlog.get_logger(__name__)
_META = "io.modelcontextprotocol/"
_VERSION, _CLIENT = f"{_META}protocolVersion", f"{_META}clientCapabilities"
_NAMED_BY = {"tools/call": "name", "resources/read": "uri"}
_BASE64 = re.compile(r"=\?base64\?([A-Za-z0-9+/=]*)\?=")
_STATUS = {
    PARSE_ERROR: 400,
    INVALID_REQUEST: 400,
    INVALID_PARAMS: 400,
    HEADER_MISMATCH: 400,
    UNSUPPORTED_VERSION: 400,
    METHOD_NOT_FOUND: 404,
}
_ALWAYS = (PARSE_ERROR, INVALID_REQUEST)
"""Errors with a status of HTTP in the older era too, whose clients read others from the body."""


class Answer(NamedTuple):
    """The status and the body of an answer; without a body, there is nothing to say."""

    status: int
    body: dict[str, Any] | None = None


class _Request(NamedTuple):
    method: str
    params: Mapping[str, Any]
    headers: Mapping[str, str] | None

    @property
    def version(self) -> Any:
        """The version that it names, in a header if there are any; empty where it names none."""
        if self.headers is not None:
            return self.headers.get("mcp-protocol-version", "")
        meta = self.params.get("_meta")
        return meta.get(_VERSION, "") if isinstance(meta, Mapping) else ""

    @property
    def is_modern(self) -> bool:
        """True for a request that stands for itself; what names no version is of before them."""
        if self.headers is None and self.method == "initialize":
            return False
        return self.version not in ("", *HANDSHAKE)


def exchange(
    methods: Methods, body: Mapping[str, Any], headers: Mapping[str, str] | None, rest: Rest
) -> Answer:
    """The answer to one message; `headers` have names in lower case, None where there are none."""
    if headers is not None:
        headers = {name: value.strip(" \t") for name, value in headers.items()}  # RFC 9110, 5.5
    request_id = body.get("id")
    if "method" not in body and ("result" in body or "error" in body):
        return Answer(202)  # an answer to nothing that was asked
    try:
        request = _read(body, headers)
    except ProtocolError as error:
        return failed(None, error, 400)
    if "id" not in body:
        return Answer(202)  # a notification: there is no state that one could change
    version = MODERN if request.is_modern else HANDSHAKE[0]
    try:
        serve = _modern if request.is_modern else _older
        return Answer(
            200, {"jsonrpc": "2.0", "id": request_id, "result": serve(methods, request, rest)}
        )
    except ProtocolError as error:
        told = ProtocolError(code_of(error, version), error.message, error.data)
        counts = request.is_modern or told.code in _ALWAYS
        return failed(request_id, told, _STATUS.get(told.code, 200) if counts else 200)
    except Exception:
        _logger.exception("a request of an assistant failed", method=request.method)
        said = "Reins failed; the request is not at fault. The traceback is in its log."
        return failed(request_id, ProtocolError(INTERNAL_ERROR, said), 500)


def failed(request_id: Any, error: ProtocolError, status: int) -> Answer:
    """An error of JSON-RPC as an answer."""
    told: dict[str, Any] = {"code": error.code, "message": error.message}
    if error.data is not None:
        told["data"] = error.data
    return Answer(status, {"jsonrpc": "2.0", "id": request_id, "error": told})


def _read(body: Mapping[str, Any], headers: Mapping[str, str] | None) -> _Request:
    """Raises: ProtocolError, where this is no message of JSON-RPC."""
    method, params = body.get("method"), body.get("params", {})
    is_id = isinstance(body.get("id", 0), str | int) and not isinstance(body.get("id"), bool)
    if body.get("jsonrpc") != "2.0" or not isinstance(method, str) or not is_id:
        raise ProtocolError(
            INVALID_REQUEST,
            'expected {"jsonrpc": "2.0", "id": a text or a number, "method": a text, "params": {}}',
        )
    if not isinstance(params, Mapping):
        raise ProtocolError(INVALID_REQUEST, "params are no object")
    return _Request(method, params, headers)


def _older(methods: Methods, request: _Request, rest: Rest) -> dict[str, Any]:
    if request.method == "initialize":
        asked = request.params.get("protocolVersion")
        return {
            "protocolVersion": asked if asked in HANDSHAKE else HANDSHAKE[0],
            "capabilities": CAPABILITIES,
            "serverInfo": SERVER_INFO,
            "instructions": INSTRUCTIONS,
        }
    if request.method == "ping":
        return {}
    _check_served(methods, request.method)
    return methods.answer(request.method, request.params, rest)


def _modern(methods: Methods, request: _Request, rest: Rest) -> dict[str, Any]:
    _check_envelope(request)
    if request.method == "server/discover":
        found = {
            "supportedVersions": [MODERN],
            "capabilities": CAPABILITIES,
            "instructions": INSTRUCTIONS,
        }
    else:
        _check_served(methods, request.method)
        found = methods.answer(request.method, request.params, rest)
    stamp = {"_meta": {f"{_META}serverInfo": SERVER_INFO}}
    return {**completed(request.method, found), **stamp}


def _check_served(methods: Methods, method: str) -> None:
    if method not in methods.by_name:
        served = ", ".join(methods.by_name)
        raise ProtocolError(
            METHOD_NOT_FOUND, f"method {method[:80]!r} is not served here; these are: {served}"
        )


def _check_envelope(request: _Request) -> None:
    """Check that the body says of itself what the headers say, and that this is served.

    Raises: ProtocolError.
    """
    meta = request.params.get("_meta")
    if not isinstance(meta, Mapping) or _VERSION not in meta or _CLIENT not in meta:
        raise ProtocolError(
            INVALID_PARAMS, f"params._meta lacks {_VERSION} or {_CLIENT}; send both"
        )
    if request.headers is not None:
        _check_headers(request.headers, request, meta)
    if not isinstance(request.version, str):
        raise ProtocolError(INVALID_PARAMS, f"{_VERSION} is no text")
    if request.version != MODERN:
        raise ProtocolError(
            UNSUPPORTED_VERSION,
            f"protocol version {request.version[:40]!r} is not served here; {MODERN} is, and with "
            f"initialize: {', '.join(HANDSHAKE)}",
            {"supported": [MODERN], "requested": request.version},
        )


def _check_headers(headers: Mapping[str, str], request: _Request, meta: Mapping[str, Any]) -> None:
    """Raises: ProtocolError."""
    said = {"mcp-protocol-version": meta[_VERSION], "mcp-method": request.method}
    key = _NAMED_BY.get(request.method)
    if key is not None and request.params.get(key) is not None:
        said["mcp-name"] = request.params[key]
    for header, expected in said.items():
        if _decoded(headers.get(header)) != expected:
            raise ProtocolError(
                HEADER_MISMATCH, f"the header {header} is not what the body says; send it as it is"
            )


def _decoded(header: str | None) -> str | None:
    """The header's value, which may be wrapped in base64; None where it is not whole."""
    wrapped = None if header is None else _BASE64.fullmatch(header)
    if wrapped is None:
        return header
    try:
        return base64.b64decode(wrapped[1], validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None
