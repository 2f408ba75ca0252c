"""Clients that read nothing, too little, or late: bounded, told to catch up, nobody's burden."""

import json
import threading
import time

import orjson
import pytest

from reins.settings import load_settings
from reins.web.live import rooms
from store.journal.file import Record
from tests.integration.store.support import step
from tests.integration.web.serving import Page, Raw, Served, serving
from tests.support.waiting import until

TEXT = "x" * 3_900
ROWS = 40  # of a commit: 160 KB


class Slow(Raw):
    """Follows a session by the page's rule, from a socket that it reads as it pleases."""

    def __init__(self, served, session_id):
        super().__init__(served.port, receive_bytes=4_096)
        self.served, self.session_id = served, session_id
        self.seqs, self.heads = [], []
        self.joined()
        ask = {"agent_id": session_id, "session_id": session_id, "after_seq": 0}
        answer = self.call("subscribe", ask)
        self.seqs += [row["seq"] for row in answer["rows"]]
        self.upto(answer["head"])

    @property
    def last(self):
        return self.seqs[-1] if self.seqs else 0

    def take(self):
        """Reads one message and does what it asks for."""
        text = self.read()
        if text == "2":
            self.send("3")
        if not text.startswith("42"):
            return
        event, data = json.loads(text[2:])
        if event == "head":
            self.heads.append(data["head"])
            self.upto(data["head"])
        for row in data["rows"] if event == "log" else ():
            self.upto(row["seq"] - 1)
            if row["seq"] > self.last:
                self.seqs.append(row["seq"])

    def upto(self, head):
        while self.last < head:
            path = f"/api/sessions/{self.session_id}/steps?after_seq={self.last}&brief=true"
            self.seqs += [row["seq"] for row in self.served.get(path)["items"]]


class Writer(threading.Thread):
    """A session that says far more than anybody reads; knows when each row was safe."""

    def __init__(self, served, session_id, commits):
        super().__init__()
        self.served, self.session_id, self.commits = served, session_id, commits
        self.safe_at = {}

    def run(self):
        for n in range(self.commits):
            seqs = range(n * ROWS + 2, (n + 1) * ROWS + 2)
            self.served.write(*(step(self.session_id, seq, text=TEXT) for seq in seqs))
            self.safe_at[seqs[-1]] = time.monotonic()


def waiting(served):
    """Packets and characters that wait for the slowest socket."""
    queues = [list(s.queue.queue) for s in list(served.web._socketio.server.eio.sockets.values())]
    sizes = [(len(q), sum(len(p.data or "") for p in q if p is not None)) for q in queues]
    return max(sizes, default=(0, 0))


def test_a_stalled_client_holds_up_nobody(live):
    """It reads nothing of 19 MB: what waits for it is bounded, another client gets every row on
    time, the agents' loop is not held up. When it reads again it hears of the head, once it has
    read what was under way, and catches up without a gap.
    """
    live.write(step("busy", 1))
    page = Page(live, "busy")
    page.connect()
    late, worst = [], (0, 0)
    with Slow(live, "busy") as stalled:
        writer = Writer(live, "busy", 120)
        writer.start()
        while writer.is_alive() or page.last < 120 * ROWS + 1:
            worst = max(worst, waiting(live))
            seen = page.last
            assert page.connected
            if seen in writer.safe_at:
                late.append(time.monotonic() - writer.safe_at[seen])
            time.sleep(0.005)
        assert page.seqs == list(range(1, 120 * ROWS + 2))
        assert live.web.clients()["lagging"] >= 1
        assert worst[0] <= rooms._MAX_WAITING + 2
        assert worst[1] <= (rooms._MAX_WAITING + 2) * rooms._MAX_PACKET
        assert min(late) < 1.0
        assert live.runtime.loop_monitor.percentile_ms(0.99) < 1_000
        page.disconnect()
        while stalled.last < 120 * ROWS + 1:  # of the head it may hear more than once
            stalled.take()
        assert stalled.heads
        assert stalled.seqs == list(range(1, 120 * ROWS + 2))
        until(lambda: not live.web.clients()["lagging"])
        live.write(step("busy", 120 * ROWS + 2))
        while stalled.last < 120 * ROWS + 2:
            stalled.take()


def test_a_client_that_is_always_a_little_late(live):
    """It reads slower than is written, for long: told to catch up again and again, no gap ever."""
    live.write(step("late", 1))
    with Slow(live, "late") as slow:
        writer = Writer(live, "late", 150)
        writer.start()
        while slow.last < 150 * ROWS + 1:
            slow.take()
            time.sleep(0.02)
        writer.join()
        assert slow.seqs == list(range(1, 150 * ROWS + 2))


def test_an_event_that_is_too_large(live):
    """More than a packet holds is not sent: the room hears of the head, and fetches."""
    live.write(step("large", 1))
    page = Page(live, "large")
    page.connect()
    until(lambda: page.last == 1)  # what comes from here on comes by the room
    rows = (orjson.loads(step("large", seq, text=TEXT).body) for seq in range(2, 102))
    payload = orjson.dumps({"text": "y" * 7_900}).decode()
    live.write(*(Record("agent_steps", orjson.dumps(r | {"payload": payload})) for r in rows))
    until(lambda: page.last == 101)
    assert page.heads >= 1
    assert page.seqs == list(range(1, 102))
    page.disconnect()


@pytest.fixture
def quick(live):
    """The same folder served beside it, with pings each second."""
    with Served(load_settings(), ping_interval_s=1, ping_timeout_s=1) as served:
        yield served


def test_a_client_that_answers_no_ping(quick, live, capfd):
    """Silent ones are cut off and leave no thread: one in a room, one that reads nothing of much,
    one that never connected to the space; one that answers stays.
    """
    live.write(step("pinged", 1))
    had = len(serving())
    silent = [Raw(quick.port).joined() for _ in range(2)]
    unjoined = Raw(quick.port)
    assert unjoined.status == 101
    stalled = Slow(quick, "pinged")
    with quick.client() as answering:
        writer = Writer(live, "pinged", 80)
        writer.start()
        until(lambda: quick.sockets() == 1, "only the one that answers is left")
        writer.join()
        until(lambda: len(serving()) <= had + 4, f"threads: {serving()}")
        assert answering.call("subscribe_sessions", {})["ok"]
        assert not quick.web.clients()["lagging"]
    for each in (*silent, unjoined, stalled):
        assert each.ended()
        each.socket.close()
    until(lambda: len(serving()) <= had, f"threads: {serving()}")
    assert quick.web._guard._open == set()
    assert "Traceback" not in capfd.readouterr().err
