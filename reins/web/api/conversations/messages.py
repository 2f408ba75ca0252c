"""Messages of a conversation: pages from either end, and posting one."""

from typing import Annotated, Any

from flask import Response
from pydantic import Field

import queue_imp
from agent_core.actions.actors import Actor
from reins.names.looks import name_forms
from reins.web.api.accepted import IF_ROOM, accepted
from reins.web.api.context import ApiContext, api_context
from reins.web.api.conversations.read import api, open_one, recorded
from reins.web.api.paths import ConversationPath
from reins.web.http.fields import MAX_NUMBER, Digits, Input, Number
from reins.web.http.idempotency import KeyHeader
from reins.web.http.problem import refusals, unfit
from reins.web.views.conversations import within
from reins.web.views.rows import Message, Wire, message_row
from store import messages

_Limit = Annotated[int, Field(ge=1, le=1_000), Digits]


class MessagesQuery(Input):
    after: Annotated[Number | None, Field(description="from the message after this one on")] = None
    before: Annotated[
        Annotated[int, Field(ge=1, le=MAX_NUMBER), Digits] | None,
        Field(description="the newest of those before this one"),
    ] = None
    last: Annotated[_Limit | None, Field(description="as many of the newest")] = None
    limit: _Limit = 100


class PostMessageBody(Input):
    author: Annotated[Actor, Field(description="who speaks")]
    text: Annotated[str, Field(min_length=1, pattern=r"\S")]


class MessageList(Wire):
    """Messages, oldest first.

    `next_cursor` is the `after` of the next page; of a page that was asked for with `last` or
    `before`, the `before` of the page of older ones.
    """

    items: list[Message]
    next_cursor: str | None


@api.get(
    "/api/conversations/<segment:conversation_id>/messages",
    responses={200: MessageList, **refusals(404)},
)
def list_conversation_messages(path: ConversationPath, query: MessagesQuery) -> dict[str, Any]:
    """Messages: from the beginning, after or before a message, or the newest."""
    given = query.model_dump(include={"after", "before", "last"}, exclude_none=True)
    if len(given) > 1:
        name = list(given)[-1]
        raise unfit(f"query.{name}", "one of after, before and last is taken; give that alone")
    backwards = query.before is not None or query.last is not None
    page = _older(path.conversation_id, query) if backwards else _newer(path.conversation_id, query)
    if not page["items"]:
        recorded(api_context(), path.conversation_id)
    return page


@api.post(
    "/api/conversations/<segment:conversation_id>/messages",
    responses={**IF_ROOM, **refusals(400, 404, 409, 413, 415)},
)
def post_message(path: ConversationPath, header: KeyHeader, body: PostMessageBody) -> Response:
    """A person speaks; applied exactly once, in order."""
    context = api_context()

    def make() -> dict[str, Any]:
        open_one(context, path.conversation_id)
        _check_author(context, path.conversation_id, body.author)
        return queue_imp.create_action(
            "post_message", body.author, conversation_id=path.conversation_id, text=body.text
        )

    return accepted(context, header, make)


def _check_author(context: ApiContext, conversation_id: str, author: str) -> None:
    """Raises: RequestRefusedError, where a persona bears this name, as the worker would."""
    forms = name_forms(author)
    for each in context.current_participants().shown(conversation_id):
        if each["left_at"] is None and forms & name_forms(each["name"]):
            raise unfit(
                "body.author",
                f"{each['name']} is a persona of {conversation_id}; speak under your own name",
            )


def _newer(conversation_id: str, query: MessagesQuery) -> dict[str, Any]:
    rows = messages.list_messages(
        conversation_id, query.after or 0, query.limit + 1, store=api_context().bridge.store
    )
    shown = within(rows[: query.limit])
    more = len(shown) < len(rows)
    return {
        "items": [message_row(row) for row in shown],
        "next_cursor": str(shown[-1]["number"]) if more else None,
    }


def _older(conversation_id: str, query: MessagesQuery) -> dict[str, Any]:
    rows = messages.last_messages(
        conversation_id, query.last or query.limit, query.before, store=api_context().bridge.store
    )
    shown = within(reversed(rows))[::-1]
    more = bool(shown) and shown[0]["number"] > 1
    return {
        "items": [message_row(row) for row in shown],
        "next_cursor": str(shown[0]["number"]) if more else None,
    }
