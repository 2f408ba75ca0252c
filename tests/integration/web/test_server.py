"""The server's end: whoever is connected, and however, does not keep the process."""

import contextlib
import itertools
import socket
import struct
import threading
import time
import urllib.request

import pytest
import structlog

import queue_imp as q
from reins.web.server import PortUnusableError, Server, listen
from tests.integration.web.serving import Address, Page, Raw, serving
from tests.integration.web.test_web_only import port_of
from tests.support.waiting import until
from tests.support.worker import Worker


def hello(_environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "5")])
    return [b"hello"]


def broken(_environ, _start_response):
    raise RuntimeError("as asked")


def get(port):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=10) as answer:
        return answer.read()


def test_it_serves_until_it_is_stopped():
    """On the socket that it was given, which it does not need to be open any more."""
    had = len(serving())
    with listen("127.0.0.1", 0) as listening:
        port = listening.getsockname()[1]
        server = Server(listening, hello)
    server.start()
    assert get(port) == b"hello"
    server.stop()
    server.stop()
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", port), timeout=5)
    with pytest.raises(RuntimeError, match="stopped"):
        server.start()
    until(lambda: len(serving()) <= had)


def test_a_port_that_is_taken():
    """The error names the address and what to do."""
    with listen("127.0.0.1", 0) as listening:
        port = listening.getsockname()[1]
        with pytest.raises(PortUnusableError, match=rf"127\.0\.0\.1:{port} .* --port"):
            listen("127.0.0.1", port)


def test_an_application_that_fails(capfd):
    """500 to the client, one line in the log, nothing else on standard error; it goes on."""
    with listen("127.0.0.1", 0) as listening, structlog.testing.capture_logs() as said:
        port = listening.getsockname()[1]
        server = Server(listening, broken)
        server.start()
        for _ in range(2):
            with pytest.raises(urllib.error.HTTPError) as refused:
                get(port)
            assert refused.value.code == 500
            refused.value.close()
        until(lambda: len(said) >= 2, "a line of the log for each, written after its answer")
        server.stop()
    assert [line["log_level"] for line in said] == ["error", "error"]
    assert all("as asked" in str(line) for line in said), said
    assert capfd.readouterr() == ("", "")


def test_an_answer_is_closed_when_its_client_resets():
    """As a proxy does that has what it needs: no file, and no stream, is left open behind it."""
    gone, closed = threading.Event(), threading.Event()

    class Answer:
        def __iter__(self):
            yield b"hello"
            gone.wait(20)

        def close(self):
            closed.set()

    def slow(_environ, start_response):
        start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "5")])
        return Answer()

    with listen("127.0.0.1", 0) as listening:
        server = Server(listening, slow)
        server.start()
        client = socket.create_connection(listening.getsockname(), timeout=20)
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        until(lambda: client.recv(4_096).endswith(b"hello"))
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()
        gone.set()
        assert closed.wait(20)
        server.stop()


def test_who_never_sends_what_it_announced():
    """It gets its answer at once, and the connection ends: nobody waits for the rest."""

    def refuse(_environ, start_response):
        start_response("413 Content Too Large", [("Content-Length", "0")])
        return [b""]

    with listen("127.0.0.1", 0) as listening:
        server = Server(listening, refuse)
        server.start()
        began = time.monotonic()
        with socket.create_connection(listening.getsockname(), timeout=20) as connection:
            connection.sendall(b"POST / HTTP/1.1\r\nContent-Length: 99999999\r\n\r\nsome")
            said = b""
            while more := connection.recv(4_096):
                said += more
        assert b" 413 " in said
        assert time.monotonic() - began < 5
        server.stop()


def test_a_stop_with_everybody_connected_is_quick_and_clean(tmp_path, monkeypatch):
    """Open pages, streams of events, clients that read nothing, half a request, half a body, a
    flood: `app.py` exits with 0 within a few seconds of SIGTERM, and all of them see the end.
    """
    data = tmp_path / "data"
    monkeypatch.setenv("REINS_DATA", str(data))
    with (
        Worker(data, tmp_path / "app", "app.py", "--port", "0") as web,
        contextlib.ExitStack() as opened,
    ):
        at = Address(port_of(web))
        q.wait_for_action(q.agent_create("jo", "ann", "cats"))
        pages = [Page(at, "jo") for _ in range(5)]
        for page in pages:
            page.connect()
        stalled = [opened.enter_context(Raw(at.port, receive_bytes=4_096)) for _ in range(5)]
        for raw in stalled:
            raw.joined().call("subscribe", {"agent_id": "jo", "session_id": "jo"})
        silent = opened.enter_context(Raw(at.port))
        assert silent.status == 101
        plain = [
            opened.enter_context(socket.create_connection(("127.0.0.1", at.port), timeout=20))
            for _ in range(12)
        ]
        json = b"Content-Type: application/json\r\nContent-Length: 9\r\n\r\n{"
        requests = [
            b"GET /api/sessions/jo/events HTTP/1.1\r\nHost: localhost\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost:",
            b"POST /api/sessions HTTP/1.1\r\nHost: localhost\r\n" + json,
        ]
        for connection, request in zip(plain, itertools.cycle(requests), strict=False):
            connection.sendall(request)
        until(lambda: at.get("/api/system")["clients"]["streams"] == 4)
        until(lambda: all(page.last > 10 for page in pages))
        began = time.monotonic()
        assert web.stop() == 0
        assert time.monotonic() - began < 8
        for page in pages:
            until(lambda page=page: not page.connected)
            assert page.seqs == list(range(1, page.last + 1))
        for raw in (*stalled, silent):
            assert raw.ended()
        said = web.stderr.read_text()
    assert "Traceback" not in said
    assert '"level": "error"' not in said
