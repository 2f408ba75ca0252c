"""Liveness, readiness and /api/health: what they say while something is wrong."""

import re
import shutil
import sqlite3
import time

import pytest

import queue_imp as q
from reins.web import readiness
from store.errors import JournalError
from store.journal import file as journal_file
from store.journal import journal
from store.queue.file import QueueFile
from tests.integration.web.serving import Served
from tests.support.waiting import until
from tests.support.worker import Worker

ANN = {"actor": "ann"}


def ready(api):
    answer = api.ask("GET", "/health/ready")
    return answer.status_code, answer.get_json().get("detail", "")


def not_ready_for(api, reason):
    """It says so to a probe in short, and to whoever may ask in full."""
    detail = until(lambda: (found := ready(api))[0] == 503 and found[1])
    assert reason in detail
    health = api.get("/api/health")
    assert health["status"] == "degraded"
    return health["reasons"]


def ready_again(api):
    until(lambda: ready(api) == (200, ""))
    assert api.get("/api/health")["status"] == "ok"
    assert api.get("/api/health")["reasons"] == []


def test_a_worker_that_does_well(api):
    """Live and ready; nothing is wrong."""
    assert api.get("/health/live") == {"status": "live"}
    assert api.get("/health/ready") == {"status": "ready"}
    assert api.get("/api/health")["reasons"] == []


def test_a_commit_that_fails(api, monkeypatch):
    """Not ready until a commit succeeds; the process lives all the while."""
    append, failing = journal_file.append, [True]

    def full(connection, records):
        if failing:
            raise JournalError("disk I/O error: no space left on device")
        return append(connection, records)

    monkeypatch.setattr(journal_file, "append", full)
    q.agent_create("c", "ann", "cats")
    [reason] = not_ready_for(api, "the last commit failed")
    assert "no space left" in reason
    assert "no space left" not in ready(api)[1]
    assert api.get("/health/live") == {"status": "live"}
    assert metric(api, "reins_commit_failures_total") >= 1
    failing.clear()
    ready_again(api)


def test_a_commit_that_nobody_tries_again(api, monkeypatch):
    """The flush finds out that one would succeed now, and that alone makes it ready again."""
    monkeypatch.setattr(journal, "_QUIET_S", 0.0)
    refused = [True]

    def broken(connection, number):
        if refused:
            raise sqlite3.OperationalError("database or disk is full")
        raised(connection, number)

    raised = journal_file.raise_flushed
    monkeypatch.setattr(journal_file, "raise_flushed", broken)
    api.runtime.store.journal.last_error = "the journal could not commit: disk I/O error"
    not_ready_for(api, "the last commit failed")
    until(lambda: metric(api, "reins_commit_failures_total") > 1)
    refused.clear()
    ready_again(api)


def test_a_flush_that_fails(api, monkeypatch):
    """Not ready until a flush succeeds."""
    groups, failing = journal_file.groups, [True]

    def damaged(*given, **more):
        if failing:
            raise sqlite3.OperationalError("disk I/O error")
        return groups(*given, **more)

    monkeypatch.setattr(journal_file, "groups", damaged)
    [reason] = not_ready_for(api, "the last flush failed")
    assert "disk I/O error" in reason
    assert metric(api, "reins_flush_failures_total") >= 1
    failing.clear()
    ready_again(api)


def test_a_dispatcher_that_is_stuck(api, monkeypatch):
    """It has not polled the queue for several periods."""
    dispatcher, tried = api.runtime.dispatcher, []

    async def nothing():
        tried.append(True)
        return 0

    monkeypatch.setattr(dispatcher, "poll_once", nothing)
    until(lambda: tried)  # no poll of before is under way
    dispatcher.polled_at = time.monotonic() - 60
    [reason] = not_ready_for(api, "the dispatcher is stuck")
    assert re.search(r" 6\d s ago", reason)
    assert metric(api, "reins_queue_poll_age_seconds") > 59
    monkeypatch.undo()
    api.runtime.loop.call_soon_threadsafe(dispatcher._polling.wake)
    ready_again(api)


def test_actions_that_cannot_be_marked(api, monkeypatch):
    """What is finished stays in the queue; the worker is not ready until it can be marked."""
    dispatcher, failing = api.runtime.dispatcher, [True]
    mark = dispatcher._mark_gathered

    async def refused():
        if failing:
            raise OSError(28, "No space left on device")
        await mark()

    monkeypatch.setattr(dispatcher, "_mark_gathered", refused)
    q.agent_create("c", "ann", "cats")
    [reason] = not_ready_for(api, "actions cannot be marked")
    assert "No space left" in reason
    assert metric(api, "reins_mark_failures_total") >= 1
    failing.clear()
    ready_again(api)


