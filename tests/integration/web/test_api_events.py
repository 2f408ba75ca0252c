"""The log as server-sent events: whole, in order, from where the reader left off."""

import http.client
import json

import pytest

from reins.web.api.sessions import events
from store.agent_steps import list_steps
from tests.support.waiting import until

ANN = {"actor": "ann"}


@pytest.fixture
def listen(api, port):
    """Open a stream; returns the answer."""
    opened = []

    def open_stream(path="/api/sessions/c/events", **headers):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        opened.append((connection, answer))
        return answer

    yield open_stream
    api.web.stop()
    for connection, answer in opened:
        answer.close()
        connection.close()


@pytest.fixture
def ticking(api):
    """A session that ticks twenty times a second."""
    body = {"agent_id": "c", "agent_type": "odd", **ANN}
    api.done("/api/sessions", body)
    return api


def rows_of(answer, count):
    """The next rows of a stream; each has its seq as its id."""
    rows = []
    while len(rows) < count:
        line = answer.readline().decode()
        assert line, "the stream has ended"
        if line.startswith("id: "):
            number = int(line.removeprefix("id: "))
            assert answer.readline() == b"event: log\n"
            rows.append(json.loads(answer.readline().removeprefix(b"data: ")))
            assert rows[-1]["seq"] == number
    return rows


def seqs(rows):
    return [row["seq"] for row in rows]


def test_what_there_is_then_what_comes(ticking, listen):
    """Rows from before and after the stream was opened, each once, in order, as the store has
    them; without their snapshots."""
    until(lambda: ticking.get("/api/sessions/c")["seq"] >= 5)
    answer = listen()
    assert answer.getheader("Content-Type").startswith("text/event-stream")
    assert answer.getheader("Cache-Control") == "no-store"
    assert answer.readline() == b"retry: 1000\n"
    rows = rows_of(answer, 20)
    assert seqs(rows) == list(range(1, 21))
    assert [row["text"] for row in rows] == [row["text"] for row in list_steps("c", 0, 20)]
    assert all(row["state"] is None for row in rows)


def test_from_where_it_was_left(ticking, listen):
    """By Last-Event-ID, which goes before after_seq."""
    until(lambda: ticking.get("/api/sessions/c")["seq"] >= 8)
    assert seqs(rows_of(listen("/api/sessions/c/events?after_seq=3"), 3)) == [4, 5, 6]
    again = listen("/api/sessions/c/events?after_seq=3", **{"Last-Event-ID": "6"})
    assert seqs(rows_of(again, 3)) == [7, 8, 9]


def test_a_gap_is_filled_from_the_log(ticking, listen, monkeypatch):
    """A reader for whom too little was kept misses nothing."""
    monkeypatch.setattr("reins.web.live.sse._STREAM_ROWS", 1)
    first = rows_of(listen(), 1)
    assert seqs(first) == [1]
    answer = listen("/api/sessions/c/events?after_seq=1")
    rows = rows_of(answer, 40)
    assert seqs(rows) == list(range(2, 42))


def test_it_goes_on_after_the_end_of_the_session(ticking, listen):
    """A session that is created again continues its log, and the stream with it."""
    answer = listen()
    ticking.done("/api/sessions/c/destroy", ANN)
    ticking.done("/api/sessions", {"agent_id": "c", "agent_type": "odd", **ANN})
    head = ticking.get("/api/sessions/c")["seq"]
    rows = rows_of(answer, head + 3)
    assert "final" in [row["kind"] for row in rows]
    assert seqs(rows) == list(range(1, head + 4))


def test_it_says_that_it_is_there(api, listen, monkeypatch):
    """A comment where nothing happens, so that a reader that has gone is found out."""
    monkeypatch.setattr(events, "_SILENCE_S", 0.0)
    monkeypatch.setattr(events, "_TURN_S", 0.05)
    body = {"agent_id": "c", "agent_type": "odd", "config": {"heartbeat_s": 600}, **ANN}
    api.done("/api/sessions", body)
    answer = listen()
    until(lambda: answer.readline().startswith(b": "))


def test_a_reader_that_has_gone_is_let_go(ticking, listen):
    """Its stream is closed."""
    answer = listen()
    rows_of(answer, 2)
    assert ticking.get("/api/system")["clients"]["streams"] == 1
    answer.close()
    until(lambda: ticking.get("/api/system")["clients"]["streams"] == 0)


def test_one_too_many_is_told_when_to_come_back(ticking, listen, monkeypatch):
    """503, and when to come back; the others go on."""
    monkeypatch.setattr(events, "MAX_STREAMS", 2)
    for _ in range(2):
        rows_of(listen(), 1)
    refused = listen()
    assert refused.status == 503
    assert int(refused.getheader("Retry-After")) > 0
    assert refused.getheader("Content-Type") == "application/problem+json"


def test_it_ends_with_the_service(ticking, listen):
    """Within a turn, and cleanly."""
    answer = listen()
    rows_of(answer, 1)
    ticking.web.stop()
    until(lambda: answer.readline() == b"")


@pytest.mark.parametrize("given", ["x", "-1", "1.5", "99999999999999999999"])
def test_a_last_event_id_that_is_none(idle, given):
    """422."""
    problem = idle.get("/api/sessions/c/events", 422, headers={"Last-Event-ID": given})
    assert problem["problems"][0]["where"] == "header.Last-Event-ID"
