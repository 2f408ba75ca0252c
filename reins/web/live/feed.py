"""The feed: gathers what was written for a moment and sends it on, one batch a room.

Nothing is ever sent from the agents' loop, nor from a request's thread; a commit costs the worker
nothing but a wake-up here.
"""

import threading
import time

import structlog

from reins.web.bridge import Bridge
from reins.web.live.conversations import ConversationFeed
from reins.web.live.inbox import INBOX, InboxFeed
from reins.web.live.queue import QueueFeed
from reins.web.live.rooms import Rooms, batches
from reins.web.live.sse import Streams
from reins.web.live.steps import SESSIONS, StepFeed
from reins.web.live.typing import TypingFeed
from reins.web.views.follower import INTEREST_S, News, ViewFollower
from reins.web.views.participants import Participants
from reins.web.views.sessions import SessionIndex
from store import agent_steps, inbox

_logger = structlog.get_logger(__name__)

GATHER_S = 0.05
_SHARE = 3
"""A round of much work is followed by a wait this many times longer: the agents come first."""
_CHECK_S = 1.0
"""Without a worker here the journal's file is looked at each `GATHER_S`, and read this often."""

QUEUE = "queue"


class Feed:
    """A thread that sends to everybody who looks what the follower finds.

    Starts once. Wakes at a commit, but at most every `GATHER_S`; sleeps while nobody looks. `stop`
    ends the thread; a second stop does nothing.
    """

    def __init__(
        self,
        *,
        bridge: Bridge,
        follower: ViewFollower,
        index: SessionIndex,
        participants: Participants,
        rooms: Rooms,
        streams: Streams,
    ) -> None:
        self._bridge = bridge
        self._follower = follower
        self._rooms = rooms
        self._streams = streams
        self._steps = StepFeed(store=bridge.store, index=index, rooms=rooms, streams=streams)
        self._queue = QueueFeed(bridge.store, self.wake)
        self._inbox = InboxFeed(bridge.store, rooms)
        self._conversations = ConversationFeed(
            bridge=bridge, participants=participants, rooms=rooms
        )
        self.typing = TypingFeed(rooms=rooms, head=index.seq, wake=self.wake)
        follower.on_found = self.wake
        # As the views take a row in, not as it is sent: whoever comes between gets it once.
        follower.on_steps = self.typing.take_rows
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._failure: str | None = None

    def start(self) -> None:
        if self._thread is not None:
            raise RuntimeError("the feed was started twice; make a new one")
        self._thread = threading.Thread(target=self._run, name="feed", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._follower.stop()
        self._wake.set()
        if self._thread is not None:
            self._thread.join()
        self._queue.close()

    def wake(self) -> None:
        self._wake.set()

    def clients(self) -> dict[str, int]:
        """Open connections: `sockets`, `streams`, and how many of the sockets are `lagging`."""
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
                self._stopping.wait(self._round_once())
        finally:
            for each in unlisten:
                each()

    def _composes(self, conversation_id: str) -> None:
        self._conversations.composes(conversation_id)
        self.wake()

    def _round_once(self) -> float:
        """One round; returns the seconds to rest after it."""
        try:
            if self._sleeps():
                self._queue.close()
                self._conversations.look_who_composes()
                self._wake.wait(INTEREST_S)
                return GATHER_S
            self._wait_for_news()
            began = time.thread_time()  # its own work, not what it waited for
            self._conversations.look_who_composes()
            self._send_found()
            self._conversations.tell_who_composes()
            self.typing.send()
            self._look_at_queue()
            self._rooms.heal()
        except Exception as error:
            # A table that is being repaired, a disk that is full: the next round may do better.
            if repr(error) != self._failure:
                _logger.exception("the feed failed; it tries again")
            self._failure = repr(error)
            return _CHECK_S
        self._failure = None
        return max(GATHER_S, _SHARE * (time.thread_time() - began))

    def _sleeps(self) -> bool:
        """True if nobody looks; what is written is then left unread."""
        self._wake.clear()  # first: whoever asks from here on wakes the feed
        return not self._follower.rest_unless(self._looked_at)

    def _looked_at(self) -> bool:
        return bool(len(self._rooms) or len(self._streams))

    def _wait_for_news(self) -> None:
        """Until a commit; without a worker here, until the journal's file was written to."""
        if self._rooms.lagging:
            self._wake.wait(GATHER_S)
        elif self._bridge.has_worker:
            self._wake.wait(_CHECK_S)
        else:
            ends_at = time.monotonic() + _CHECK_S
            while not self._wake.is_set() and time.monotonic() < ends_at:
                if self._follower.touched() or self._stopping.is_set():
                    break
                self._wake.wait(GATHER_S)
        self._wake.clear()

    def _send_found(self) -> None:
        """Catch up, and send what that and the requests before have found."""
        more = True
        while more and not self._stopping.is_set():
            more = self._follower.hand_over(self._send)

    def _send(self, news: News) -> None:
        if news.restarted:
            self._conversations.begin()
            self._renew_all()
        self._steps.send(news.of(agent_steps.TABLE.name))
        self._conversations.tell(news)
        self._inbox.tell(news.of(inbox.TABLE.name))
        self._steps.send_list(news.sessions)

    def _renew_all(self) -> None:
        """Let everybody look who listens already: they may have missed something."""
        self._steps.renew_streams()
        for room in self._rooms.names() if len(self._rooms) else ():
            if room in (SESSIONS, QUEUE, INBOX):
                self._rooms.skip(room, 0)
            else:
                self._conversations.tell_all(room)
        self._steps.renew_rooms()

    def _look_at_queue(self) -> None:
        if not self._rooms.occupied(QUEUE):
            self._queue.close()
        else:
            for batch in batches(self._queue.take()):
                self._rooms.emit("actions", {"changed": batch}, QUEUE)
