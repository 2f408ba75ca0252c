"""The Socket.IO contract, with a real client on a real port beside a real worker."""

import contextlib
import itertools
import random
import socket
import threading
import time
from datetime import datetime
from types import SimpleNamespace

import orjson
import psutil
import pytest
import socketio

import queue_imp as q
from reins.web.live import sockets
from reins.web.live.websocket import MAX_MESSAGE_BYTES, MESSAGES_AT_ONCE, MESSAGES_PER_S
from store import agent_steps, messages
from store.journal.file import Record
from tests.integration.store.support import step
from tests.integration.web.serving import Page, Raw, frame
from tests.support.waiting import until

names = map("s{}".format, itertools.count())


@pytest.fixture
def session(live):
    """A session that ticks fifty times a second; its id."""
    name = next(names)
    action = q.agent_create(name, "ann", agent_type="odd", config={"heartbeat_s": 0.02})
    assert q.wait_for_action(action)["outcome"] == "applied"
    yield name
    q.wait_for_action(q.agent_destroy_action(name, "ann"))


def ask(session_id, after_seq=0):
    return {"agent_id": session_id, "session_id": session_id, "after_seq": after_seq}


def received(client, event, timeout=10):
    """The data of the next event of that name."""
    while True:
        name, *data = client.receive(timeout=timeout)
        if name == event:
            return data[0]


def test_a_subscription_answers_and_streams(live, session):
    """Head, missed rows and the session; then the room's rows, each once and in order."""
    until(lambda: len(agent_steps.list_steps(session)) > 5)
    with live.client() as client:
        answer = client.call("subscribe", ask(session, 2))
        assert answer["ok"]
        assert answer["room"] == f"run::{session}::{session}"
        seqs = [row["seq"] for row in answer["rows"]]
        assert seqs[:3] == [3, 4, 5]
        assert answer["head"] <= seqs[-1] + 1
        assert answer["session"]["session_id"] == session
        while len(seqs) < 60:
            event = received(client, "log")
            assert (event["room"], event["session_id"]) == (answer["room"], session)
            assert event["session"]["seq"] >= event["rows"][-1]["seq"]
            seqs += [row["seq"] for row in event["rows"] if row["seq"] > seqs[-1]]
        assert seqs == list(range(3, 3 + len(seqs)))
        row = event["rows"][-1]
        whole = live.get(f"/api/sessions/{session}/steps/{row['seq']}")
        assert row == {**whole, "state": None}


def test_at_most_a_page_of_missed_rows_is_sent(live):
    """Who missed more than a page gets the oldest of it, and the head says how much more."""
    name = next(names)
    live.write(*(step(name, seq) for seq in range(1, 651)))
    with live.client() as client:
        answer = client.call("subscribe", ask(name))
        assert [row["seq"] for row in answer["rows"]] == list(range(1, 501))
        assert answer["head"] == answer["session"]["seq"] == 650


