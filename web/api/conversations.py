"""Conversations: who may speak, and what was said."""

from typing import Annotated, Any

from flask import Response
from pydantic import Field

import queue_imp
from store import conversations, messages, queue_reading
from web.api.accepting import ACCEPTED, accepted
from web.api.describing import group
from web.api.inputs import ActorBody, ConversationPath, Digits, Id, Input, Number, Words
from web.api.keys import KeyHeader
from web.api.paging import cursor_of, parts_of
from web.api.parts import Parts, parts
from web.problem import Refused, refusals, unknown
from web.wire import Message, Row, Wire, iso, message_row

api = group("conversations", "conversations")


class ConversationsQuery(Input):
    limit: Annotated[int, Field(ge=1, le=1_000), Digits] = 100
    cursor: Words = ""


class CreateConversationBody(ActorBody):
    conversation_id: Id
    title: str | None = None


class MessagesQuery(Input):
    after: Number = 0
    limit: Annotated[int, Field(ge=1, le=1_000), Digits] = 100


class PostMessageBody(Input):
    author: Annotated[Id, Field(description="who speaks")]
    text: Annotated[str, Field(min_length=1, pattern=r"\S")]


class Conversation(Wire):
    """A conversation, with the number of its messages and the time of the newest."""

    conversation_id: str
    title: str | None
    created_by: str
    created_at: str
    messages: int
    last_message_at: str | None


class ConversationList(Wire):
    """A page of conversations, by id."""

    items: list[Conversation]
    next_cursor: str | None


class MessageList(Wire):
    """Messages, oldest first; `next_cursor` is the `after` of the next page."""

    items: list[Message]
    next_cursor: str | None


@api.get("/api/conversations", responses={200: ConversationList})
def list_conversations(query: ConversationsQuery) -> dict[str, Any]:
    """Conversations, by id."""
    store = parts().bridge.store
    [after] = parts_of(query.cursor, str) if query.cursor else [""]
    rows = conversations.list_conversations(after, query.limit + 1, store=store)
    newest = messages.newest_messages(store=store)
    shown = rows[: query.limit]
    more = len(rows) > query.limit
    return {
        "items": [_shown(row, newest.get(row["conversation_id"])) for row in shown],
        "next_cursor": cursor_of(shown[-1]["conversation_id"]) if more else None,
    }


@api.post("/api/conversations", responses={**ACCEPTED, **refusals(400, 409, 413, 415)})
def create_conversation(header: KeyHeader, body: CreateConversationBody) -> Response:
    """A new conversation."""
    here = parts()

    def make() -> dict[str, Any]:
        if _is_there(here, body.conversation_id):
            raise Refused(409, f"conversation {body.conversation_id} exists; choose another id")
        return queue_imp.create_action(
            "conversation_create",
            body.actor,
            conversation_id=body.conversation_id,
            title=body.title,
        )

    return accepted(here, header, make)


@api.get(
    "/api/conversations/<segment:conversation_id>/messages",
    responses={200: MessageList, **refusals(404)},
)
def list_conversation_messages(path: ConversationPath, query: MessagesQuery) -> dict[str, Any]:
    """What was said after message number `after`."""
    store = parts().bridge.store
    rows = messages.list_messages(path.conversation_id, query.after, query.limit + 1, store=store)
    if not rows and conversations.get_conversation(path.conversation_id, store=store) is None:
        raise unknown("conversation", path.conversation_id)
    shown = rows[: query.limit]
    more = len(rows) > query.limit
    return {
        "items": [message_row(row) for row in shown],
        "next_cursor": str(shown[-1]["number"]) if more else None,
    }


@api.post(
    "/api/conversations/<segment:conversation_id>/messages",
    responses={**ACCEPTED, **refusals(400, 404, 413, 415)},
)
def post_message(path: ConversationPath, header: KeyHeader, body: PostMessageBody) -> Response:
    """A person speaks; applied exactly once, in order."""
    here = parts()

    def make() -> dict[str, Any]:
        if not _is_there(here, path.conversation_id):
            raise unknown("conversation", path.conversation_id, "create it first")
        return queue_imp.create_action(
            "post_message", body.author, conversation_id=path.conversation_id, text=body.text
        )

    return accepted(here, header, make)


def _is_there(here: Parts, conversation_id: str) -> bool:
    """Whether it is on record, or its creation is in the queue."""
    store = here.bridge.store
    # The queue first: what is taken out of it in between is on record by then.
    waiting = queue_reading.waiting(store, ["conversation_create"])
    named = [queue_reading.payload_of(row).get("conversation_id") for row in waiting]
    if conversation_id in named:
        return True
    return conversations.get_conversation(conversation_id, store=store) is not None


def _shown(row: Row, newest: Row | None) -> dict[str, Any]:
    return {
        "conversation_id": row["conversation_id"],
        "title": row["title"],
        "created_by": row["created_by"],
        "created_at": iso(row["created_at"]),
        "messages": 0 if newest is None else newest["number"],
        "last_message_at": None if newest is None else iso(newest["created_at"]),
    }
