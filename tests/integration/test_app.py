"""The web entry as a person starts it: `python app.py`."""

import json
import re
import signal
import socket
import urllib.error
import urllib.request

import psutil
import pytest

import queue_imp as q
from store.agent_state import get_agent_state
from tests.support.waiting import until
from tests.support.worker import Worker


@pytest.fixture
def data(tmp_path, monkeypatch):
    monkeypatch.setenv("REINS_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


@pytest.fixture
def app(data, tmp_path):
    made = []

    def start(*flags, imports=False, **settings):
        worker = Worker(
            data, tmp_path / f"app{len(made)}", "app.py", "--data", str(data), *flags,
            settings=settings, imports=imports,
        )  # fmt: skip
        made.append(worker)
        return worker

    yield start
    for worker in made:
        worker.__exit__()


def address(worker):
    found = until(
        lambda: re.search(r"http://127\.0\.0\.1:\d+", worker.stdout.read_text()), "its address"
    )
    return found[0]


def get(url):
    with urllib.request.urlopen(url, timeout=10) as answer:
        return json.load(answer)


def test_it_serves_and_works(app):
    """It prints its address, shows health and agents, runs sessions, and stops with exit code 0."""
    worker = app("--port", "0", imports=True)
    at = address(worker)
    health = get(f"{at}/api/health")
    assert health["worker"]["pid"] == worker.process.pid
    assert q.wait_for_action(q.agent_create("jo", "ann", "cats"))["outcome"] == "applied"
    until(lambda: get_agent_state("jo")["iteration"] > 0)
    [row] = get(f"{at}/api/agents")["items"]
    assert (row["agent_id"], row["status"], row["agent_type"]) == ("jo", "running", "joke")
    assert worker.stop() == 0
    assert get_agent_state("jo")["status"] == "running"


@pytest.mark.parametrize("entry", [("app.py", "--port", "0"), ("-m", "agents")])
def test_a_stop_while_the_process_is_stopped(data, tmp_path, entry):
    """It is heeded once the process goes on, whichever thread takes the signal."""
    with Worker(data, tmp_path / "stopped", *entry, imports=True) as worker:
        worker.started()
        if entry[0] == "app.py":
            address(worker)
        worker.process.send_signal(signal.SIGSTOP)
        process = psutil.Process(worker.process.pid)
        until(lambda: process.status() == psutil.STATUS_STOPPED, "it is stopped")
        worker.process.send_signal(signal.SIGTERM)
        worker.process.send_signal(signal.SIGCONT)
        assert worker.process.wait(15) == 0


def test_many_signals_at_once(app):
    """A stop that is asked for again and again, as a terminal and make together do, is one stop."""
    worker = app("--port", "0")
    address(worker)
    for _ in range(50):
        worker.process.send_signal(signal.SIGTERM)
        worker.process.send_signal(signal.SIGINT)
    assert worker.process.wait(25) == 0


def test_it_attaches_to_a_folder_that_has_a_worker(app, data, tmp_path):
    """Web only, and it says so; the worker goes on when the web stops."""
    with Worker(data, tmp_path / "worker") as worker:
        worker.started()
        web = app("--port", "0")
        at = address(web)
        assert "owns the data folder" in web.said("web only")["why"]
        assert get(f"{at}/api/health")["worker"]["pid"] == worker.process.pid
        q.wait_for_action(q.agent_create("jo", "ann", "cats"))
        assert get(f"{at}/api/agents")["items"][0]["agent_id"] == "jo"
        assert web.stop() == 0
        assert worker.stop() == 0


def test_the_web_alone_takes_no_ownership(app, data):
    """`--no-worker` takes no ownership and works on nothing."""
    web = app("--port", "0", "--no-worker")
    assert get(f"{address(web)}/api/health")["worker"] == {"pid": None}
    assert get(f"{address(web)}/api/agents")["items"] == []
    assert web.stop() == 0


def test_a_port_that_is_taken_is_a_clear_error(app, data):
    """Exit code 2, the address and what to do about it; no worker was started for it."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        web = app("--port", str(port))
        assert web.process.wait(25) == 2
    said = web.stderr.read_text()
    assert f"127.0.0.1:{port} cannot be listened on: Address already in use" in said
    assert "--port" in said
    assert "worker started" not in said


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"REINS_HEARTBEET_S": "1"}, "did you mean REINS_HEARTBEAT_S"),
        ({"REINS_AGENT_MODULES": '["nothing_there"]'}, "nothing_there"),
        ({"REINS_MODEL": "nobody/x"}, "nobody"),
    ],
)
def test_an_impossible_setting_is_a_clear_error(app, settings, says):
    """Exit code 2 and one message, no traceback."""
    web = app("--port", "0", **settings)
    assert web.process.wait(25) == 2
    assert says in web.stderr.read_text()
    assert "Traceback" not in web.stderr.read_text()


def test_a_token_is_asked_for(app):
    """With REINS_TOKEN set, a request without it or with a wrong one is refused, and says how."""
    token = "0123456789abcdef"
    worker = app("--port", "0", REINS_TOKEN=token)
    url = f"{address(worker)}/api/health"
    for given in ({}, {"Authorization": "Bearer wrong"}):
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(urllib.request.Request(url, headers=given), timeout=10)
        assert refused.value.code == 401
        assert "REINS_TOKEN" in json.load(refused.value)["detail"]
        refused.value.close()
    right = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})
    assert get(right)["status"] == "ok"
