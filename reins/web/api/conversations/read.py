"""Conversations: who takes part in them, and what was said last."""

from typing import Annotated, Any

from flask import Response
from pydantic import Field

import queue_imp
from agent_core.actions.ids import Id
from reins.web.api.accepted import IF_ROOM, accepted
from reins.web.api.context import ApiContext, api_context
from reins.web.api.paths import ConversationPath
from reins.web.http.fields import ActorBody, Digits, Input, Words
from reins.web.http.idempotency import KeyHeader
from reins.web.http.openapi import group
from reins.web.http.paging import cursor_of, parts_of
from reins.web.http.problem import RequestRefusedError, refusals, unknown
from reins.web.views.conversations import (
    Conversation,
    ConversationDetail,
    brief_message,
    conversation_row,
    without_person,
)
from reins.web.views.rows import Row, Wire
from store import conversations, messages
from store.queue import reading as queue_reading

api = group("conversations", "conversations")


class ConversationsQuery(Input):
    limit: Annotated[int, Field(ge=1, le=1_000), Digits] = 100
    cursor: Words = ""


class CreateConversationBody(ActorBody):
    conversation_id: Id
    title: str | None = None


class ConversationList(Wire):
    """A page of conversations, by id."""

    items: list[Conversation]
    next_cursor: str | None


@api.get("/api/conversations", responses={200: ConversationList})
def list_conversations(query: ConversationsQuery) -> dict[str, Any]:
    """Conversations, by id."""
    context = api_context()
    [after] = parts_of(query.cursor, str) if query.cursor else [""]
    store, participants = context.bridge.store, context.current_participants()
    rows = conversations.list_conversations(after, query.limit + 1, store=store)
    shown = {row["conversation_id"]: row for row in rows[: query.limit]}
    newest = messages.newest_messages(list(shown), store=store) if shown else {}
    more = len(rows) > query.limit
    return {
        "items": [
            conversation_row(
                row,
                brief_message(newest.get(each)),
                participants.present(each),
                context.bridge.settings.pace,
            )
            for each, row in shown.items()
        ],
        "next_cursor": cursor_of(list(shown)[-1]) if more else None,
    }


@api.post("/api/conversations", responses={**IF_ROOM, **refusals(400, 409, 413, 415)})
def create_conversation(header: KeyHeader, body: CreateConversationBody) -> Response:
    """A new conversation."""
    context = api_context()

    def make() -> dict[str, Any]:
        if is_there(context, body.conversation_id):
            raise RequestRefusedError(
                409, f"conversation {body.conversation_id} exists; choose another id"
            )
        return queue_imp.create_action(
            "conversation_create",
            body.actor,
            conversation_id=body.conversation_id,
            title=body.title,
        )

    return accepted(context, header, make)


@api.get(
    "/api/conversations/<segment:conversation_id>",
    responses={200: ConversationDetail, **refusals(404)},
)
def get_conversation(path: ConversationPath) -> dict[str, Any]:
    """One conversation with all who take part in it."""
    context = api_context()
    row = recorded(context, path.conversation_id)
    participants = context.current_participants().shown(path.conversation_id)
    store = context.bridge.store
    newest = messages.last_messages(path.conversation_id, 1, store=store)
    last = brief_message(newest[0] if newest else None)
    return {
        **conversation_row(row, last, participants, context.bridge.settings.pace),
        "without_person": without_person(row, last, store),
        "composing": context.bridge.composing(path.conversation_id),
    }


def recorded(context: ApiContext, conversation_id: str) -> Row:
    """The conversation's row. Raises: RequestRefusedError where there is none."""
    row = conversations.get_conversation(conversation_id, store=context.bridge.store)
    if row is None:
        raise unknown(
            "conversation",
            conversation_id,
            "check the id, or create it with POST /api/conversations",
        )
    return row


def open_one(context: ApiContext, conversation_id: str) -> None:
    """Check that it is there, or will be, and has not ended. Raises: RequestRefusedError."""
    if not is_there(context, conversation_id):
        raise unknown("conversation", conversation_id, "create it first")
    row = conversations.get_conversation(conversation_id, store=context.bridge.store)
    if row is not None and row.get("ended_by"):
        raise RequestRefusedError(
            409,
            f"conversation {conversation_id} was ended by {row['ended_by']}; its transcript "
            "stays, and nothing comes to it any more",
        )


def is_there(context: ApiContext, conversation_id: str) -> bool:
    """True if it is on record, or its creation is in the queue."""
    store = context.bridge.store
    # The queue first: what is taken out of it in between is on record by then.
    waiting = queue_reading.waiting(store, ["conversation_create"])
    named = [queue_reading.payload_of(row).get("conversation_id") for row in waiting]
    if conversation_id in named:
        return True
    return conversations.get_conversation(conversation_id, store=store) is not None
