"""The description of the API, as OpenAPI 3.1."""

from typing import Any

from flask_openapi3 import OpenAPI

TEXT = (
    "Reins runs many long-lived agents; this is how they are watched and steered. "
    "A request that steers answers 202 as soon as it is in the queue on disk; what became of it "
    "stands at the address in its Location header. Errors are application/problem+json. "
    "Lists are paged: hand next_cursor back as it is. Text in a path is percent-encoded as a "
    "whole, slashes too."
)


def operation_id(*, name: str, path: str, method: str) -> str:
    """Views are named after what they do, each once."""
    del path, method
    return name


def described(app: OpenAPI) -> dict[str, Any]:
    """The document. What the framework leaves unclear is put right here."""
    document: dict[str, Any] = app.api_doc
    document["components"].setdefault("schemas", {})
    return _plain(document)


def _plain(document: Any) -> Any:
    """The same without definitions inside schemas: they stand among the components."""
    if isinstance(document, dict):
        return {name: _plain(part) for name, part in document.items() if name != "$defs"}
    if isinstance(document, list):
        return [_plain(part) for part in document]
    return document


