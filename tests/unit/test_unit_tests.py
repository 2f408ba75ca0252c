"""A unit test cannot reach the disk, a server or a process; what it tries is found at its end."""

import contextlib
import os
import socket
import sqlite3
import subprocess
import sys

import pytest


def connect():
    with contextlib.closing(socket.socket()) as made:
        made.connect(("127.0.0.1", 9))


def listen():
    with contextlib.closing(socket.socket()) as made:
        made.bind(("127.0.0.1", 0))


@pytest.mark.parametrize(
    "reach",
    [
        connect,
        listen,
        lambda: subprocess.run([sys.executable, "-c", ""], check=True),
        lambda: sqlite3.connect(":memory:"),
        lambda: open("written", "w"),  # noqa: PTH123, SIM115 - as the code under test might
        lambda: os.open("written", os.O_RDWR | os.O_CREAT),
        lambda: os.mkdir("made"),  # noqa: PTH102
    ],
    ids=["connect", "listen", "process", "sqlite", "open", "os.open", "mkdir"],
)
def test_a_unit_test_that_leaves_the_process_fails(reached, reach):
    """It is refused at once, and the test fails even if the code swallows the refusal."""
    with pytest.raises(PermissionError):
        reach()
    assert len(reached) == 1
    reached.clear()
