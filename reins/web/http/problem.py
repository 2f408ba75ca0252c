"""Refusals as the API gives them: `application/problem+json`, with what to do about it."""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

import orjson
import structlog
from flask import Flask, Response, request
from pydantic import BaseModel, ConfigDict, ValidationError
from werkzeug.exceptions import HTTPException

from agent_core.actions.ids import ActionError
from reins.web.plain_page import nothing_here
from reins.web.proxies import way_to_start
from reins.web.views.rows import Wire
from store.errors import QueueFullError, StoreError

_logger = structlog.get_logger(__name__)

Answers = dict[str | int, type[BaseModel] | dict[Any, Any] | None]
MEDIA_TYPE = "application/problem+json"
_RETRY_S = 2
_SHOWN = 20
"""Problems listed at the most."""


class Flaw(Wire):
    """One thing that is wrong with a request: where, and what."""

    where: str
    what: str


class Problem(BaseModel):
    """The reason of a refusal (RFC 9457); `detail` says what was given, expected, and to do."""

    model_config = ConfigDict(extra="forbid")

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    problems: list[Flaw] = []


class RequestRefusedError(HTTPException):
    """The request is refused; nothing was enqueued for it."""

    code: int

    def __init__(
        self,
        status: int,
        detail: str,
        problems: Sequence[Mapping[str, str]] = (),
        *,
        retry_after_s: int | None = None,
    ) -> None:
        super().__init__(detail)
        self.code = status
        self.detail = detail
        self.problems = problems
        self.retry_after_s = retry_after_s


def unfit(where: str, what: str) -> RequestRefusedError:
    """A 422 about one part of the request, such as `body.guidance`."""
    return RequestRefusedError(422, f"{where}: {what}", [{"where": where, "what": what}])


def unknown(what: str, given: str, to_do: str = "check the id") -> RequestRefusedError:
    return RequestRefusedError(404, f"there is no {what} {given!r}; {to_do}")


def refusals(*statuses: int) -> Answers:
    """Those statuses as the answers of an operation, for its description."""
    schema = {"$ref": f"#/components/schemas/{Problem.__name__}"}
    return {
        status: {"description": _title(status), "content": {MEDIA_TYPE: {"schema": schema}}}
        for status in statuses
    }


def answer(
    status: int,
    detail: str,
    problems: Sequence[Mapping[str, str]] = (),
    headers: Mapping[str, str] | None = None,
) -> Response:
    """A problem as an answer."""
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": _title(status),
        "status": status,
        "detail": detail.encode("utf-8", "replace").decode(),
    }
    if problems:
        body["problems"] = list(problems)
    return Response(orjson.dumps(body), status, headers, content_type=MEDIA_TYPE)


def of_validation(error: ValidationError) -> Response:
    """Pydantic's findings in a body, a query string, a path or a header."""
    # The models are named after where they stand: CreateSessionBody, StepsQuery.
    place = re.findall(r"[A-Z][a-z]+", error.title)[-1].lower()
    found = error.errors(include_url=False, include_context=False)
    flaws = [flaw(place, each) for each in found[:_SHOWN]]
    message = "; ".join(f"{flaw['where']}: {flaw['what']}" for flaw in flaws[:5])
    return answer(422, f"{message}. See /api/openapi.json for what is expected.", flaws)


def register(app: Flask) -> None:
    """Answer every error of the application as a problem."""
    app.register_error_handler(HTTPException, _of_http)
    app.register_error_handler(ActionError, _of_action)
    app.register_error_handler(QueueFullError, _of_full_queue)
    app.register_error_handler(StoreError, _of_store)
    app.register_error_handler(Exception, _of_fault)


def flaw(place: str, error: Mapping[str, Any]) -> dict[str, str]:
    """One finding of Pydantic, without the given value in full."""
    where = ".".join([place, *(str(part) for part in error["loc"])])
    what = str(error["msg"]).removeprefix("Value error, ")
    if error["type"] not in ("missing", "value_error", "extra_forbidden"):
        what = f"{what}; {_brief(error['input'])} was given"
    return {"where": _printable(where), "what": _printable(what)}


def _brief(value: object) -> str:
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    return f"{value!r:.60}"


def _printable(text: str) -> str:
    return text.encode("utf-8", "replace").decode()[:500]


def _of_http(error: HTTPException) -> Response:
    status = error.code or 500
    if isinstance(error, RequestRefusedError):
        headers = {} if error.retry_after_s is None else {"Retry-After": str(error.retry_after_s)}
        return answer(status, error.detail, error.problems, headers)
    if status == HTTPStatus.NOT_FOUND and _is_person():
        page = nothing_here(request.path, way_to_start(request.environ))
        return Response(page.get_data(), status, page.headers)
    return answer(status, _said(status, error), headers=_kept(error.get_headers()))


def _is_person() -> bool:
    """True if a page is wanted rather than what a program reads."""
    wanted = request.accept_mimetypes
    return wanted.quality("text/html") > wanted.quality(MEDIA_TYPE)


def _of_action(error: ActionError) -> Response:
    return answer(422, str(error), [{"where": "body", "what": str(error)}])


def _of_store(error: StoreError) -> Response:
    _logger.error("a request could not be served", path=request.path, error=str(error)[:300])
    return answer(503, str(error), headers={"Retry-After": str(_RETRY_S)})


def _of_full_queue(error: QueueFullError) -> Response:
    # Whole seconds, and never "at once" (RFC 9110, 10.2.3).
    after_s = max(1, math.ceil(error.retry_after_s))
    return answer(429, str(error), headers={"Retry-After": str(after_s)})


def _of_fault(error: Exception) -> Response:
    _logger.error("a request failed", method=request.method, path=request.path, exc_info=error)
    return answer(
        500,
        "Reins failed; the request is not at fault. The traceback is in the log. "
        "An action may have been enqueued all the same: look at /api/actions.",
    )


def _said(status: int, error: HTTPException) -> str:
    at = f"{request.path!a:.200}"
    match status:
        case 404:
            return f"{at} does not exist; see /api/openapi.json for the addresses of the API"
        case 405:
            allowed = ", ".join(sorted(getattr(error, "valid_methods", None) or ()))
            return f"{at} does not take {request.method}; it takes {allowed}"
        case 413:
            return f"the body is too large; {request.max_content_length} bytes are taken"
        case _:
            return str(error.description)


def _kept(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    names = ("allow", "retry-after", "location")
    return {name: value for name, value in headers if name.lower() in names}


def _title(status: int) -> str:
    # Python's own names of these change with its version.
    names = {413: "Content Too Large", 422: "Unprocessable Content"}
    return names.get(status) or HTTPStatus(status).phrase
