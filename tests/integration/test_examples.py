"""The examples run as they are written."""

import json
import subprocess
import sys

import config
import queue_imp as q
from agents import Runtime
from store.agent_steps import list_steps
from tests.waiting import until
from tests.worker import ROOT, Worker


def test_the_disk_watcher(tmp_path, monkeypatch):
    """A type of agent in one file: it measures, and guidance sets its limit."""
    monkeypatch.setenv("REINS_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("REINS_AGENT_MODULES", '["examples.disk_watcher"]')
    runtime = Runtime(config.load())
    runtime.start_in_thread()
    try:
        created = q.agent_create(
            "disk", "ann", agent_type="disk_watcher", config={"path": "/", "least_gb": 0}
        )
        assert q.wait_for_action(created)["outcome"] == "applied"
        until(lambda: len(list_steps("disk")) == 2)
        assert list_steps("disk")[1]["text"].startswith("ok: ")
        got = q.wait_for_action(q.agent_interrupt("disk", "ann", {"least_gb": 1e9}))
        until(lambda: list_steps("disk", got["applied_seq"]))
        row = list_steps("disk", got["applied_seq"])[0]
        assert row["text"].startswith("LOW: ")
        assert json.loads(row["payload"])["low"] is True
        for bad in ("a text", {"least_gb": -1}):
            assert q.wait_for_action(q.agent_interrupt("disk", "ann", bad))["outcome"] == "rejected"
    finally:
        runtime.stop_thread()


def test_the_six_steps(tmp_path):
    """The script of the lifecycle, beside a worker, ends with the final row."""
    data = tmp_path / "data"
    with Worker(data, tmp_path / "worker") as worker:
        worker.started()
        ran = subprocess.run(
            [sys.executable, "-m", "examples.six_steps"], cwd=ROOT, capture_output=True, text=True,
            env={"REINS_DATA": str(data)}, timeout=60, check=False,
        )  # fmt: skip
        assert ran.returncode == 0, ran.stderr
        assert worker.stop() == 0
    assert ran.stdout.count(": applied at ") == 6
    assert "that was it" in ran.stdout.splitlines()[-1]
