"""The conversations that somebody in a worker has to do with."""

from collections import deque
from collections.abc import Callable
from weakref import WeakValueDictionary

from agent_core.conversations.conversation import Conversation
from agent_core.conversations.ids import ConversationIds
from agent_core.conversations.message import ConversationUnknownError
from agent_core.conversations.rules import Pace
from store.store import Store
from store.topics import is_topic

_KEPT = 64  # conversations in which only people speak: not read anew for each message


class Conversations:
    """The conversations that somebody in this worker has to do with, by `conversation_id`."""

    def __init__(self, store: Store, pace: Pace = "free") -> None:
        self.pace: Pace = pace
        self._store = store
        self._live: WeakValueDictionary[str, Conversation] = WeakValueDictionary()
        self._newest: deque[Conversation] = deque(maxlen=_KEPT)
        self._composing: dict[str, str] = {}
        self._listeners: list[Callable[[str], object]] = []
        self.ids = ConversationIds(store)

    def get(self, conversation_id: str) -> Conversation:
        """The conversation, whether it is on record or not: see `load`.

        Raises: ConversationUnknownError for a topic's: who publishes there numbers its messages.
        """
        if is_topic(conversation_id):
            raise ConversationUnknownError(
                f"{conversation_id} is a topic, not a conversation; publish to it, or subscribe"
            )
        conversation_id = self.ids.stored(conversation_id)
        conversation = self._live.get(conversation_id)
        if conversation is None:
            conversation = Conversation(
                conversation_id, self._store, self._composer_changed, self.pace
            )
            self._live[conversation_id] = conversation
            self._newest.append(conversation)
        return conversation

    def composing(self, conversation_id: str) -> str | None:
        """The session that composes there at the moment; from any thread."""
        return self._composing.get(conversation_id)

    def writes(self, conversation_id: str) -> None:
        """A person writes there; on the loop. No matter where nobody listens."""
        conversation = self._live.get(self.ids.stored(conversation_id))
        if conversation is not None:
            conversation.floor.turns.hold()

    def listen(self, changed: Callable[[str], object]) -> Callable[[], None]:
        """Call `changed`, on the loop, when who composes has changed; returns what ends that."""
        self._listeners.append(changed)
        return lambda: self._listeners.remove(changed)

    def _composer_changed(self, conversation: Conversation) -> None:
        if conversation.floor.composer is None:
            self._composing.pop(conversation.conversation_id, None)
        else:
            self._composing[conversation.conversation_id] = conversation.floor.composer.member_id
        for changed in list(self._listeners):
            changed(conversation.conversation_id)
