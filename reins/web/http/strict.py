"""Input of the API: JSON objects and nothing else, path segments decoded one by one."""

import json
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

import orjson
from flask import Request, Response
from flask.json.provider import JSONProvider
from werkzeug.exceptions import ClientDisconnected
from werkzeug.routing import BaseConverter
from werkzeug.utils import cached_property

from reins.web.framing import path_as_sent
from reins.web.http.problem import RequestRefusedError

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

MAX_BODY_BYTES = 512 * 1024
_LISTS = ("/api/sessions",)
"""The addresses that also take many objects at once."""
_MAX_DEPTH = 64
"""Lists and objects within each other; what is encoded again further on takes fewer than 254."""
_DOTS = re.compile(r"(?:\.|%(?:25)*2e){1,2}", re.IGNORECASE)


class StrictRequest(Request):
    """A request whose body, where one is asked for, is an object in JSON, or a list of them."""

    @property
    def _takes_list(self) -> bool:
        return self.path in _LISTS

    @cached_property
    def body(self) -> dict[str, Any] | list[Any]:
        """Raises: RequestRefusedError."""
        if self.mimetype != "application/json":
            given = repr(self.mimetype) if self.mimetype else "none"
            raise RequestRefusedError(
                415, f"the content type is {given}; send the body as application/json"
            )
        try:
            found = orjson.loads(self._sent())
        except orjson.JSONDecodeError as error:
            raise RequestRefusedError(
                400, f"the body is not JSON: {error}; send one object"
            ) from None
        if not isinstance(found, dict) and not (isinstance(found, list) and self._takes_list):
            also = " or a list of them" if self._takes_list else ""
            raise RequestRefusedError(
                422, f"the body is a {type(found).__name__}; expected an object{also}"
            )
        if not _shallow(found):
            raise RequestRefusedError(
                422, f"the body is nested deeper than {_MAX_DEPTH}; send it flatter"
            )
        return found

    def _sent(self) -> bytes:
        try:
            data = self.get_data()
        except (OSError, ClientDisconnected):  # chunks that are none, or an early end
            raise RequestRefusedError(
                400, "the body cannot be read to its end; send it anew"
            ) from None
        # A body without a length is cut off at the limit, and not refused.
        if len(data) > MAX_BODY_BYTES:
            raise RequestRefusedError(
                413, f"the body is too large; {MAX_BODY_BYTES} bytes are taken"
            )
        return data

    def get_json(self, *_args: object, **_kwargs: object) -> Any:
        """The body, checked already; Flask's flags change nothing of that."""
        return self.body


def _shallow(value: object) -> bool:
    level = [value]
    for _ in range(_MAX_DEPTH + 1):
        if not level:
            return True
        level = [
            inner
            for each in level
            if isinstance(each, dict | list)
            for inner in (each.values() if isinstance(each, dict) else each)
        ]
    return False


def encoded(value: Any) -> bytes:
    """The value as JSON; quickly, unless it is nested deeper than orjson goes."""
    try:
        return orjson.dumps(value)
    except TypeError:
        return json.dumps(value, allow_nan=False).encode()


class Json(JSONProvider):
    """JSON by orjson: quick, UTF-8, and no NaN in it."""

    def dumps(self, obj: Any, **kwargs: Any) -> str:
        del kwargs
        return encoded(obj).decode()

    def loads(self, s: str | bytes, **kwargs: Any) -> Any:
        del kwargs
        return orjson.loads(s)

    def response(self, *args: Any, **kwargs: Any) -> Response:
        body = encoded(self._prepare_response_obj(args, kwargs))
        return Response(body, mimetype="application/json")


class Segment(BaseConverter):
    """One segment of a path as it was sent, decoded here: an id may hold an encoded slash.

    An id of dots alone is encoded twice: browsers take `..` for another path, and `%2E%2E` too.
    New ids are none, old ones may be.
    """

    def to_python(self, value: str) -> str:
        # What is not UTF-8 becomes surrogates, which no id may have.
        text = unquote(value, errors="surrogateescape")
        return unquote(text) if _DOTS.fullmatch(text) else text

    def to_url(self, value: str) -> str:
        text = quote(value, safe="")
        return quote(text.replace(".", "%2E"), safe="") if _DOTS.fullmatch(value) else text


class FilePath(BaseConverter):
    """The rest of a path, as the path of a file; its slashes may be encoded, or not."""

    regex = r".+"
    part_isolating = False

    def to_python(self, value: str) -> str:
        return unquote(value, errors="surrogateescape")

    def to_url(self, value: str) -> str:
        return quote(value)


class EncodedPaths:
    """WSGI middleware: routes see the path as it was sent, so that %2F is no slash."""

    def __init__(self, app: "WSGIApplication") -> None:
        self._app = app

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        return self._app({**environ, "PATH_INFO": path_as_sent(environ)}, start_response)
