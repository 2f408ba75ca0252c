from types import SimpleNamespace

import orjson
import pytest

from reins.web.live.conversations import CONVERSATIONS, conversation_room
from reins.web.live.feed import QUEUE, SESSIONS, Pump
from reins.web.live.rooms import run_room
from reins.web.live.sse import Streams
from reins.web.views.participants import Cast
from store import agent_steps, conversations, messages, participants
from tests.integration.store.support import message, step
from tests.integration.web.speaking import conversation, takes_part
from tests.waiting import until


class Feed:
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


class Overview:
    """An overview of two sessions."""

    def __init__(self):
        self.loads = 0

    def load(self, also):
        self.loads += 1

    def apply(self, steps):
        return {row["session_id"] for row in steps}

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
def pump(monkeypatch):
    monkeypatch.setattr(messages, "last_messages", lambda *_, **__: [said(4)])
    monkeypatch.setattr(agent_steps, "list_steps", lambda *_, **__: [row("a", 9)])
    talk = orjson.loads(conversation("c").body)
    monkeypatch.setattr(conversations, "get_conversation", lambda *_, **__: talk)
    monkeypatch.setattr(participants, "list_participants", lambda **_: [])
    bridge = SimpleNamespace(
        store=None, worker=None, composing=lambda _: None,
        on_commit=lambda _: lambda: None, on_composing=lambda _: lambda: None,
        on_typing=lambda _: lambda: None,
    )  # fmt: skip
    rooms = Rooms(run_room("a", "a"), SESSIONS, QUEUE, CONVERSATIONS, conversation_room("c"))
    made = Pump(bridge=bridge, overview=Overview(), cast=Cast(None), rooms=rooms, streams=Streams())
    made._follower = Feed()
    made._queue = SimpleNamespace(take=list, close=lambda: None)
    yield made
    made.stop()


def row(session_id, seq):
    return {**orjson.loads(step(session_id, seq).body), "journal_n": seq}


def said(number):
    return {**orjson.loads(message("c", number, "hello").body), "journal_n": number}


def log(*seqs):
    return [("agent_steps", row("a", seq)) for seq in seqs]


def test_rows_of_a_round_are_one_batch_of_each_room(pump):
    """In order; a long one is cut into parts."""
    pump.wanted()
    pump._rooms.emitted.clear()
    pump._follower.batches = [log(*range(1, 121))]
    pump.wanted()
    logs = [data["rows"] for event, data, *_ in pump._rooms.emitted if event == "log"]
    assert [[r["seq"] for r in rows][0::49] for rows in logs] == [[1, 50], [51, 100], [101]]
    assert [head for event, _, _, head in pump._rooms.emitted if event == "log"] == [50, 100, 120]
    [listed] = [data for event, data, *_ in pump._rooms.emitted if event == SESSIONS]
    assert [line["session_id"] for line in listed["changed"]] == ["a"]


def test_what_was_read_and_could_not_be_sent(pump):
    """Everybody who listens is told to look, as nothing would bring those rows again."""
    pump.wanted()
    pump._rooms.skipped.clear()
    pump._follower.batches = [log(1)]
    pump._rooms.failure = RuntimeError("as asked")
    with pytest.raises(RuntimeError, match="as asked"):
        pump.wanted()
    with pump._streams.open("a") as stream:
        pump.wanted()
        assert [r["seq"] for r in stream.take(0)] == [9]
    assert pump._overview.loads == pump._follower.starts == 2
    assert sorted(pump._rooms.skipped) == [
        ("conversation::c", 4), ("conversations", 0), ("queue", 0), ("run::a::a", 9),
        ("run::b::b", 9), ("sessions", 0),
    ]  # fmt: skip


def test_a_folder_that_was_replaced_begins_anew(pump):
    pump.wanted()
    pump._follower.replaced = 1
    pump._follower.batches = [log(1)]
    pump.wanted()
    assert pump._overview.loads == 2
    pump.wanted()
    assert pump._overview.loads == 2


