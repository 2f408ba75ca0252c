"""The tools that speak in conversations."""

from typing import Any

from pydantic import Field

from agent_core.actions.action import create_action
from reins.mcp_server.acting import SENT, Acting, sent
from reins.mcp_server.errors import RefusedError
from reins.mcp_server.tool import Call, Name, ServedTool
from store import conversations
from store.queue import reading as queue_reading


class CreateConversation(Acting):
    conversation_id: Name
    title: str = ""


class PostMessage(Acting):
    conversation_id: Name
    text: str = Field(min_length=1, pattern=r"\S")


def _create_conversation(call: Call) -> dict[str, Any]:
    given: CreateConversation = call.arguments

    def make() -> dict[str, Any]:
        return create_action(
            "conversation_create",
            call.desk.actor,
            conversation_id=given.conversation_id,
            title=given.title or None,
        )

    return sent(call, make)


def _post_message(call: Call) -> dict[str, Any]:
    given: PostMessage = call.arguments

    def make() -> dict[str, Any]:
        known = conversations.as_stored(given.conversation_id, store=call.desk.store)
        if conversations.get_conversation(known, store=call.desk.store) is None and not _opening(
            call, known
        ):
            raise RefusedError(
                f"there is no conversation {known!r}; make it with create_conversation"
            )
        return create_action(
            "post_message", call.desk.actor, conversation_id=known, text=given.text
        )

    return sent(call, make)


def _opening(call: Call, conversation_id: str) -> bool:
    """True if its creation is in the queue: it is there when the message is taken up."""
    waiting = queue_reading.waiting(call.desk.store, ["conversation_create"])
    return conversation_id in [
        queue_reading.payload_of(row).get("conversation_id") for row in waiting
    ]


SPEAKING = (
    ServedTool(
        "create_conversation",
        "Create a conversation",
        f"Create a conversation, in which personas and people can speak. {SENT}",
        CreateConversation,
        _create_conversation,
    ),
    ServedTool(
        "post_message",
        "Post a message",
        "Say something in a conversation; its personas may answer. "
        f"The author is the actor of this server. {SENT}",
        PostMessage,
        _post_message,
        reaches_out=True,
    ),
)
