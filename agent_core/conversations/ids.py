"""The ids of conversations: which are taken, and how one is kept that was typed in another form."""

import asyncio

from reins.names.known_ids import KnownIds
from store import conversations
from store.store import Store


class ConversationIds:
    """Reads the ids that there are when it is first asked what looks like a new one."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: KnownIds | None = None

    def stored(self, conversation_id: str) -> str:
        """The id as it is on record; in normal form C where it is not."""
        if conversation_id.isascii():
            return conversation_id
        return conversations.as_stored(conversation_id, store=self._store.reader)

    async def look_alike(self, new: str) -> str | None:
        """Another conversation whose id looks the same; None: none, and this one is known now."""
        if self._known is None:
            found = await asyncio.to_thread(conversations.list_ids, store=self._store.reader)
            self._known = self._known or KnownIds(found)
        alike = self._known.look_alike(new)
        if alike is None:
            self._known.add(new)
        return alike
