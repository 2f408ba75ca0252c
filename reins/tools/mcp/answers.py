"""Answers of MCP servers as text for a model; their questions to people, and back."""

import json
from collections.abc import Mapping
from typing import Any

from mcp_types import (
    AudioContent,
    BlobResourceContents,
    CallToolResult,
    ElicitRequest,
    ElicitRequestFormParams,
    ElicitResult,
    EmbeddedResource,
    ImageContent,
    InputRequiredResult,
    ResourceLink,
    TextContent,
)

from reins.tools.asking import Answered, Asks
from reins.tools.outcome import ToolError, as_text

STATE_BYTES = 16 * 1024
"""Of what a server wants to have back; it is kept in the session's snapshot."""
_QUESTION_CHARS = 1_500
_TRUE = frozenset(("true", "yes", "y", "1", "ok"))
_FALSE = frozenset(("false", "no", "n", "0"))


def shown(result: CallToolResult) -> str:
    """The result as text; what is none is named."""
    parts = [_block(each) for each in result.content]
    if not any(parts) and result.structured_content is not None:
        return as_text(result.structured_content)
    return "\n".join(filter(None, parts)) or "done"


def _block(block: object) -> str:
    match block:
        case TextContent():
            return block.text
        case ImageContent() | AudioContent():
            size = len(block.data) * 3 // 4
            return f"[{block.type} of {block.mime_type}, {size:,} bytes, not shown]"
        case ResourceLink():
            return f"[resource {block.name}: {block.uri}]"
        case EmbeddedResource(resource=BlobResourceContents() as found):
            return f"[resource {found.uri}, {len(found.blob) * 3 // 4:,} bytes, not shown]"
        case EmbeddedResource():
            return f"[resource {block.resource.uri}]\n{getattr(block.resource, 'text', '')}"
    return f"[{type(block).__name__}, not shown]"


def asked(server: str, result: InputRequiredResult) -> Asks | None:
    """The question to a person; None where the server only wants to be called again.

    Raises: ToolError where it wants what nobody here gives.
    """
    requests = result.input_requests or {}
    forms: dict[str, Any] = {}
    words: list[str] = []
    for key, each in requests.items():
        if not isinstance(each, ElicitRequest):
            raise ToolError(f"the server asks for {each.method}, which it is not given")
        params = each.params
        schema = params.requested_schema if isinstance(params, ElicitRequestFormParams) else None
        forms[key] = schema
        words.append(_question(params.message, schema, getattr(params, "url", "")))
    if not forms:
        return None
    state = {"request_state": result.request_state, "forms": forms}
    if len(json.dumps(state)) > STATE_BYTES:
        raise ToolError(f"the server asks a person, and wants more than {STATE_BYTES:,} bytes kept")
    question = f"MCP server {server} asks: {'; '.join(words)}"
    if len(forms) > 1:
        question += f" Answer as JSON with an object for each of: {', '.join(forms)}."
    return Asks(question[:_QUESTION_CHARS], state)


def _question(message: str, schema: Mapping[str, Any] | None, url: str) -> str:
    message = message[: _QUESTION_CHARS // 2]
    if schema is None:
        return f"{message} (at {url} — it is not opened here; answer yes once you have been there)"
    fields = [_field(name, each, schema) for name, each in _properties(schema).items()]
    if not fields:
        return f"{message} (yes or no)"
    if len(fields) == 1:
        return f"{message} ({fields[0]})"
    return f"{message} (answer as JSON: {{{', '.join(fields)}}})"


def _field(name: str, schema: Mapping[str, Any], form: Mapping[str, Any]) -> str:
    kinds = schema.get("enum") or [schema.get("type", "string")]
    optional = "" if name in form.get("required", []) else "?"
    return f"{name}{optional}: {' | '.join(map(str, kinds))}"


def _properties(schema: Mapping[str, Any]) -> dict[str, Any]:
    found = schema.get("properties")
    return {
        name: each if isinstance(each, dict) else {}
        for name, each in (found if isinstance(found, dict) else {}).items()
    }


def answered_as(answered: Answered) -> dict[str, ElicitResult]:
    """The person's answer as the server takes it. Raises: ToolError where it does not fit."""
    forms: dict[str, Any] = answered.state["forms"]
    whole = _object(answered.text) if len(forms) > 1 else None
    made: dict[str, ElicitResult] = {}
    for key, schema in forms.items():
        text = answered.text if whole is None else as_text(whole.get(key, {}))
        made[key] = _filled(schema, text)
    return made


def _filled(schema: Mapping[str, Any] | None, text: str) -> ElicitResult:
    properties = _properties(schema or {})
    if not properties:
        if text.strip().casefold().rstrip(".!") in _FALSE:
            return ElicitResult(action="decline")
        return ElicitResult(action="accept", content=None if schema is None else {})
    if len(properties) == 1 and not text.lstrip().startswith("{"):
        [(name, each)] = properties.items()
        return ElicitResult(action="accept", content={name: _value(name, each, text.strip())})
    return ElicitResult(action="accept", content=_object(text))


def _value(name: str, schema: Mapping[str, Any], text: str) -> str | int | float | bool:
    kind = schema.get("type", "string")
    try:
        if kind == "integer":
            return int(text)
        if kind == "number":
            return float(text)
    except ValueError:
        raise ToolError(f"the person's answer {text[:80]!r} is no {kind} for {name}") from None
    if kind == "boolean":
        word = text.casefold().rstrip(".!")
        if word not in _TRUE | _FALSE:
            raise ToolError(f"the person's answer {text[:80]!r} is neither yes nor no for {name}")
        return word in _TRUE
    return text


def _object(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise ToolError(f"the person's answer {text[:80]!r} is no JSON object, as was asked for")
    return found
