"""Sockets whose clients are gone are closed by the time that passes."""

import time
from types import SimpleNamespace

import pytest

from reins.web.live.socket_monitor import SocketMonitor


class Socket:
    closed = closing = False

    def __init__(self):
        self.last_ping = time.time()
        self.silent_s = None

    def check_ping_timeout(self):
        self.silent_s = time.time() - self.last_ping


@pytest.mark.parametrize("jump", [2, -2, 3_600, -3_600, 86_400, -86_400, 126_144_000])
def test_a_clock_that_is_set_ends_no_socket_and_keeps_none(jump, monkeypatch):
    """Each has been silent for as long as it was."""
    asked, answered = Socket(), Socket()
    answered.last_ping = None
    answered.check_ping_timeout = lambda: None
    engine = SimpleNamespace(sockets={"a": asked, "b": answered})
    monitor = SocketMonitor(SimpleNamespace(server=SimpleNamespace(eio=engine)), every_s=1.0)
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + jump)
    monitor.run_once()
    assert abs(asked.silent_s) < 0.5
    monkeypatch.setattr(time, "time", real)
    monitor.run_once()
    assert abs(asked.silent_s) < 0.5
    assert answered.last_ping is None
