"""A worker whose disk is full, or whose model misbehaves: it goes on and loses nothing."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

import queue_imp as q
from store.agent_state import get_agent_state
from store.agent_steps import list_steps
from store.errors import StoreError
from tests.support import data_folder
from tests.support.model_stub import ModelStub, answers, fails, never, says
from tests.support.waiting import until, until_async
from tests.support.worker import Worker


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 16 MB, where we may mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("mounting a small file system needs root")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(path: Path) -> None:
    with path.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"x" * 4096)
        except OSError:
            pass


def test_a_full_disk_loses_nothing_acknowledged(small_disk, tmp_path, monkeypatch):
    """Nothing is acknowledged while it is full, nothing acknowledged is lost, then all goes on."""
    data = small_disk / "data"
    monkeypatch.setenv("REINS_DATA", str(data))
    acknowledged = []
    with Worker(data, tmp_path / "worker", settings={"REINS_HEARTBEAT_S": "0.02"}) as worker:
        worker.started()
        for n in range(3):
            acknowledged.append(q.agent_create(f"s{n}", "ann", agent_type="odd"))
            q.wait_for_action(acknowledged[-1])
        fill(small_disk / "ballast")
        until(lambda: "journal could not commit" in worker.stderr.read_text(), "it is full")
        with pytest.raises(StoreError, match=r"not acknowledged|room"):
            acknowledged.extend(q.agent_interrupt(f"s{n % 3}", "ann", "dogs") for n in range(30))
        assert worker.process.poll() is None
        (small_disk / "ballast").unlink()
        seen = {n: len(list_steps(f"s{n}")) for n in range(3)}
        until(lambda: all(len(list_steps(f"s{n}")) > seen[n] + 2 for n in range(3)), "it goes on")
        acknowledged.append(q.agent_pause_action("s0", "ann"))
        assert q.wait_for_action(acknowledged[-1])["outcome"] == "applied"
        until(lambda: data_folder.unprocessed(data) == 0)
        assert worker.stop() == 0
    steps = data_folder.check(data, acknowledged)
    assert not [row for row in steps if row["kind"] in ("error", "final")], "no tick failed of it"


@pytest.fixture
def data(tmp_path, monkeypatch, empty_folder):
    monkeypatch.setenv("REINS_DATA", str(tmp_path / "data"))
    return shutil.copytree(empty_folder, tmp_path / "data")


KEY = "sk-very-secret-key-0123456789"
SECRET = "zebra-crossing-tango"
FAILED = ("tick failed", "tick waits")


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (fails(429, Retry_After="0"), "compatible m at http://"),
        (fails(500), "compatible m at http://"),
        (fails(401), "compatible m at http://"),
        (says("this is no JSON"), "ModelError"),
        (answers("   "), "ModelError"),
        (never, "compatible m at http://"),
    ],
    ids=["429", "500", "401", "garbage", "empty", "never"],
)
async def test_a_model_that_misbehaves(data, tmp_path, reply, error):
    """Error rows with why, other sessions go on, jokes again once it behaves; nothing leaks."""
    async with ModelStub(default=reply) as stub:
        settings = {
            "REINS_MODEL": "m", "REINS_MODEL_BASE_URL": f"{stub.address}/v1",
            "REINS_MODEL_API_KEY": KEY, "REINS_MODEL_DEADLINE_S": "1",
            "REINS_RETRY_WAIT_S": "0.3", "REINS_MAX_FAILURES": "1000", "REINS_LOG_LEVEL": "debug",
        }  # fmt: skip
        with Worker(data, tmp_path / "worker", settings=settings) as worker:
            await until_async(lambda: worker.said("worker started"), "the worker started")
            q.agent_create("jo", "ann", SECRET)
            # Quick, so that it is over before the breaker has the route rest for half a minute.
            q.agent_create("other", "ann", agent_type="odd", config={"heartbeat_s": 0.02})
            row = await until_async(
                lambda: next((r for r in list_steps("jo") if r["kind"] == "error"), None)
            )
            assert row["error"].startswith(error), row["error"]
            seen = len(list_steps("other"))
            await until_async(lambda: len(list_steps("other")) > seen + 2)
            stub.default = answers()
            stub.released.set()
            await until_async(lambda: any(r["kind"] == "tick" for r in list_steps("jo")))
            assert get_agent_state("jo")["status"] == "running"
            await until_async(lambda: get_agent_state("jo")["error"] is None)
            log = worker.stderr.read_text() + worker.stdout.read_text()
            assert SECRET not in log
            assert KEY not in log
            assert KEY not in json.dumps([r["error"] for r in list_steps("jo")])
            failed = [line for line in worker.lines() if line["event"] in FAILED]
            assert failed
            assert all(
                (line["agent_id"], line["session_id"], line["step"]) == ("jo", "jo", 0)
                for line in failed
            )
