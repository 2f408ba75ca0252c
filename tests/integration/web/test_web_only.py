"""The web beside a worker that is another process: the same live page, by following the files."""

import shutil
import time
from datetime import datetime

import psutil
import pytest

import queue_imp as q
from reins.settings import load_settings
from store import agent_steps
from tests.integration.web.serving import Address, Page, Served
from tests.support import data_folder
from tests.support.waiting import until
from tests.support.worker import Worker


@pytest.fixture
def data(tmp_path, monkeypatch):
    monkeypatch.setenv("REINS_DATA", str(tmp_path / "data"))
    yield tmp_path / "data"
    if (tmp_path / "data").exists():
        data_folder.verified(tmp_path / "data")


@pytest.fixture
def served(data):
    """Served from here before there is a folder; no worker of this process."""
    with Served(load_settings()) as served:
        yield served


def received(client, event, timeout=20):
    while True:
        name, *found = client.receive(timeout=timeout)
        if name == event:
            return found[0]


def test_everything_is_live(served, data, tmp_path):
    """Opened before the folder exists: the list, the queue, the log and the receipts come as they
    are written by the other process, each within half a second, typically.
    """
    with served.client() as client:
        assert client.call("subscribe_sessions", {})["ok"]
        assert client.call("subscribe_queue", {})["ok"]
        assert served.get("/api/sessions")["items"] == []
        accepted = served.post(
            "/api/sessions",
            {"agent_id": "jo", "agent_type": "joke", "config": {"subject": "cats"}, "actor": "ann"},
        )
        [queued] = received(client, "actions")["changed"]
        assert (queued["action_id"], queued["outcome"]) == (accepted["action_id"], "queued")
        with Worker(data, tmp_path / "worker") as worker:
            worker.started()
            [row] = received(client, "sessions")["changed"]
            assert row["session_id"] == "jo"
            [applied] = received(client, "actions")["changed"]
            assert (applied["action_id"], applied["outcome"]) == (accepted["action_id"], "applied")
            answer = client.call(
                "subscribe", {"agent_id": "jo", "session_id": "jo", "after_seq": 0}
            )
            seqs = [row["seq"] for row in answer["rows"]]
            ages = []
            while len(seqs) < 40:
                event = received(client, "log")
                for row in event["rows"]:
                    if row["seq"] > seqs[-1]:
                        seqs.append(row["seq"])
                ages.append(age(event["rows"][-1]))
            assert seqs == list(range(1, len(seqs) + 1))
            assert sorted(ages)[len(ages) // 2] < 0.5
            assert served.get("/api/sessions/jo/now") == {"now": None}
            assert worker.stop() == 0


def age(row):
    return time.time() - datetime.fromisoformat(row["created_at"]).timestamp()


def test_a_worker_that_is_killed_and_started_again(served, data, tmp_path):
    """The page stays connected all the while; its stream goes on without a gap or a duplicate."""
    page = None
    for turn in range(3):
        with Worker(data, tmp_path / f"worker{turn}") as worker:
            worker.started()
            if page is None:
                q.wait_for_action(q.agent_create("jo", "ann", "cats"))
                page = Page(served, "jo")
                page.connect()
            seen = page.last
            until(lambda page=page, seen=seen: page.last > seen + 20)
            if turn < 2:
                worker.kill()
            else:
                q.wait_for_action(q.agent_pause_action("jo", "ann"))
                assert worker.stop() == 0
    newest = agent_steps.list_steps("jo", 0, 100_000)[-1]["seq"]
    until(lambda: page.last >= newest)
    assert page.seqs == list(range(1, newest + 1))
    assert page.connected
    page.disconnect()


def test_the_app_follows_the_worker_of_its_folder(data, tmp_path):
    """`python app.py` where a worker is: its pages follow that one; `--no-worker` the same."""
    with Worker(data, tmp_path / "worker") as worker:
        worker.started()
        q.wait_for_action(q.agent_create("jo", "ann", "cats"))
        for n, flags in enumerate([(), ("--no-worker",)]):
            command = ("app.py", "--port", "0", *flags)
            with Worker(data, tmp_path / f"web{n}", *command) as web:
                page = Page(Address(port_of(web)), "jo")
                page.connect()
                seen = page.last
                until(lambda page=page, seen=seen: page.last > seen + 10)
                assert page.seqs == list(range(1, page.last + 1))
                assert web.stop() == 0
                until(lambda page=page: not page.connected)
                assert "Traceback" not in web.stderr.read_text()
        assert worker.stop() == 0


def port_of(web):
    def said():
        assert web.process.poll() is None, web.stderr.read_text()
        return web.stdout.read_text().rpartition(":")[2].strip("/\n")

    return int(until(said, "its address"))


def test_idle_costs_next_to_nothing(served, data):
    """A page on a folder that nobody writes to: a hundredth of a core and a bit."""
    with served.client() as client:
        client.call("subscribe_sessions", {})
        client.call("subscribe_queue", {})
        process = psutil.Process()
        time.sleep(0.5)
        before, began = process.cpu_times(), time.monotonic()
        time.sleep(2)
        after = process.cpu_times()
        used_s = after.user + after.system - before.user - before.system
        assert used_s / (time.monotonic() - began) < 0.1


def test_a_folder_that_is_replaced(data, tmp_path):
    """The old sessions go, the new one's rows come; those who listen are told to look."""
    with Worker(data, tmp_path / "first") as worker:
        worker.started()
        for name in ("jo", "old"):
            q.wait_for_action(q.agent_create(name, "ann", "cats"))
        with Served(load_settings()) as served:
            page = Page(served, "jo")
            page.connect()
            until(lambda: page.last > 20)
            worker.kill()
            shutil.rmtree(data)
            with Worker(data, tmp_path / "second") as again:
                again.started()
                q.wait_for_action(q.agent_create("jo", "ann", "dogs"))
                until(lambda: len(served.get("/api/sessions")["items"]) == 1)
                fresh = Page(served, "jo")
                fresh.connect()
                until(lambda: fresh.last > 5)
                assert fresh.seqs == list(range(1, fresh.last + 1))
                fresh.disconnect()
                assert again.stop() == 0
            page.disconnect()