@pytest.mark.parametrize("which", ["commit", "flush", "mark"])
def test_the_time_of_the_last_success(api, which):
    """It is there for each of the three, and moves."""
    name = f"reins_{which}_last_success_timestamp_seconds"
    api.done("/api/sessions", {"agent_id": "c", "agent_type": "joke", **ANN})
    before = until(lambda: metric(api, name, 0.0))
    assert abs(before - time.time()) < 60
    api.done("/api/sessions", {"agent_id": "d", "agent_type": "joke", **ANN})
    until(lambda: metric(api, name) > before)


ENDS = {
    "flush": lambda runtime: runtime.store._flush.stop(),
    "journal": lambda runtime: runtime.store.journal._writer.stop(),
    "dispatcher poll": lambda runtime: cancel(runtime, runtime.dispatcher._polling),
    "dispatcher mark": lambda runtime: cancel(runtime, runtime.dispatcher._marking),
}


def cancel(runtime, loop):
    runtime.loop.call_soon_threadsafe(loop._task.cancel)


@pytest.mark.parametrize("part", ENDS)
def test_a_worker_of_which_a_part_has_ended(api, part):
    """It cannot do what it promises, though its process lives; only a start mends that."""
    ENDS[part](api.runtime)
    reasons = not_ready_for(api, "the worker has stopped")
    assert any(part in reason for reason in reasons)
    assert api.get("/health/live") == {"status": "live"}


@pytest.mark.parametrize("which", ["api", "idle"])
def test_actions_that_cannot_be_enqueued(request, settings, monkeypatch, which):
    """Said by whoever tried, with a worker here or without, until one succeeds or some time on."""
    served = request.getfixturevalue(which)
    with monkeypatch.context() as broken:
        broken.setattr(QueueFile, "commit", lambda *_: no_space())
        assert served.ask("POST", "/api/environment/reload", json=ANN).status_code == 503
    reasons = not_ready_for(served, "actions cannot be enqueued")
    assert any("No space left" in reason for reason in reasons)
    assert metric(served, "reins_enqueue_failures_total") == 1
    served.post("/api/environment/reload", ANN)
    assert "enqueued" not in ready(served)[1]
    with monkeypatch.context() as broken:
        broken.setattr(QueueFile, "commit", lambda *_: no_space())
        served.ask("POST", "/api/environment/reload", json=ANN)
    monkeypatch.setattr(readiness, "_NEWS_S", 0.0)
    assert "enqueued" not in ready(served)[1]


def no_space():
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize("which", ["api", "idle"])
def test_a_folder_that_is_read_only(request, settings, monkeypatch, which):
    """Seen by every process, before anybody has tried to write."""
    served = request.getfixturevalue(which)
    settings.data.mkdir(exist_ok=True)
    with monkeypatch.context() as mounted:
        mounted.setattr(readiness.os, "access", lambda path, _: path != settings.data)
        assert "mounted" in not_ready_for(served, "the data folder is read-only")[-1]
    assert "read-only" not in ready(served)[1]


@pytest.mark.parametrize("which", ["api", "idle"])
def test_a_disk_that_is_full(request, settings, monkeypatch, which):
    """Below a small floor, with a worker here or without; that there is none is told as well."""
    served = request.getfixturevalue(which)
    settings.data.mkdir(exist_ok=True)
    monkeypatch.setattr(readiness, "MIN_FREE_BYTES", shutil.disk_usage(settings.data).total + 1)
    assert "bytes are free" in not_ready_for(served, "the disk is full")[-1]


def test_the_web_alone(idle, settings, tmp_path):
    """Ready while another process works on the folder, and not otherwise."""
    assert "python app.py" in not_ready_for(idle, "no worker")[0]
    assert idle.get("/health/live") == {"status": "live"}
    with Worker(settings.data, tmp_path / "worker") as worker:
        worker.started()
        ready_again(idle)
        assert worker.stop() == 0
    not_ready_for(idle, "no worker")


def test_probes_take_no_token(settings):
    """But for a name of this server; everything else asks for the token."""
    with Served(settings, token="secret") as served:
        assert served.ask("GET", "/health/live")[0] == 200
        assert served.ask("GET", "/health/ready")[0] == 503
        for path in ("/health/live", "/health/ready"):
            assert served.ask("GET", path, Host="elsewhere.example")[0] == 421
        for path in ("/api/health", "/metrics", "/health/ready/", "/health"):
            assert served.ask("GET", path)[0] == 401, path


def metric(api, name, *default):
    text = api.client.get("/metrics", base_url="http://127.0.0.1:8700").get_data(as_text=True)
    found = [float(line.split()[1]) for line in text.splitlines() if line.startswith(f"{name} ")]
    [value] = found or default
    return value
