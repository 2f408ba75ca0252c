"""The pump: gathers what was written for a moment and sends it on, one batch a room.

Nothing is ever sent from the agents' loop, and a commit costs it nothing but a wake-up here.
"""

import threading
import time
from typing import Any

import structlog

from reins.web.bridge import Bridge
from reins.web.live import conversations as conversation_feed
from reins.web.live.conversations import ConversationFeed
from reins.web.live.queue import QueueFeed
from reins.web.live.rooms import Rooms, batches, run_room
from reins.web.live.sse import Streams
from reins.web.live.typing import TypingFeed
from reins.web.views.participants import Cast
from reins.web.views.rows import log_row
from reins.web.views.sessions import Overview
from store import agent_state, agent_steps
from store.following import Follower, Found

_log = structlog.get_logger(__name__)

GATHER_S = 0.05
_SHARE = 3
"""A round of much work is followed by a wait this many times longer: the agents come first."""
_CHECK_S = 1.0
"""Without a worker here the journal's file is looked at each `GATHER_S`, and read this often."""
_INTEREST_S = 30.0
"""Nothing is followed when nobody has asked for anything for this long."""
_LINES = 200
"""Sessions of the list in one event."""

SESSIONS = "sessions"
QUEUE = "queue"
Row = dict[str, Any]


