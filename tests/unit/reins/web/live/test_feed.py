from types import SimpleNamespace

import orjson
import pytest

from reins.settings import Settings
from reins.web.live.conversations import CONVERSATIONS, conversation_room
from reins.web.live.feed import QUEUE, Feed
from reins.web.live.rooms import run_room
from reins.web.live.sse import Streams
from reins.web.live.steps import SESSIONS
from reins.web.views.follower import ViewFollower
from reins.web.views.participants import Participants
from store import agent_steps, conversations, messages, participants
from tests.integration.store.support import message, step
from tests.integration.web.speaking import conversation, takes_part
from tests.support.waiting import until


class Following:
    """A follower that brings what a test says."""

    def __init__(self):
        self.batches = []
        self.starts = self.replaced = 0

    def start(self):
        self.starts += 1

    def touched(self):
        return bool(self.batches)

    def poll(self):
        batch = self.batches.pop(0) if self.batches else []
        if isinstance(batch, Exception):
            raise batch
        return batch, bool(self.batches)


class Rooms:
    """Rooms that write down what they are told."""

    lagging = 0

    def __init__(self, *names):
        self.those, self.emitted, self.skipped = names, [], []
        self.failure = None

    def __len__(self):
        return len(self.those)

    def names(self):
        return list(self.those)

    def occupied(self, room):
        return room in self.those

    def emit(self, event, data, room, head=0):
        if self.failure is not None:
            failure, self.failure = self.failure, None
            raise failure
        self.emitted.append((event, data, room, head))

    def skip(self, room, head):
        self.skipped.append((room, head))

    def heal(self):
        pass


class Index:
    """An index of two sessions."""

    def __init__(self):
        self.loads = 0

    def load(self, also):
        self.loads += 1

    def apply(self, steps):
        return {row["session_id"] for row in steps}

    def apply_configs(self, rows):
        """Nothing of it is shown here."""

    def apply_states(self, rows):
        return set()

    def seq(self, session_id):
        return 9

    def get(self, session_id):
        return {"agent_id": session_id, "session_id": session_id, "seq": 9}

    def changes(self, batch):
        return [self.get(session_id) for session_id in batch]

    def listed(self):
        return [self.get("a"), self.get("b")]


@pytest.fixture
def feed(monkeypatch):
    monkeypatch.setattr(messages, "last_messages", lambda *_, **__: [said(4)])
    monkeypatch.setattr(agent_steps, "list_steps", lambda *_, **__: [row("a", 9)])
    talk = orjson.loads(conversation("c").body)
    monkeypatch.setattr(conversations, "get_conversation", lambda *_, **__: talk)
    monkeypatch.setattr(participants, "list_participants", lambda **_: [])
    bridge = SimpleNamespace(
        store=None, settings=Settings(), has_worker=False, composing=lambda _: None,
        on_commit=lambda _: lambda: None, on_composing=lambda _: lambda: None,
        on_typing=lambda _: lambda: None,
    )  # fmt: skip
    rooms = Rooms(run_room("a", "a"), SESSIONS, QUEUE, CONVERSATIONS, conversation_room("c"))
    index, present = Index(), Participants(None)
    follower = ViewFollower(store=None, index=index, participants=present)
    follower._journal = Following()
    made = Feed(
        bridge=bridge, follower=follower, index=index, participants=present,
        rooms=rooms, streams=Streams(),
    )  # fmt: skip
    made._queue = SimpleNamespace(take=list, close=lambda: None)
    yield made
    made.stop()


def caught_up(feed):
    """A request looks, and then the feed sends."""
    feed._follower.catch_up()
    feed._send_found()


def row(session_id, seq):
    return {**orjson.loads(step(session_id, seq).body), "journal_n": seq}


def said(number):
    return {**orjson.loads(message("c", number, "hello").body), "journal_n": number}


def log(*seqs):
    return [("agent_steps", row("a", seq)) for seq in seqs]


def test_rows_of_a_round_are_one_batch_of_each_room(feed):
    """In order; a long one is cut into parts."""
    caught_up(feed)
    feed._rooms.emitted.clear()
    feed._follower._journal.batches = [log(*range(1, 121))]
    caught_up(feed)
    logs = [data["rows"] for event, data, *_ in feed._rooms.emitted if event == "log"]
    assert [[r["seq"] for r in rows][0::49] for rows in logs] == [[1, 50], [51, 100], [101]]
    assert [head for event, _, _, head in feed._rooms.emitted if event == "log"] == [50, 100, 120]
    [listed] = [data for event, data, *_ in feed._rooms.emitted if event == SESSIONS]
    assert [line["session_id"] for line in listed["changed"]] == ["a"]


