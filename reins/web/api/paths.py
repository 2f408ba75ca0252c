"""The ids in addresses: as they are on record, in whichever form of Unicode they were typed."""

from typing import Annotated

from pydantic import AfterValidator

from agent_core.actions.ids import KnownId
from reins.web.api.context import api_context
from reins.web.http.fields import Input
from store import conversations
from store.id_forms import stored_id


def stored_session(session_id: str) -> str:
    return stored_id(session_id, lambda each: api_context().current().get(each))


def _stored_conversation(conversation_id: str) -> str:
    return conversations.as_stored(conversation_id, store=api_context().bridge.store)


class SessionPath(Input):
    session_id: Annotated[KnownId, AfterValidator(stored_session)]


class ConversationPath(Input):
    conversation_id: Annotated[KnownId, AfterValidator(_stored_conversation)]
