import itertools
import queue
import sys
import threading
from types import SimpleNamespace

import pytest
import socketio
from engineio.exceptions import SocketIsClosedError

from reins.web.live import rooms
from reins.web.live.rooms import Members, Rooms, run_room
from reins.web.live.websocket import Json, TextPacket


class Socket:
    """What Rooms knows of an Engine.IO socket."""

    def __init__(self):
        self.queue = queue.Queue()
        self.closed = False

    def send(self, packet):
        if self.closed:
            raise SocketIsClosedError
        self.queue.put(packet)

    def read(self):
        found = []
        while not self.queue.empty():
            event, data = Json.loads(self.queue.get().data[1:])
            found.append((event, data))
        return found


@pytest.fixture
def server():
    return socketio.Server(
        async_mode="threading", client_manager=Members(), serializer=TextPacket, json=Json
    )


@pytest.fixture
def join(server):
    def joined(name, *names):
        server.eio.sockets[name] = Socket()
        sid = server.manager.connect(name, "/")
        for room in names:
            server.manager.enter_room(sid, "/", room)
        return SimpleNamespace(sid=sid, socket=server.eio.sockets[name])

    return joined


def test_all_in_the_room_get_it(server, join):
    """And nobody else."""
    a, b, other = join("a", "r"), join("b", "r"), join("c", "s")
    those = Rooms(server)
    those.emit("log", {"n": 1}, "r")
    assert a.socket.read() == b.socket.read() == [("log", {"n": 1})]
    assert other.socket.read() == []
    assert (len(those), those.occupied("r"), those.occupied("x")) == (3, True, False)
    assert {"r", "s"} <= set(those.names())


def test_who_is_slow_is_skipped_and_told_once(server, join):
    """Above the bound nothing more is queued; once it has drained, one head for each room."""
    slow, quick = join("slow", "r", "s"), join("quick", "r")
    those = Rooms(server)
    for n in range(100):
        those.emit("log", {"n": n}, "r", head=n)
        assert [data["n"] for _, data in quick.socket.read()] == [n]
        those.heal()
    those.emit("log", {}, "s", head=7)
    assert slow.socket.queue.qsize() == rooms._MAX_WAITING + 1
    assert those.lagging == 1
    slow.socket.read()
    those.heal()
    assert slow.socket.read() == [
        ("head", {"room": "r", "head": 99}), ("head", {"room": "s", "head": 7}),
    ]  # fmt: skip
    those.heal()
    assert slow.socket.read() == []
    assert those.lagging == 0


def test_what_is_too_large_is_not_sent(server, join):
    """The room hears of the head instead."""
    a = join("a", "r")
    those = Rooms(server)
    those.emit("log", {"text": "x" * rooms._MAX_PACKET}, "r", head=5)
    assert a.socket.read() == []
    those.heal()
    assert a.socket.read() == [("head", {"room": "r", "head": 5})]


def test_one_that_closes_at_this_moment_does_not_stop_the_others(server, join):
    """Neither an emission nor a healing fails for it, and nothing of it is kept."""
    closing, other = join("a", "r"), join("b", "r")
    those = Rooms(server)
    closing.socket.closed = True
    those.emit("log", {"n": 1}, "r")
    assert other.socket.read() == [("log", {"n": 1})]
    those.skip("r", 3)
    del server.eio.sockets["a"]
    those.heal()
    assert those.lagging == 0
    assert other.socket.read() == [("head", {"room": "r", "head": 3})]
    those.skip("r", 4)
    those.forget(closing.sid)
    those.forget(other.sid)
    assert those.lagging == 0


def test_who_has_joined_is_in_the_room_whoever_leaves(server):
    """Whoever has joined is in the room, whoever else leaves it at that moment; at the end nothing
    is left.
    """
    members, wrong = server.manager, []
    ends = threading.Barrier(5)
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)  # threads take turns in the middle of everything

    def come_and_go(name):
        ends.wait()
        try:
            for n in range(1_000):
                sid = members.connect(f"{name}-{n}", "/")
                members.enter_room(sid, "/", "r")
                assert sid in dict(members.get_participants("/", "r"))
                assert "r" in members.get_rooms(sid, "/")
                members.pre_disconnect(sid, "/")
                members.disconnect(sid, "/")
        except Exception as error:  # noqa: BLE001 - reported by the test's own thread
            wrong.append(repr(error))

    threads = [threading.Thread(target=come_and_go, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    ends.wait()
    for thread in threads:
        thread.join()
    sys.setswitchinterval(before)
    assert wrong == []
    assert members.rooms == {}
    assert members.pending_disconnect == {}


def test_no_two_sessions_have_one_room():
    """Whatever colons, digits and lengths their ids have; plain ids keep the plain name."""
    ids = ["".join(each) for size in (1, 2, 3, 4) for each in itertools.product("a:1", repeat=size)]
    named = {run_room(agent, session): (agent, session) for agent in ids for session in ids}
    assert len(named) == len(ids) ** 2
    assert run_room("team:ann", "b") == "run::team:ann::b"
    assert run_room(":a", "b:") == "run:::a::b:"
    assert run_room("a", "b::c") == "run::1::a::b::c"
    assert run_room("a::b", "c") == "run::4::a::b::c"
    assert run_room("\U0001f98a:", "c") == "run::2::\U0001f98a:::c"
