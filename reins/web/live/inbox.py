"""Changes of the inbox on their way to its room: the items, and how many wait."""

from collections.abc import Sequence

from reins.web.live.rooms import Rooms, batches
from reins.web.views.inbox import item_row
from reins.web.views.rows import Row
from store import inbox
from store.reading import Reader

INBOX = "inbox"
_AT_ONCE = 10
"""Items in one event: each has a preview of some thousand characters."""


class InboxFeed:
    """Sends to the room of the inbox what changes, in the feed's thread.

    Nothing is read or made while the room is empty.
    """

    def __init__(self, store: Reader, rooms: Rooms) -> None:
        self._store = store
        self._rooms = rooms

    def tell(self, rows: Sequence[Row]) -> None:
        """Rows of the inbox, oldest first: the newest of each item goes out."""
        if not rows or not self._rooms.occupied(INBOX):
            return
        newest = {row["item_id"]: row for row in rows}
        waiting = inbox.count_open(store=self._store)
        for batch in batches([item_row(row) for row in newest.values()], _AT_ONCE):
            event = {"changed": batch, "open": waiting}
            self._rooms.emit("inbox", event, INBOX)
