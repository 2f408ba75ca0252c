"""A conversation to take away: as a document to read, or as data."""

from collections.abc import Iterator
from typing import Any, Literal

from flask import Response

from reins import redaction
from reins.web.api.context import api_context
from reins.web.api.conversations.markdown import inline, quote
from reins.web.api.conversations.read import api, recorded
from reins.web.api.paths import ConversationPath
from reins.web.http.download import disposition
from reins.web.http.fields import Input
from reins.web.http.problem import Answers, refusals
from reins.web.http.strict import encoded
from reins.web.views.conversations import ConversationExport, brief_message, conversation_row
from reins.web.views.rows import message_row
from store import messages
from store.reading import Reader

_PAGE = 500  # messages
_ENDINGS = {"markdown": ("md", "text/markdown"), "json": ("json", "application/json")}


class ExportQuery(Input):
    format: Literal["markdown", "json"] = "markdown"


_EXPORTED: Answers = {
    200: {
        "description": "OK",
        "content": {
            "text/markdown": {"schema": {"type": "string"}},
            "application/json": {
                "schema": {"$ref": f"#/components/schemas/{ConversationExport.__name__}"}
            },
        },
    }
}


@api.get(
    "/api/conversations/<segment:conversation_id>/export",
    responses={**_EXPORTED, **refusals(404)},
)
def export_conversation(path: ConversationPath, query: ExportQuery) -> Response:
    """The whole conversation as a file, Markdown or JSON."""
    context = api_context()
    row = recorded(context, path.conversation_id)
    current = context.current_participants()
    participants = current.shown(path.conversation_id)
    newest = messages.last_messages(path.conversation_id, 1, store=context.bridge.store)
    last = brief_message(newest[0] if newest else None)
    conversation = conversation_row(
        row, last, current.present(path.conversation_id), context.bridge.settings.pace
    )
    pages = _pages(context.bridge.store, path.conversation_id, conversation["messages"])
    write = _as_markdown if query.format == "markdown" else _as_json
    ending, mimetype = _ENDINGS[query.format]
    return Response(
        write(conversation, participants, pages),
        mimetype=mimetype,
        headers={"Content-Disposition": disposition("conversation", path.conversation_id, ending)},
    )


def _pages(store: Reader, conversation_id: str, last: int) -> Iterator[list[dict[str, Any]]]:
    """All messages up to that number, oldest first, a few at a time in memory."""
    for after in range(0, last, _PAGE):
        limit = min(_PAGE, last - after)
        rows = messages.list_messages(conversation_id, after, limit, store=store)
        yield [message_row(row) for row in rows]


def _as_json(
    conversation: dict[str, Any],
    participants: list[dict[str, Any]],
    pages: Iterator[list[dict[str, Any]]],
) -> Iterator[bytes]:
    yield b'{"conversation":%b,\n"participants":%b,\n"messages":[' % (
        encoded(conversation),
        encoded(participants),
    )
    parted_by = b"\n"
    for page in pages:
        for message in page:
            yield parted_by + redaction.redactor().json(encoded(message))
            parted_by = b",\n"
    yield b"\n]}\n"


def _as_markdown(
    conversation: dict[str, Any],
    participants: list[dict[str, Any]],
    pages: Iterator[list[dict[str, Any]]],
) -> Iterator[bytes]:
    title = inline(conversation["title"] or "") or inline(conversation["conversation_id"])
    lines = [
        f"# {title}",
        "",
        f"- conversation: {inline(conversation['conversation_id'])}",
        f"- created: {_time(conversation['created_at'])} by {inline(conversation['created_by'])}",
        f"- messages: {conversation['messages']}",
        "",
        "## Participants",
        "",
        *([_as_item(each) for each in participants] or ["No personas took part."]),
        "",
        "## Messages",
        "",
    ]
    yield "\n".join(lines).encode()
    for page in pages:
        for message in page:
            yield f"\n{_heading(message)}\n\n{quote(message['text'])}\n".encode()


def _as_item(participant: dict[str, Any]) -> str:
    tone = _tone(participant["state"] or participant["config"])
    left = "" if participant["left_at"] is None else f", left {_time(participant['left_at'])}"
    return (
        f"- {inline(participant['name'])} (persona{tone}), "
        f"joined {_time(participant['joined_at'])}{left}"
    )


def _heading(message: dict[str, Any]) -> str:
    kind = "person" if message["agent_id"] is None else "persona"
    demo = ", offline demonstration" if message["demonstration"] else ""
    return (
        f"### {message['number']} · {inline(message['author'])} "
        f"({kind}{_tone(message['metadata'])}{demo}) · {_time(message['created_at'])}"
    )


def _tone(known: dict[str, Any] | None) -> str:
    tone = (known or {}).get("tone")
    return f", {inline(tone)}" if isinstance(tone, str) and tone.strip() else ""


def _time(at: str) -> str:
    """To the second, in UTC."""
    return f"{at[:10]} {at[11:19]} UTC"
