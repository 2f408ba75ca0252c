"""An answer of the outermost layers' own, as RFC 9457 has it."""

import json
from http import HTTPStatus
from typing import Any

from werkzeug.datastructures import Headers
from werkzeug.wrappers import Response

from reins import redaction


def refusal(
    status: int, title: str, detail: str, headers: dict[str, str] | None = None
) -> Response:
    """A problem that says what was given, what was expected and what to do."""
    problem: dict[str, Any] = {
        "type": "about:blank",
        "title": title,
        "status": status,
        "detail": detail,
    }
    return Response(
        redaction.redactor().json(json.dumps(problem).encode()),
        status=f"{status} {HTTPStatus(status).phrase}",
        headers=Headers({"Cache-Control": "no-store", **(headers or {})}),
        content_type="application/problem+json",
    )
