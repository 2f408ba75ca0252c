"""The description of the API, as OpenAPI 3.1."""

from typing import Any

from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag
from flask_openapi3.openapi import OpenAPI

from reins.web.api.accepted import Accepted, AcceptedMany
from reins.web.http import problem
from reins.web.views.conversations import ConversationExport
from reins.web.views.reports import ReportLine, SessionReport
from reins.web.views.sql import SqlResult

TEXT = (
    "Reins runs many long-lived agents; this API watches and steers them. "
    "A request that steers answers 202 as soon as it is in the queue on disk; its outcome "
    "is at the address in the Location header. Errors are application/problem+json. "
    "Lists are paged: send next_cursor back unchanged. Text in a path is percent-encoded as a "
    "whole, slashes too."
)
_NAMED = (Accepted, AcceptedMany, ConversationExport, ReportLine, SessionReport, SqlResult)
"""Models of answers that the framework is told of by their names alone."""
_ANYWHERE = (401, 403, 421, 422, 500, 503)
"""Statuses that any operation may answer with: guard, wrong parameter, fault, overload."""


def operation_id(*, name: str, path: str, method: str) -> str:
    """Views are named after what they do, each once."""
    del path, method
    return name


def group(name: str, tag: str) -> APIBlueprint:
    """Operations that belong together."""
    return APIBlueprint(
        name,
        __name__,
        abp_tags=[Tag(name=tag)],
        abp_responses=problem.refusals(*_ANYWHERE),
        operation_id_callback=operation_id,
    )


def described(app: OpenAPI) -> dict[str, Any]:
    """The document. What the framework leaves unclear is put right here."""
    document: dict[str, Any] = _without(app.api_doc, "$defs")  # they stand among the components
    for model in _NAMED:
        schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
        document["components"]["schemas"][model.__name__] = _without(schema, "$defs")
    for operations in document["paths"].values():
        for operation in operations.values():
            for parameter in operation.get("parameters", ()):
                parameter["schema"] = _given(parameter["schema"])
    # Without a token set, none is asked for.
    return {**document, "security": [{}, {"token": []}]}


def _without(part: Any, left_out: str) -> Any:
    if isinstance(part, dict):
        return {name: _without(each, left_out) for name, each in part.items() if name != left_out}
    return [_without(each, left_out) for each in part] if isinstance(part, list) else part


def _given(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema of a parameter that is there: in a URL or a header nothing can be null."""
    kinds = [kind for kind in schema.get("anyOf", ()) if kind != {"type": "null"}]
    if len(kinds) != 1:
        return schema
    rest = {name: value for name, value in schema.items() if name not in ("anyOf", "default")}
    return {**rest, **kinds[0]}
