"""The follower: keeps the views in memory up to date with the journal.

A request catches the views up and sends nothing. The rows that were found are kept for the feed,
whose thread alone sends them to rooms and streams.
"""

import threading
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from reins.web.views.participants import Changed, Participants
from reins.web.views.rows import Row
from reins.web.views.sessions import SessionIndex
from store import (
    agent_state,
    agent_steps,
    agents_config,
    conversations,
    inbox,
    messages,
    participants,
)
from store.following import Follower, Found
from store.reading import Reader

INTEREST_S = 30.0
"""Nothing is followed when nobody has asked for anything for this long."""
_MAX_KEPT_ROWS = 20_000
"""Rows that wait for the feed; beyond it drops them, and whoever listens is told to look."""
_TABLES = (
    agent_steps.TABLE,
    agent_state.TABLE,
    conversations.TABLE,
    participants.TABLE,
    messages.TABLE,
    agents_config.TABLE,
    inbox.TABLE,
)


@dataclass(frozen=True, slots=True)
class News:
    """Everything that the views took in since the feed last asked; each row is handed out once.

    `restarted`: rows before these may be missing, so that whoever listens has to look.
    """

    restarted: bool
    rows: Mapping[str, Sequence[Row]]
    """By table, oldest first."""
    sessions: Collection[str]
    """Those that changed in the session index."""
    participants: Changed

    def of(self, table: str) -> Sequence[Row]:
        return self.rows.get(table, ())


class _Kept:
    """The rows that wait for the feed, gathered."""

    def __init__(self, *, restarted: bool = False) -> None:
        self.restarted = restarted
        self.size = 0
        self.rows: dict[str, list[Row]] = {}
        self.sessions: set[str] = set()
        self.participants: Changed = {}

    def add(self, rows: Mapping[str, list[Row]], sessions: set[str], changed: Changed) -> None:
        for table, own in rows.items():
            self.rows.setdefault(table, []).extend(own)
            self.size += len(own)
        self.sessions |= sessions
        for conversation_id, own_sessions in changed.items():
            self.participants.setdefault(conversation_id, set()).update(own_sessions)

    def news(self) -> News:
        return News(self.restarted, self.rows, self.sessions, self.participants)


class ViewFollower:
    """Follows the journal for the session index and the participants, from any thread.

    One thread at a time follows; what it finds is kept in order until the feed takes it.
    """

    def __init__(self, *, store: Reader, index: SessionIndex, participants: Participants) -> None:
        self._index = index
        self._participants = participants
        self._journal = Follower(store, list(_TABLES))
        self._lock = threading.Lock()
        self._asked_at = -INTEREST_S
        self._following = False
        self._stopping = False
        self._replaced = 0
        self._kept = _Kept()
        self.on_found: Callable[[], object] = lambda: None
        """Called, without the lock, after a request has caught up."""
        self.on_steps: Callable[[Iterable[Row]], object] = lambda _: None
        """Called with the rows of the log as they are taken in, under the lock."""

    def catch_up(self) -> None:
        """Somebody looks: return once the views hold everything acknowledged so far."""
        with self._lock:
            self._asked_at = time.monotonic()
            while self._step() and not self._stopping:
                pass
        self.on_found()

    def hand_over(self, send: Callable[[News], object]) -> bool:
        """Take in what is new, and `send` it with what requests have found; True if there is more.

        Under the lock: the views are as the news leaves them while it is sent. If that fails, the
        views are read anew the next time, and whoever listens is told to look.
        """
        with self._lock:
            more = self._step()
            kept, self._kept = self._kept, _Kept()
            try:
                send(kept.news())
            except Exception:
                self._following = False
                raise
        return more

    def rest_unless(self, looked_at: Callable[[], bool]) -> bool:
        """Stop following if nobody looks; returns False then. What is kept is dropped."""
        with self._lock:
            looked = looked_at() or time.monotonic() - self._asked_at < INTEREST_S
            if not looked:
                self._following = False
                self._kept = _Kept()
        return looked

    def touched(self) -> bool:
        """True if the journal's file was written to."""
        return self._journal.touched()

    def stop(self) -> None:
        """End a catching up that is under way; the next ones take in one batch each."""
        self._stopping = True

    def _step(self) -> bool:
        if not self._following:
            self._begin()
            return False
        found, more = self._journal.poll()
        if self._journal.replaced != self._replaced:
            self._begin()
            return False
        try:
            self._take_in(found)
        except Exception:
            self._following = False  # these rows have been read: begin anew
            raise
        return more

    def _begin(self) -> None:
        # In this order: what is written meanwhile is seen twice, never missed.
        self._journal.start()
        self._replaced = self._journal.replaced
        self._participants.load()
        self._index.load(self._participants.take_state)
        self._kept = _Kept(restarted=True)
        self._following = True

    def _take_in(self, found: Found) -> None:
        rows: dict[str, list[Row]] = {}
        for table, row in found:
            rows.setdefault(table, []).append(row)
        if not rows:
            return
        steps = rows.get(agent_steps.TABLE.name, [])
        self.on_steps(steps)
        self._index.apply_configs(rows.get(agents_config.TABLE.name, ()))
        changed = self._index.apply(steps)
        changed |= self._index.apply_states(rows.get(agent_state.TABLE.name, []))
        if self._kept.size > _MAX_KEPT_ROWS:
            self._kept = _Kept(restarted=True)
        self._kept.add(rows, changed, self._participants.apply(rows))
