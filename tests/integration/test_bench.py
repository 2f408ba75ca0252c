"""Benchmarks as they are run: floors in processes of their own, and the command with its files."""

import asyncio
import json
import subprocess
import sys

import pytest

from bench import contest
from tests.docs.expected import ROOT


@pytest.mark.parametrize("name", contest.FLOORS)
async def test_a_floor_does_the_work_without_the_peers_environment(tmp_path, name):
    """It counts its ticks and what they cost, and leaves no folder behind."""
    found = await contest.contend(name, tmp_path / name, sessions=3, seconds=0.2)
    assert found["ticks"] > 0
    assert found["disk_bytes_per_tick"] > 0
    assert found["durability"]
    assert not (tmp_path / name).exists()


@pytest.mark.skipif(contest._strace() is None, reason="strace is not installed")
async def test_syncs_are_seen_by_strace(tmp_path, monkeypatch):
    """A floor of one task that claims to sync each tick does: a sync for each, not fewer."""
    monkeypatch.setattr(contest, "contenders", lambda *, peers: contest.FLOORS)
    found = await contest.syncs(tmp_path, sessions=1, seconds=0.5)
    for name in contest.FLOORS:
        # Those that were begun before the window and end in it make up for a few.
        assert sum(found[name]["syncs"].values()) >= found[name]["ticks"] - 2


async def test_a_contender_that_fails_is_named(tmp_path, monkeypatch):
    """Its exit code is said; nothing is measured in its place."""
    monkeypatch.setitem(contest._MODULES, "log", "bench.peers.nowhere")
    with pytest.raises(contest.ContenderError, match="log ended with exit code 1"):
        await contest.contend("log", tmp_path / "log", sessions=1, seconds=0.1)


async def test_the_command_writes_one_table_in_three_forms(tmp_path):
    """JSON with the machine's facts, CSV and Markdown with the same lines."""
    command = [sys.executable, "-m", "bench", "tools", "--quick", "--into", str(tmp_path)]
    done = await asyncio.to_thread(
        subprocess.run, command, cwd=ROOT, check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "quick.json").read_text())
    assert {"cpu", "cores", "fdatasync_ms_p50", "commit", "load", "durable"} <= set(
        found["machine"]
    )
    assert found["runs"]["tools"][0]["calls"] == 300
    assert found["table"][0]["median"] > 0
    assert len((tmp_path / "quick.csv").read_text().splitlines()) == 1 + len(found["table"])
    assert (tmp_path / "quick.md").read_text() in done.stdout