class Pump:
    """A thread that follows the journal for everybody who looks.

    Starts once. Wakes at a commit, but at most every `GATHER_S`; sleeps while nobody looks. `stop`
    ends the thread; a second stop does nothing.
    """

    def __init__(
        self, *, bridge: Bridge, overview: Overview, cast: Cast, rooms: Rooms, streams: Streams
    ) -> None:
        self._bridge = bridge
        self._overview = overview
        self._cast = cast
        self._rooms = rooms
        self._streams = streams
        self._follower = Follower(
            bridge.store, [agent_steps.TABLE, agent_state.TABLE, *conversation_feed.TABLES]
        )
        self._queue = QueueFeed(bridge.store, self.wake)
        self._conversations = ConversationFeed(bridge=bridge, cast=cast, rooms=rooms)
        self.typing = TypingFeed(rooms=rooms, head=overview.seq, wake=self.wake)
        self._turn = threading.Lock()
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._wanted_at = -_INTEREST_S
        self._following = False
        self._replaced = 0
        self._failure: str | None = None

    def start(self) -> None:
        if self._thread is not None:
            raise RuntimeError("the pump was started twice; make a new one")
        self._thread = threading.Thread(target=self._run, name="pump", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join()
        self._queue.close()

    def wake(self) -> None:
        self._wake.set()

    def wanted(self) -> None:
        """Somebody looks: returns once the overview holds everything acknowledged so far."""
        with self._turn:
            self._wanted_at = time.monotonic()
        self._catch_up()
        self._wake.set()

    def clients(self) -> dict[str, int]:
        return {
            "sockets": len(self._rooms),
            "streams": len(self._streams),
            "lagging": self._rooms.lagging,
        }

    def _run(self) -> None:
        unlisten = (
            self._bridge.on_commit(self.wake),
            self._bridge.on_composing(self._composes),
            self._bridge.on_typing(self.typing.took),
        )
        try:
            while not self._stopping.is_set():
                self._stopping.wait(self._turn_of())
        finally:
            for each in unlisten:
                each()

    def _composes(self, conversation_id: str) -> None:
        self._conversations.composes(conversation_id)
        self.wake()

    def _turn_of(self) -> float:
        """One turn; returns how long to rest after it."""
        try:
            if self._sleeps():
                self._queue.close()
                self._conversations.look_who_composes()
                self._wake.wait(_INTEREST_S)
                return GATHER_S
            self._wait_for_news()
            began = time.thread_time()  # its own work, not what it waited for
            self._conversations.look_who_composes()
            self._catch_up()
            self._conversations.tell_who_composes()
            self.typing.tell()
            self._look_at_queue()
            self._rooms.heal()
        except Exception as error:  # noqa: BLE001 - logged, once
            # A table that is being repaired, a disk that is full: the next turn may do better.
            if repr(error) != self._failure:
                _log.exception("the pump failed; it tries again")
            self._failure = repr(error)
            return _CHECK_S
        self._failure = None
        return max(GATHER_S, _SHARE * (time.thread_time() - began))

    def _sleeps(self) -> bool:
        """Whether nobody looks; what is written is then left unread."""
        self._wake.clear()  # first: whoever asks from here on wakes the pump
        with self._turn:
            looked_at = self._looked_at()
            self._following = self._following and looked_at
        return not looked_at

    def _catch_up(self) -> None:
        with self._turn:
            if self._following:
                self._round()
            else:
                self._begin()

    def _begin(self) -> None:
        # In this order: what is written meanwhile is seen twice, never missed.
        self._follower.start()
        self._replaced = self._follower.replaced
        self._conversations.begin()
        self._cast.load()
        self._overview.load(self._cast.take_state)
        self._following = True
        self._tell_all()

    def _tell_all(self) -> None:
        """Whoever listens already may have missed something: let them look."""
        for session_id in self._streams.sessions():
            self._streams.put(session_id, self._newest(session_id))
        for room in self._rooms.names() if len(self._rooms) else ():
            if room in (SESSIONS, QUEUE):
                self._rooms.skip(room, 0)
            else:
                self._conversations.tell_all(room)
        for session in self._overview.listed() if len(self._rooms) else ():
            room = run_room(session["agent_id"], session["session_id"])
            self._rooms.skip(room, session["seq"])

    def _newest(self, session_id: str) -> list[Row]:
        before = self._overview.seq(session_id) - 1
        found = agent_steps.list_steps(session_id, max(0, before), 1, store=self._bridge.store)
        return [log_row(row, brief=True) for row in found]

    def _looked_at(self) -> bool:
        if len(self._rooms) or len(self._streams):
            return True
        return time.monotonic() - self._wanted_at < _INTEREST_S

    def _wait_for_news(self) -> None:
        """Until a commit; without a worker here, until the journal's file was written to."""
        if self._rooms.lagging:
            self._wake.wait(GATHER_S)
        elif self._bridge.worker is not None:
            self._wake.wait(_CHECK_S)
        else:
            ends_at = time.monotonic() + _CHECK_S
            while not self._wake.is_set() and time.monotonic() < ends_at:
                if self._follower.touched() or self._stopping.is_set():
                    break
                self._wake.wait(GATHER_S)
        self._wake.clear()

    def _round(self) -> None:
        more = True
        while more and not self._stopping.is_set():
            found, more = self._follower.poll()
            if self._follower.replaced != self._replaced:
                self._begin()
                return
            try:
                self._tell(found)
            except Exception:
                self._following = False  # these rows have been read: begin anew, and say so
                raise

    def _tell(self, found: Found) -> None:
        rows: dict[str, list[Row]] = {}
        for table, row in found:
            rows.setdefault(table, []).append(row)
        steps = rows.get(agent_steps.TABLE.name, [])
        self.typing.take_rows(steps)
        changed = self._overview.apply(steps)
        changed |= self._overview.apply_states(rows.get(agent_state.TABLE.name, []))
        self._send_steps(steps)
        self._conversations.tell(rows)
        if self._rooms.occupied(SESSIONS):
            for batch in batches(sorted(changed), _LINES):
                self._rooms.emit("sessions", {"changed": self._overview.changes(batch)}, SESSIONS)

    def _send_steps(self, steps: list[Row]) -> None:
        streamed = self._streams.sessions()
        by_session: dict[tuple[str, str], list[Row]] = {}
        for step in steps:
            by_session.setdefault((step["agent_id"], step["session_id"]), []).append(step)
        for (agent_id, session_id), own in by_session.items():
            room = run_room(agent_id, session_id)
            occupied = self._rooms.occupied(room)
            if not occupied and session_id not in streamed:
                continue
            rows = [log_row(step, brief=True) for step in own]
            self._streams.put(session_id, rows)
            session = self._overview.get(session_id)
            for batch in batches(rows) if occupied else ():
                event = {
                    "room": room,
                    "agent_id": agent_id,
                    "session_id": session_id,
                    "rows": batch,
                    "session": session,
                }
                self._rooms.emit("log", event, room, head=batch[-1]["seq"])

    def _look_at_queue(self) -> None:
        if not self._rooms.occupied(QUEUE):
            self._queue.close()
        else:
            for batch in batches(self._queue.take()):
                self._rooms.emit("actions", {"changed": batch}, QUEUE)
