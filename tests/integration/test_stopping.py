"""Stops at the wrong moment, and stops of which a step fails: all else ends, with exit code 0."""

import contextlib
import os
import signal
import socket
from pathlib import Path

import pytest
import structlog

import queue_imp
from agent_core.dispatch.dispatcher import Dispatcher
from agent_core.loop_monitor import LoopMonitor
from agents import Runtime
from reins.llm import ModelRouter
from reins.settings import load_settings
from reins.web.application import Web
from store.flush import Flush
from store.journal.journal import Journal
from store.store import Store
from tests.integration.test_app import address
from tests.support.waiting import until
from tests.support.worker import Worker

ENTRIES = [
    ("app.py", "--port", "0"),
    ("-m", "agents"),
    ("-m", "reins", "run", "--port", "0"),
    ("-m", "reins", "work"),
]
HANDSHAKE = (
    b"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


def minds(process, number):
    """True once the process has a handler of its own for a signal."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    [caught] = [line.split()[1] for line in status.splitlines() if line.startswith("SigCgt")]
    return bool(int(caught, 16) >> (number - 1) & 1)


def clean(worker):
    said = worker.stderr.read_text()
    assert "Traceback" not in said, said
    assert '"level": "error"' not in said, said


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("entry", ENTRIES, ids=" ".join)
def test_a_signal_during_the_imports(tmp_path, entry, number):
    """They take seconds, in which nothing has begun: it ends at once, as asked."""
    with Worker(tmp_path / "data", tmp_path / "log", *entry, imports=True) as worker:
        until(lambda: minds(worker.process, signal.SIGTERM), "it has its handlers")
        assert worker.stop(number) == 0
        clean(worker)
    assert not (tmp_path / "data" / "owner.json").exists()


@pytest.mark.parametrize("moment", ["format.json", "queue.lance", "owner.json", "journal.sqlite"])
@pytest.mark.parametrize("entry", ENTRIES[:2], ids=" ".join)
def test_a_signal_while_the_folder_is_opened(tmp_path, entry, moment):
    """The start is completed, then undone; the folder is free again."""
    data = tmp_path / "data"
    with Worker(data, tmp_path / "log", *entry) as worker:
        until((data / moment).exists, "the start has got there")
        assert worker.stop() == 0
        clean(worker)
    assert not (data / "owner.json").exists()


@pytest.mark.parametrize("entry", ENTRIES[:2], ids=" ".join)
def test_signals_until_the_very_end(tmp_path, entry):
    """One that comes when the loop has ended, and the process has not, is no other end."""
    with Worker(tmp_path / "data", tmp_path / "log", *entry) as worker:
        worker.started()
        while worker.process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(worker.process.pid, signal.SIGTERM)
                os.kill(worker.process.pid, signal.SIGINT)
        assert worker.process.wait(5) == 0
        clean(worker)


def test_a_signal_while_pages_connect(tmp_path):
    """Sockets that connect before, during and after it; the library's monitor failed on that."""
    with Worker(tmp_path / "data", tmp_path / "log", "app.py", "--port", "0") as worker:
        port = int(address(worker).rpartition(":")[2])
        worker.process.send_signal(signal.SIGTERM)
        with contextlib.ExitStack() as held:
            while worker.process.poll() is None:
                with contextlib.suppress(OSError):
                    page = socket.create_connection(("127.0.0.1", port), 0.3)
                    held.enter_context(page)
                    page.sendall(HANDSHAKE)
                    page.settimeout(0.3)
                    page.recv(99)
        assert worker.process.wait(5) == 0
        clean(worker)


HOLDS = """
import threading
threading.Thread(target=threading.Event().wait, daemon=False).start()
"""


@pytest.mark.parametrize("entry", ENTRIES[:2], ids=" ".join)
def test_a_thread_that_never_ends_does_not_hold_the_process(tmp_path, entry):
    """Python waits for it without a limit; the process ends all the same, and says what held it."""
    (tmp_path / "holding.py").write_text(HOLDS)
    settings = {"REINS_AGENT_MODULES": '["holding"]', "PYTHONPATH": str(tmp_path)}
    with Worker(tmp_path / "data", tmp_path / "log", *entry, settings=settings) as worker:
        worker.started()
        assert worker.stop() == 0
        said = worker.stderr.read_text()
    assert "the process did not end by itself" in said
    assert "in wait" in said
    assert not (tmp_path / "data" / "owner.json").exists()


STEPS = {
    "the dispatcher": (Dispatcher, lambda runtime: runtime.dispatcher),
    "the loop monitor": (LoopMonitor, lambda runtime: runtime.loop_monitor),
    "the models": (ModelRouter, lambda runtime: runtime.model),
    "the flush": (Flush, lambda runtime: runtime.store._flush),
    "the journal": (Journal, lambda runtime: runtime.store.journal),
    "the store": (Store, lambda runtime: runtime.store),
}


@pytest.mark.parametrize("step", STEPS)
async def test_a_step_of_the_worker_that_fails(tmp_path, monkeypatch, step):
    """It is told in one line; every other step runs, and the folder can be owned again."""
    kind, part_of = STEPS[step]

    def broken(*_):
        raise AttributeError("'NoneType' object has no attribute 'join'")

    with monkeypatch.context() as patched:
        patched.setattr(kind, "stop", broken)
        runtime = Runtime(load_settings(data=tmp_path / "data"))
        await runtime.start()
        part = part_of(runtime)
        with structlog.testing.capture_logs() as said:
            await runtime.stop()
    assert [line["step"] for line in said if line["log_level"] == "error"] == [step]
    ended = part.stop()  # what was left undone, or the test would leave it behind
    if ended is not None:
        await ended
    again = Store(tmp_path / "data")
    await again.start()
    await again.stop()


@pytest.mark.parametrize("step", ["_feed", "_guard", "_monitor", "_streams"])
def test_a_step_of_the_web_that_fails(tmp_path, monkeypatch, step):
    """The feed's thread and the monitor's end all the same."""
    web = Web(load_settings(data=tmp_path / "data"), None, port=1, token=None)
    web.start()
    names = {"_feed": "stop", "_guard": "close", "_monitor": "stop", "_streams": "end"}

    def broken(*_):
        raise OSError(9, "Bad file descriptor")

    parts = {name: getattr(web, name) for name in names}
    with monkeypatch.context() as patched:
        patched.setattr(parts[step], names[step], broken)
        with structlog.testing.capture_logs() as said:
            web.stop()
    assert len([line for line in said if line["log_level"] == "error"]) == 1
    if step != "_feed":
        assert not parts["_feed"]._thread.is_alive()
    if step != "_monitor":
        assert not parts["_monitor"].running
    if step != "_guard":
        assert parts["_guard"]._closed
    web.stop()


def test_a_plan_whose_tasks_do_not_end_holds_up_no_stop(tmp_path, monkeypatch):
    """A thread that nobody can end, and a task that swallows its cancellation, are left behind."""
    data, noted = tmp_path / "data", tmp_path / "noted"
    noted.touch()
    settings = {"REINS_PLANS": '["tests.support.plan_actions"]', "PLAN_LOG": str(noted)}
    monkeypatch.setenv("REINS_DATA", str(data))
    with Worker(data, tmp_path / "log", settings=settings).started() as worker:
        plan = {"kind": "parallel", "items": ["stuck", "stubborn"]}
        queue_imp.agent_create("a", "ann", agent_type="plan", config={"plan": plan})
        until(lambda: len(noted.read_text().splitlines()) == 2, "both have begun")
        assert worker.stop() == 0
    assert "swallowed its cancellation" in worker.stderr.read_text()
