"""Sessions, logs and conversations as resources: addresses that an assistant can read."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import quote, unquote

import orjson

from reins.mcp_server import showing
from reins.mcp_server.desk import Desk
from reins.mcp_server.errors import INVALID_PARAMS, NOT_FOUND, ProtocolError, RefusedError
from store import agent_state, agent_steps, conversations, messages

_PAGE = 200
_ROWS = 100
_TEXT = "text/plain"
_JSON = "application/json"


class _Kind(NamedTuple):
    """A kind of resource: its address, and what a template says of it."""

    prefix: str
    suffix: str
    name: str
    description: str
    mime_type: str

    def uri(self, each_id: str) -> str:
        return f"{self.prefix}{quote(each_id, safe='')}{self.suffix}"


_SESSION = _Kind("reins://sessions/", "", "session", "One session as it is now.", _JSON)
_LOG = _Kind(
    "reins://sessions/", "/log", "log", f"The newest {_ROWS} rows of a session's log.", _TEXT
)
_TRANSCRIPT = _Kind(
    "reins://conversations/", "", "transcript",
    f"The newest {_ROWS} messages of a conversation.", _TEXT,
)  # fmt: skip
_KINDS = (_LOG, _SESSION, _TRANSCRIPT)


def templates() -> list[dict[str, Any]]:
    """The templates of all addresses."""
    return [
        {
            "uriTemplate": f"{kind.prefix}{{id}}{kind.suffix}",
            "name": kind.name,
            "description": kind.description,
            "mimeType": kind.mime_type,
        }
        for kind in (_SESSION, _LOG, _TRANSCRIPT)
    ]


def page(desk: Desk, cursor: str | None) -> dict[str, Any]:
    """Sessions and transcripts that there are, from a cursor on. Raises: ProtocolError."""
    after = _place(cursor)
    found = sorted(
        (place, entry) for entry in _entries(desk) if (place := entry["uri"]) > after
    )  # fmt: skip
    result: dict[str, Any] = {"resources": [entry for _, entry in found[:_PAGE]]}
    if len(found) > _PAGE:
        result["nextCursor"] = found[_PAGE - 1][0]
    return result


def read(desk: Desk, uri: str) -> dict[str, Any]:
    """The contents of one resource. Raises: ProtocolError."""
    for kind in _KINDS:
        if uri.startswith(kind.prefix) and uri.endswith(kind.suffix):
            given = uri.removeprefix(kind.prefix).removesuffix(kind.suffix)
            if given and "/" not in given:
                text = _text(desk, kind, unquote(given), uri)
                return {"contents": [{"uri": uri, "mimeType": kind.mime_type, "text": text}]}
    raise _unknown(uri)


def _entries(desk: Desk) -> Iterator[dict[str, Any]]:
    for row in agent_state.each_agent_state(store=desk.store):
        session_id = row["session_id"]
        about = f"{row['agent_type']}, {row['status']}, {row['iteration']} ticks"
        yield _entry(_SESSION, session_id, about)
        yield _entry(_LOG, session_id, f"the log of session {session_id}")
    for row in conversations.list_conversations(store=desk.store):
        yield _entry(_TRANSCRIPT, row["conversation_id"], row["title"] or "a conversation")


def _entry(kind: _Kind, each_id: str, about: str) -> dict[str, Any]:
    return {
        "uri": kind.uri(each_id),
        "name": f"{kind.name} {each_id}",
        "description": showing.cut(about, 200),
        "mimeType": kind.mime_type,
    }


def _place(cursor: str | None) -> str:
    if cursor and not cursor.startswith("reins://"):
        raise ProtocolError(
            INVALID_PARAMS, f"cursor is {cursor[:80]!r}; send the nextCursor of the page before"
        )
    return cursor or ""


def _text(desk: Desk, kind: _Kind, each_id: str, uri: str) -> str:
    if kind is _TRANSCRIPT:
        return _transcript(desk, each_id, uri)
    try:
        state = desk.session(each_id)
    except RefusedError:
        raise _unknown(uri) from None
    if kind is _SESSION:
        return json.dumps(showing.session_detail(state), ensure_ascii=False, indent=2)
    last = orjson.loads(state["history"] or "{}").get("seq", 0)
    rows = agent_steps.list_steps(state["session_id"], max(0, last - _ROWS), store=desk.store)
    return "\n".join(map(_log_text, rows))


def _transcript(desk: Desk, conversation_id: str, uri: str) -> str:
    conversation_id = conversations.as_stored(conversation_id, store=desk.store)
    if conversations.get_conversation(conversation_id, store=desk.store) is None:
        raise _unknown(uri)
    rows = messages.last_messages(conversation_id, _ROWS, store=desk.store)
    return "\n\n".join(map(_message_text, rows))


def _message_text(row: Mapping[str, Any]) -> str:
    line = showing.message_line(row)
    demo = " (offline demonstration)" if "demonstration" in line else ""
    return f"#{row['number']} {row['author']}{demo}: {row['text']}"


def _log_text(row: Mapping[str, Any]) -> str:
    line = showing.log_line(row)
    error = f" ({line['error']})" if "error" in line else ""
    return f"#{line['seq']} {line['at']} {line['kind']}: {line.get('text', '')}{error}"


def _unknown(uri: str) -> ProtocolError:
    known = ", ".join(template["uriTemplate"] for template in templates())
    return ProtocolError(
        NOT_FOUND,
        f"there is no resource {uri[:200]!r}; resources/list names those that there are, "
        f"of the forms {known}",
        {"uri": uri},
    )