def test_what_was_read_and_could_not_be_sent(feed):
    """Everybody who listens is told to look, as nothing would bring those rows again."""
    caught_up(feed)
    feed._rooms.skipped.clear()
    feed._follower._journal.batches = [log(1)]
    feed._rooms.failure = RuntimeError("as asked")
    with pytest.raises(RuntimeError, match="as asked"):
        caught_up(feed)
    with feed._streams.open("a") as stream:
        caught_up(feed)
        assert [r["seq"] for r in stream.take(0)] == [9]
    assert feed._follower._index.loads == feed._follower._journal.starts == 2
    assert sorted(feed._rooms.skipped) == [
        ("conversation::c", 4), ("conversations", 0), ("queue", 0), ("run::a::a", 9),
        ("run::b::b", 9), ("sessions", 0),
    ]  # fmt: skip


def test_a_folder_that_was_replaced_begins_anew(feed):
    caught_up(feed)
    feed._follower._journal.replaced = 1
    feed._follower._journal.batches = [log(1)]
    caught_up(feed)
    assert feed._follower._index.loads == 2
    caught_up(feed)
    assert feed._follower._index.loads == 2


def test_a_feed_that_fails_goes_on(feed, capsys):
    """A failure that lasts is logged once, not at each try; then rows come again."""
    feed._follower._journal.batches = [RuntimeError("as asked"), RuntimeError("as asked"), log(1)]
    feed._follower._following = True
    waits = [feed._round_once() for _ in range(3)]
    assert waits[0] == waits[1] > waits[2]
    assert "log" in [event for event, *_ in feed._rooms.emitted]
    assert capsys.readouterr().out.count("the feed failed") == 1


def test_nobody_looks(feed):
    """Nothing is followed then; who comes begins anew, and whoever comes while the feed makes up
    its mind wakes it.
    """
    feed._rooms.those = ()
    feed.wake()
    assert feed._sleeps()
    assert not feed._wake.is_set()
    caught_up(feed)
    assert not feed._sleeps()
    feed._follower._asked_at -= 60
    looked_at = feed._looked_at
    feed._looked_at = lambda: (looked_at(), feed.wake())[0]  # somebody comes just after the look
    assert feed._sleeps()
    assert feed._wake.is_set()
    assert not feed._follower._following


def test_it_wakes_for_what_is_written(feed):
    """The thread sends what comes, without being asked."""
    feed.start()
    until(lambda: feed._follower._journal.starts)
    feed._follower._journal.batches = [log(1, 2)]
    until(lambda: any(event == "log" for event, *_ in feed._rooms.emitted), deadline_s=5)


def test_who_composes_is_told_after_what_was_written(feed):
    """Once for a conversation, as it is when the turn begins; in an empty room not at all."""
    caught_up(feed)
    feed._round_once()  # as it was at the beginning
    feed._rooms.emitted.clear()
    feed._bridge.composing = {"c": "a", "empty": "b"}.get
    for conversation_id in ("c", "empty", "c"):
        feed._composes(conversation_id)
    feed._follower._journal.batches = [[("messages", said(5))]]
    feed._round_once()
    assert [(event, head) for event, _, _, head in feed._rooms.emitted] == [
        ("messages", 5), ("conversations", 0), ("composing", 5),
    ]  # fmt: skip
    assert feed._rooms.emitted[-1][1]["session_id"] == "a"


def test_who_composes_is_not_forgotten_over_a_failure(feed):
    caught_up(feed)
    feed._round_once()
    feed._bridge.composing = lambda _: "a"
    feed._composes("c")
    feed._follower._journal.batches = [RuntimeError("as asked")]
    feed._round_once()
    feed._rooms.emitted.clear()
    feed._round_once()
    assert [event for event, *_ in feed._rooms.emitted] == ["composing"]


def test_a_head_is_never_lower_than_what_was_said(feed):
    """A participant's change that is skipped must not hide that a message was skipped before."""
    caught_up(feed)
    joined = {**orjson.loads(takes_part("c", "a").body), "journal_n": 8}
    config = {"session_id": "a", "config": "{}"}
    feed._follower._journal.batches = [
        [("messages", said(7)), ("participants", joined), ("agents_config", config), *log(1)]
    ]
    caught_up(feed)
    told = [
        (event, head) for event, _, room, head in feed._rooms.emitted if room == "conversation::c"
    ]
    assert told == [("messages", 7), ("participants", 7)]


def test_what_is_typed_is_told_after_the_rows(feed):
    """A row that takes its place comes first, and then nothing more of what was typed."""
    caught_up(feed)
    feed._rooms.emitted.clear()
    session = SimpleNamespace(agent_id="a", session_id="a")
    piece = SimpleNamespace(call_id="c", attempt=1, offset=0, text="Why ")
    feed.typing.took(session, piece)
    feed._follower._journal.batches = [log(1)]  # of long ago
    feed._round_once()
    assert [event for event, *_ in feed._rooms.emitted][-1] == "typing"
    feed._rooms.emitted.clear()
    feed.typing.took(session, SimpleNamespace(call_id="c", attempt=1, offset=4, text="not"))
    newest = {**row("a", 2), "created_at": 1 << 60}
    feed._follower._journal.batches = [[("agent_steps", newest)]]
    feed._round_once()
    assert "typing" not in [event for event, *_ in feed._rooms.emitted]
