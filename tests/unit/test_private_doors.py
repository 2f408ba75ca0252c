"""Where we reach into a library that promises nothing there; a new version must pass this first.

BAML's runtime and aiohttp have files of their own in tests/integration/llm: test_baml_contract.py
and test_aiohttp_contract.py.
"""

import asyncio
import asyncio.base_subprocess
import inspect
import threading
from datetime import UTC, datetime

import engineio
import flask
import pybreaker
import simple_websocket
import socketio
from engineio.socket import Socket
from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler

from reins.web.live.sockets import make_socketio
from reins.web.live.websocket import WebSocket


def test_engine_io_makes_its_sockets_of_what_we_put_there():
    """`_async["websocket"]` is called with a handler and the server, then with the request."""
    seen = []

    class Door:
        def __init__(self, handler, server):
            seen.append((handler, server))

        def __call__(self, environ, start_response):
            seen.append((environ, start_response))
            return []

    server = engineio.Server(async_mode="threading")
    assert "websocket" in server._async
    server._async = {**server._async, "websocket": Door}
    environ = {"HTTP_CONNECTION": "Upgrade", "HTTP_UPGRADE": "websocket"}
    Socket(server, "sid").handle_get_request(environ, "start")
    assert callable(seen[0][0])
    assert seen[0][1] is server
    assert seen[1] == (environ, "start")


def test_our_door_is_in():
    """The server that serves the page has our WebSocket behind that name."""
    engine = make_socketio(flask.Flask(__name__)).server.eio
    assert engine._async["websocket"] is WebSocket


def test_engine_io_lists_its_sockets_with_their_queues():
    """`sockets` maps an id to a socket, whose `queue` says how much waits in it."""
    server = engineio.Server(async_mode="threading")
    assert server.sockets == {}
    assert Socket(server, "sid").queue.qsize() == 0


def test_socket_io_keeps_its_rooms_where_we_read_them():
    """`manager.rooms` is a space, its rooms, and their members by Engine.IO's ids."""
    server = socketio.Server(async_mode="threading")
    sid = server.manager.connect("eio", "/")
    server.manager.enter_room(sid, "/", "room")
    assert server.manager.rooms["/"]["room"] == {sid: "eio"}
    assert server.manager.rooms["/"][None] == {sid: "eio"}
    assert list(server.manager.get_participants("/", "room")) == [(sid, "eio")]
    assert server.manager.eio_sid_from_sid(sid, "/") == "eio"
    assert issubclass(server.packet_class, socketio.packet.Packet)


def test_simple_websocket_reads_what_we_bound():
    """`_handle_events` returns False at the end; what is read waits in `input_buffer`, and its
    reader for `event` or the end of `connected`.
    """
    bare = simple_websocket.Server.__new__(simple_websocket.Server)
    bare.input_buffer, bare.event, bare.connected = ["first"], threading.Event(), True
    assert bare.receive(timeout=0) == "first"
    assert callable(simple_websocket.Server._handle_events)
    for name in ("input_buffer", "event", "connected"):
        read = simple_websocket.ws.Base.receive.__code__.co_names
        written = simple_websocket.ws.Base._handle_events.__code__.co_names
        assert name in {*read, *written, *simple_websocket.ws.Base._thread.__code__.co_names}
    assert "_handle_events" in simple_websocket.ws.Base._thread.__code__.co_names


def test_pybreaker_keeps_the_time_at_which_it_opened():
    """`_state_storage.opened_at` is None, then a time in UTC."""
    breaker = pybreaker.CircuitBreaker()
    assert breaker._state_storage.opened_at is None
    breaker.open()
    gone = datetime.now(UTC) - breaker._state_storage.opened_at
    assert 0 <= gone.total_seconds() < 60


def test_werkzeug_is_made_of_what_we_change():
    """The server and its handler have the methods that ours stand in for."""
    for name in ("make_environ", "run_wsgi", "log_request", "log_error", "send_error"):
        assert callable(getattr(WSGIRequestHandler, name))
    for name in ("handle_error", "log", "serve_forever", "shutdown", "server_close"):
        assert callable(getattr(ThreadedWSGIServer, name))
    assert "werkzeug.socket" in WSGIRequestHandler.make_environ.__code__.co_consts


def test_asyncio_starts_a_child_where_we_say_how():
    """`_start` is given Popen's arguments by name, and `_process_exited` takes the code."""
    door = asyncio.base_subprocess.BaseSubprocessTransport
    given = inspect.signature(door._start).parameters
    assert list(given)[1:] == [
        "args", "shell", "stdin", "stdout", "stderr", "bufsize", "kwargs",
    ]  # fmt: skip
    assert list(inspect.signature(door._process_exited).parameters) == ["self", "returncode"]
    assert "waiter" in inspect.signature(door).parameters