def test_a_row_is_at_the_client_within_a_fifth_of_a_second(live, session):
    """From the commit to the client: within a fifth of a second, typically."""
    with live.client() as client:
        client.call("subscribe", ask(session))
        ages = []
        while len(ages) < 40:
            row = received(client, "log")["rows"][-1]
            ages.append(time.time() - datetime.fromisoformat(row["created_at"]).timestamp())
    assert sorted(ages)[len(ages) // 2] < 0.2


def test_forced_reconnects_under_load(live, session):
    """Twenty connections that end by the client's will, by a cut cable, or by the server, another
    page's with them: every row of the log exactly once, in order.
    """
    rng = random.Random(7)
    page, steady = Page(live, session), Page(live, session)
    steady.connect()
    ends = itertools.cycle([page.disconnect, page.cut, lambda: cut_by_server(live)])
    for end in itertools.islice(ends, 20):
        page.connect()
        seen = page.last
        until(lambda seen=seen: page.last > seen)
        end()
        until(lambda: not page.connected)
        if not steady.connected:
            steady.connect()
        time.sleep(rng.uniform(0, 0.1))  # rows are missed meanwhile
    page.connect()
    q.wait_for_action(q.agent_pause_action(session, "ann"))
    newest = agent_steps.list_steps(session, 0, 100_000)[-1]["seq"]
    for each in (page, steady):
        until(lambda each=each: each.last >= newest)
        assert each.seqs == list(range(1, each.last + 1))
        each.disconnect()


def cut_by_server(live):
    """The server loses every connection that it has."""
    for connection in list(live.web._guard._open):
        connection.shutdown(socket.SHUT_RDWR)


def test_the_lists_room_brings_every_change(live, session):
    """The list's room brings every change of every session, with only the new latencies."""
    with live.client() as client:
        assert client.call("subscribe_sessions", {}) == {"ok": True, "room": "sessions"}
        listed = {row["session_id"]: row for row in live.get("/api/sessions?limit=1000")["items"]}
        seqs, latencies = [listed[session]["seq"]], 0
        while len(seqs) < 10:
            changed = received(client, "sessions")["changed"]
            for row in changed:
                if row["session_id"] == session:
                    latencies += len(row["latencies_ms"])
                    seqs += [row["seq"]] if row["seq"] > seqs[-1] else []
        assert 0 < latencies <= seqs[-1]
        name = next(names)
        q.wait_for_action(q.agent_create(name, "ann", agent_type="odd"))
        until(lambda: any(r["session_id"] == name for r in received(client, "sessions")["changed"]))
        q.wait_for_action(q.agent_destroy_action(name, "ann"))

        def stopped():
            changed = received(client, "sessions")["changed"]
            return any(r["session_id"] == name and r["status"] == "stopped" for r in changed)

        until(stopped)


def test_an_action_is_shown_queued_and_then_with_its_outcome(live, session):
    """An action is shown queued and then with its outcome, applied or rejected, by whoever asks."""
    with live.client() as client:
        assert client.call("subscribe_queue", {}) == {"ok": True, "room": "queue"}
        guided = live.post(
            f"/api/sessions/{session}/interrupt", {"guidance": {"subject": "dogs"}, "actor": "ann"}
        )["action_id"]
        refused = q.agent_pause_action("nobody-there", "ann")
        seen = {guided: [], refused: []}

        def all_in():
            for row in received(client, "actions")["changed"]:
                if row["action_id"] in seen:
                    seen[row["action_id"]].append(row)
            return all(rows and rows[-1]["processed"] for rows in seen.values())

        until(all_in)
        assert seen[guided][-1]["outcome"] == "applied"
        assert seen[guided][-1]["applied_seq"] > 0
        assert seen[refused][-1]["outcome"] == "rejected"
        assert "nobody-there" in seen[refused][-1]["error"]
        for rows in seen.values():
            outcomes = [row["outcome"] for row in rows]
            assert outcomes == sorted(set(outcomes), key=["queued", "applied", "rejected"].index)
        shown, asked = seen[guided][-1], live.get(f"/api/actions/{guided}")
        assert {**asked, **shown} == asked
        assert asked.keys() - shown.keys() == {"understood", "can_undo"}


def test_a_conversations_room_brings_every_message_once(live):
    """Its room brings every message once, by number, also one that is written meanwhile."""
    q.wait_for_action(q.conversation_create("talk", "ann"))
    q.wait_for_action(q.post_message("talk", "ann", "one"))
    with live.client() as client:
        answer = client.call("subscribe_conversation", {"conversation_id": "talk", "after": 0})
        assert answer["room"] == "conversation::talk"
        assert (answer["head"], [row["text"] for row in answer["rows"]]) == (1, ["one"])
        for n in range(2, 6):
            q.post_message("talk", "bob", f"message {n}")
        numbers = set()
        while numbers < {2, 3, 4, 5}:
            event = received(client, "messages")
            assert event["conversation_id"] == "talk"
            numbers |= {row["number"] for row in event["rows"]}
        assert numbers <= {1, 2, 3, 4, 5}  # seen twice, never missed


def test_a_message_between_the_page_and_the_room_is_not_lost(live, monkeypatch):
    """What is written while a subscription is answered is in the answer or comes by the room."""
    q.wait_for_action(q.conversation_create("between", "ann"))
    feed = live.web._feed
    feed._follower._following = False  # as if nobody had looked for long

    def last_messages(*given, **more):
        found = messages.last_messages(*given, **more)
        q.wait_for_action(q.post_message("between", "ann", "just now"))
        return found

    shown = SimpleNamespace(list_messages=messages.list_messages, last_messages=last_messages)
    monkeypatch.setattr(sockets, "messages", shown)
    with live.client() as client:
        answer = client.call("subscribe_conversation", {"conversation_id": "between"}, timeout=20)
        assert answer["head"] == 0
        assert received(client, "messages")["rows"][0]["text"] == "just now"


def test_who_unsubscribes_hears_no_more_of_that_room(live, session):
    """No more of that room; others go on."""
    with live.client() as client:
        room = client.call("subscribe", ask(session))["room"]
        client.call("subscribe_sessions", {})
        received(client, "log")
        assert client.call("unsubscribe", {"room": room}) == {"ok": True, "room": room}
        for _ in range(5):
            received(client, "sessions")
        client.input_buffer.clear()
        assert "log" not in [client.receive(timeout=10)[0] for _ in range(5)]
    assert not live.web._feed._rooms.occupied(room)


REFUSED = [
    ("subscribe", [{}], 422, "session_id"),
    ("subscribe", [{"agent_id": "a", "session_id": 5, "after_seq": 0}], 422, "session_id"),
    ("subscribe", [{"agent_id": "a", "session_id": "a", "after_seq": "0"}], 422, "after_seq"),
    ("subscribe", [{"agent_id": "a", "session_id": "a", "after_seq": True}], 422, "after_seq"),
    ("subscribe", [{"agent_id": "a", "session_id": "a", "after_seq": -1}], 422, "after_seq"),
    ("subscribe", [{"agent_id": "a", "session_id": "a", "after_seq": 1e300}], 422, "after_seq"),
    ("subscribe", [{"agent_id": "a", "session_id": "a", "x": 1}], 422, "x"),
    ("subscribe", [{"agent_id": "", "session_id": "a"}], 422, "agent_id"),
    ("subscribe", [{"agent_id": "a\n", "session_id": "a"}], 422, "agent_id"),
    ("subscribe", [{"agent_id": "nobody", "session_id": "nobody"}], 404, "nobody"),
    ("subscribe", [None], 422, ""),
    ("subscribe", ["text"], 422, ""),
    ("subscribe", [[1, 2]], 422, ""),
    ("subscribe", [], 422, "0 arguments"),
    ("subscribe", [{}, {}], 422, "2 arguments"),
    ("subscribe_sessions", [{"more": 1}], 422, "more"),
    ("subscribe_queue", [[]], 422, ""),
    ("subscribe_conversations", [{"after": 0}], 422, "after"),
    ("subscribe_conversation", [{"conversation_id": "nowhere"}], 404, "nowhere"),
    ("subscribe_conversation", [{"conversation_id": {"a": 1}}], 422, "conversation_id"),
    ("unsubscribe", [{"room": 7}], 422, "room"),
    ("pause", [{"session_id": "a"}], 404, "expected subscribe"),
    ("message", ["hello"], 404, "expected subscribe"),
    ("e" * 5_000, [], 404, "no such event"),
]


@pytest.mark.parametrize(("event", "given", "status", "says"), REFUSED)
def test_bad_messages_are_refused(live, event, given, status, says):
    """The answer says what was given and expected; the socket goes on, and nothing is enqueued."""
    enqueued = live.get("/api/actions?limit=1000")["items"]
    with Raw(live.port) as raw:
        answer = raw.joined().call(event, *given)
        assert answer["ok"] is False
        assert answer["problem"]["status"] == status
        assert says in str(answer["problem"])
        assert len(str(answer)) < 1_500
        assert raw.call("subscribe_sessions", {})["ok"]
    assert live.get("/api/actions?limit=1000")["items"] == enqueued


def test_a_message_without_an_ack_does_what_it_says(live, session):
    """A message that asks for no answer gets none, and does what it says."""
    with live.client() as client:
        client.emit("subscribe", ask(session))
        assert received(client, "log")["session_id"] == session
        client.emit("subscribe", {"nonsense": True})
        client.emit("nonsense")
        assert received(client, "log")["session_id"] == session


MALFORMED = [
    "", "x", "9", "6", "5", "2probe", "0", "٤", "b", "bAAAA", "4", "4x", "47", "4²", "42", "42x",
    "42{}", "42[]", "42[5]", '42[{"a":1}]', '42["disconnect"]', '42["*",{}]', '42["connect",{}]',
    '42["a"', "43[]", "431[]", "44", '44{"m":1}', "461-[]",
    '451-["a",{"_placeholder":true,"num":0}]',
    '42/other,["subscribe",{}]', "4" + "2" * 500, "42" + "[" * 30_000, '42["subscribe",NaN]',
    '42["\\ud800"]', b"", b"\x00\x01", b'42["subscribe",{}]', "42999999999999999999" + "[]",
]  # fmt: skip


@pytest.mark.parametrize("packet", MALFORMED, ids=lambda packet: repr(packet[:12]))
def test_what_is_not_understood_ends_the_socket(live, packet, capfd):
    """Malformed packets of either protocol, binary ones too: closed at once, without a word."""
    had = threads()
    with Raw(live.port) as raw:
        raw.joined().send(packet)
        assert raw.ended()
    until(lambda: threads() <= had, "its threads have ended")
    assert "Traceback" not in capfd.readouterr().err


def test_an_event_before_the_connect_ends_the_socket(live):
    with Raw(live.port) as raw:
        assert raw.read().startswith("0{")
        raw.send('421["subscribe_sessions",{}]')
        assert raw.ended()


@pytest.mark.parametrize(
    "frames",
    [
        [(b"x" * (MAX_MESSAGE_BYTES + 10), 1, True)],
        [(b"x" * 40_000, 1, False), (b"x" * 40_000, 0, True)],
        [(b"x" * 1_000, 1, False), *[(b"x" * 1_000, 0, False)] * 200],
        [(b"\xff\xfe", 1, True)],
        [(b"x", 3, True)],
        [(b"x" * 200, 9, True)],
        [(b"", 8, True)],
    ],
    ids=["large", "large in parts", "endless", "no UTF-8", "no opcode", "large ping", "close"],
)
def test_frames_that_are_too_large_or_wrong(live, frames, capfd):
    """The socket is closed while it is read, before the whole is in memory."""
    had = threads()
    with Raw(live.port) as raw:
        raw.joined()
        try:
            for body, opcode, last in frames:
                raw.send(body, opcode=opcode, last=last)
        except OSError:
            pass  # it was closed meanwhile
        assert raw.ended()
    until(lambda: threads() <= had, "its threads have ended")
    assert "Traceback" not in capfd.readouterr().err


def test_a_large_message_that_fits(live):
    """Just below the bound it is read, and refused for what it says."""
    with Raw(live.port) as raw:
        answer = raw.joined().call("subscribe", {"agent_id": "x" * (MAX_MESSAGE_BYTES - 100)})
        assert answer["problem"]["status"] == 422
        assert len(str(answer)) < 1_000


def test_floods_are_closed_and_others_get_every_row(live, session, capfd):
    """Floods from several sockets are closed; another client gets every row on time, and neither
    threads nor memory grow.
    """
    process = psutil.Process()
    page = Page(live, session)
    page.connect()
    had, memory = threads(), process.memory_info().rss
    enqueued = live.get("/api/actions?limit=1000")["items"]
    bad = ['421["subscribe",{}]', '42["nonsense"]', "3", '421["unsubscribe",{"room":"x"}]', "40/x,"]
    sent, closed = 0, 0
    ends_at = time.monotonic() + 3
    gaps, seen, seen_at = [], len(page.seqs), time.monotonic()
    while time.monotonic() < ends_at:
        with Raw(live.port) as raw:
            if raw.status == 503:  # sockets are opened too fast as well
                continue
            raw.joined()
            burst = b"".join(frame(bad[n % len(bad)].encode(), 1) for n in range(2_000))
            try:
                for _ in range(5):
                    raw.socket.sendall(burst)
                    sent += 2_000
            except OSError:
                pass
            assert raw.ended()
            closed += 1
        if len(page.seqs) > seen:
            now = time.monotonic()
            gaps.append(now - seen_at)
            seen, seen_at = len(page.seqs), now
    assert closed > 3
    assert sent > 10_000
    assert page.seqs == list(range(1, page.last + 1))
    assert max(gaps) < 1.5
    page.disconnect()
    until(lambda: threads() <= had | pings(), "their threads have ended")
    assert process.memory_info().rss - memory < 60 << 20
    assert live.get("/api/actions?limit=1000")["items"] == enqueued
    assert "Traceback" not in capfd.readouterr().err
    with live.client() as client:
        assert client.call("subscribe_sessions", {})["ok"]


def test_rooms_of_one_socket_are_bounded(live, session):
    """The 65th room is refused; one that the socket is in already is not."""
    made = [next(names) for _ in range(65)]
    live.write(*(conversation(name) for name in made))
    with live.client() as client:

        def subscribed(name):
            time.sleep(1 / MESSAGES_PER_S)  # no faster than a socket may speak
            return client.call("subscribe_conversation", {"conversation_id": name})

        answers = [subscribed(name) for name in made]
        again = subscribed(made[0])
    assert [answer["ok"] for answer in answers] == [True] * 64 + [False]
    assert answers[-1]["problem"]["status"] == 429
    assert again["ok"]


def conversation(name):
    row = {
        "conversation_id": name, "title": None, "created_by": "ann", "created_action": None,
        "created_at": 1_700_000_000_000_000,
    }  # fmt: skip
    return Record("conversations", orjson.dumps(row))


def test_a_socket_may_speak_again_later(live):
    """The bound is on the rate: after a burst and a pause there is room for more."""
    with live.client() as client:
        for _ in range(MESSAGES_AT_ONCE - 10):
            assert client.call("subscribe_queue", {})["ok"]
        time.sleep(0.5)
        for _ in range(10):
            assert client.call("subscribe_queue", {})["ok"]


def test_a_socket_that_speaks_too_much_is_closed(live):
    """However well it speaks: not much more is answered than the burst and the rate allow."""
    began, answered = time.monotonic(), 0
    with Raw(live.port) as raw:
        raw.joined()
        with contextlib.suppress(ConnectionError):
            while answered < 1_000:
                raw.call("unsubscribe", {"room": "none"})
                answered += 1
    allowed = MESSAGES_AT_ONCE + MESSAGES_PER_S * (time.monotonic() - began)
    assert MESSAGES_AT_ONCE - 5 <= answered <= allowed


def test_another_space_is_refused(live):
    """There is one namespace; a client of another hears so."""
    client = socketio.Client(reconnection=False)
    with pytest.raises(socketio.exceptions.ConnectionError):
        client.connect(live.url, transports=["websocket"], namespaces=["/admin"])
    client.disconnect()


def test_polling_is_refused(live):
    """There is one transport; /socket.io without an upgrade is a clear refusal."""
    for query in ("EIO=4&transport=polling", "EIO=4&transport=websocket", "EIO=3", ""):
        for method in ("GET", "POST", "DELETE"):
            status, _, _ = live.ask(method, f"/socket.io/?{query}")
            assert status in (400, 405), (method, query, status)


def test_each_join_is_answered_while_others_leave(live, session):
    """Sockets that come, join, leave and go all at the same time: each join is answered, and who
    stays gets the room's rows.
    """
    failures = []

    def churn(n):
        try:
            for _ in range(2):
                with live.client() as client:
                    for _ in range(6):
                        assert client.call("subscribe", ask(session, 1 << 40), timeout=10)["ok"]
                        room = f"run::{session}::{session}"
                        assert client.call("unsubscribe", {"room": room}, timeout=10)["ok"]
                    client.call("subscribe", ask(session, 1 << 40), timeout=10)
                    received(client, "log")
        except Exception as error:  # noqa: BLE001 - reported by the test's own thread
            failures.append(repr(error))

    churners = [threading.Thread(target=churn, args=(n,)) for n in range(6)]
    for churner in churners:
        churner.start()
    for churner in churners:
        churner.join(60)
    assert failures == []
    until(lambda: live.sockets() == 0)
    assert live.web._socketio.server.manager.rooms == {}
    assert live.web._feed._rooms.lagging == 0


def threads():
    """Threads of the web that serve somebody; those that wait for a ping's time end by it."""
    return {t.ident for t in threading.enumerate()} - pings()


def pings():
    return {t.ident for t in threading.enumerate() if "_send_ping" in t.name}


def test_rooms_of_ids_that_hold_the_separator(live):
    """Who subscribes to one of two sessions hears of that alone, and leaves that alone."""
    pairs = [("x", "y::z"), ("x::y", "z"), ("x:", "w"), ("x", ":w")]
    quiet = {"config": {"heartbeat_s": 3_600}}
    for agent in ("x", "x::y", "x:"):
        q.wait_for_action(q.agent_create(agent, "ann", **quiet))
    for agent, session in pairs:
        made = q.wait_for_action(q.agent_create(agent, "ann", session_id=session, **quiet))
        assert made["outcome"] == "applied"
    for _, session in pairs:
        until(lambda session=session: agent_steps.list_steps(session)[-1]["kind"] == "tick")

    def interrupt(agent, session):
        asked = q.agent_interrupt(agent, "ann", {"subject": "owls"}, session_id=session)
        assert q.wait_for_action(asked)["outcome"] == "applied"

    with live.client() as client:
        rooms = [
            client.call("subscribe", {"agent_id": agent, "session_id": session})["room"]
            for agent, session in pairs
        ]
        assert len(set(rooms)) == len(pairs)
        for room in rooms[1:]:
            client.call("unsubscribe", {"room": room})
        for agent, session in reversed(pairs):
            interrupt(agent, session)
        heard = received(client, "log")
        while not any(row["kind"] == "guidance" for row in heard["rows"]):  # a first tick
            heard = received(client, "log")
        assert (heard["agent_id"], heard["session_id"], heard["room"]) == (*pairs[0], rooms[0])
