"""The ids of conversations: which are taken, and how one is kept that was typed in another form."""

from reins.names.known_ids import KnownIds
from reins.threads import READS
from store import conversations
from store.store import Store


class ConversationIds:
    """The ids that there are: read at a worker's start, or else when they are first asked for."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: KnownIds | None = None

    def stored(self, conversation_id: str) -> str:
        """The id as it is on record; in normal form C where it is not."""
        if conversation_id.isascii():
            return conversation_id
        return conversations.as_stored(conversation_id, store=self._store.reader)

    async def load(self) -> None:
        """Read them in a thread, so that nobody waits for it later."""
        await READS.call(self._loaded)

    def look_alike(self, new: str) -> str | None:
        """Another conversation whose id looks the same; None: none, and this one is known now.

        At once: whoever needs the conversation must find it locked, or on record.
        """
        known = self._loaded()
        alike = known.look_alike(new)
        if alike is None:
            known.add(new)
        return alike

    def _loaded(self) -> KnownIds:
        if self._known is None:
            self._known = KnownIds(conversations.list_ids(store=self._store.reader))
        return self._known