def test_a_pump_that_fails_goes_on(pump, capsys):
    """A failure that lasts is logged once, not at each try; then rows come again."""
    pump._follower.batches = [RuntimeError("as asked"), RuntimeError("as asked"), log(1)]
    pump._following = True
    waits = [pump._turn_of() for _ in range(3)]
    assert waits[0] == waits[1] > waits[2]
    assert "log" in [event for event, *_ in pump._rooms.emitted]
    assert capsys.readouterr().out.count("the pump failed") == 1


def test_nobody_looks(pump):
    """Nothing is followed then; who comes begins anew, and whoever comes while the pump makes up
    its mind wakes it.
    """
    pump._rooms.those = ()
    pump.wake()
    assert pump._sleeps()
    assert not pump._wake.is_set()
    pump.wanted()
    assert not pump._sleeps()
    pump._wanted_at -= 60
    looked_at = pump._looked_at
    pump._looked_at = lambda: (looked_at(), pump.wake())[0]  # somebody comes just after the look
    assert pump._sleeps()
    assert pump._wake.is_set()
    assert not pump._following


def test_it_wakes_for_what_is_written(pump):
    """The thread sends what comes, without being asked."""
    pump.start()
    until(lambda: pump._follower.starts)
    pump._follower.batches = [log(1, 2)]
    until(lambda: any(event == "log" for event, *_ in pump._rooms.emitted), deadline_s=5)


def test_who_composes_is_told_after_what_was_written(pump):
    """Once for a conversation, as it is when the turn begins; in an empty room not at all."""
    pump.wanted()
    pump._turn_of()  # as it was at the beginning
    pump._rooms.emitted.clear()
    pump._bridge.composing = {"c": "a", "empty": "b"}.get
    for conversation_id in ("c", "empty", "c"):
        pump._composes(conversation_id)
    pump._follower.batches = [[("messages", said(5))]]
    pump._turn_of()
    assert [(event, head) for event, _, _, head in pump._rooms.emitted] == [
        ("messages", 5), ("conversations", 0), ("composing", 5),
    ]  # fmt: skip
    assert pump._rooms.emitted[-1][1]["session_id"] == "a"


def test_who_composes_is_not_forgotten_over_a_failure(pump):
    pump.wanted()
    pump._turn_of()
    pump._bridge.composing = lambda _: "a"
    pump._composes("c")
    pump._follower.batches = [RuntimeError("as asked")]
    pump._turn_of()
    pump._rooms.emitted.clear()
    pump._turn_of()
    assert [event for event, *_ in pump._rooms.emitted] == ["composing"]


def test_a_head_is_never_lower_than_what_was_said(pump):
    """A participant's change that is skipped must not hide that a message was skipped before."""
    pump.wanted()
    joined = {**orjson.loads(takes_part("c", "a").body), "journal_n": 8}
    config = {"session_id": "a", "config": "{}"}
    pump._follower.batches = [
        [("messages", said(7)), ("participants", joined), ("agents_config", config), *log(1)]
    ]
    pump.wanted()
    told = [
        (event, head) for event, _, room, head in pump._rooms.emitted if room == "conversation::c"
    ]
    assert told == [("messages", 7), ("participants", 7)]


def test_what_is_typed_is_told_after_the_rows(pump):
    """A row that takes its place comes first, and then nothing more of what was typed."""
    pump.wanted()
    pump._rooms.emitted.clear()
    session = SimpleNamespace(agent_id="a", session_id="a")
    piece = SimpleNamespace(call_id="c", attempt=1, offset=0, text="Why ")
    pump.typing.took(session, piece)
    pump._follower.batches = [log(1)]  # of long ago
    pump._turn_of()
    assert [event for event, *_ in pump._rooms.emitted][-1] == "typing"
    pump._rooms.emitted.clear()
    pump.typing.took(session, SimpleNamespace(call_id="c", attempt=1, offset=4, text="not"))
    newest = {**row("a", 2), "created_at": 1 << 60}
    pump._follower.batches = [[("agent_steps", newest)]]
    pump._turn_of()
    assert "typing" not in [event for event, *_ in pump._rooms.emitted]
