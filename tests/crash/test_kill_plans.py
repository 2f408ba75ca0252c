"""kill -9 of a plan that keeps its tree: what had ended is not done again, and the end is right."""

import json
import os
import random
import subprocess

import pytest

from tests.support.kept_plan import TURNS
from tests.support.program import ROOT, Program
from tests.support.waiting import until

KILLS = int(os.environ.get("PLAN_KILLS", "6"))
"""Set the variable for a campaign."""


def lines(folder):
    path = folder / "log"
    return path.read_text().splitlines() if path.exists() else []


def start(folder):
    command = ["-m", "tests.support.kept_plan", str(folder)]
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    return Program(command, cwd=ROOT, env=env, stdout=subprocess.PIPE)


@pytest.mark.parametrize("seed", [1, 2])
def test_no_committed_task_is_done_again(seed, tmp_path):
    """After each kill only what was live on disk begins anew; the counts come out as without."""
    chance = random.Random(seed)
    for _ in range(KILLS):
        process, before = start(tmp_path), len(lines(tmp_path))
        more = chance.randrange(1, 24)
        until(lambda p=process, n=before + more: len(lines(tmp_path)) > n or p.poll() is not None)
        process.kill()
        process.communicate(60)
    last = start(tmp_path)
    out, _ = last.communicate(120)
    assert last.returncode == 0
    assert json.loads(out) == {"a": 2 * TURNS, "b": 2 * TURNS, "c": TURNS}

    began, over = set(), set()
    for kind, *paths in map(str.split, lines(tmp_path)):
        if kind == "began":
            assert paths[0] not in over, "it had ended on disk, and was done again"
            began.add(paths[0])
        elif kind == "kept":
            over |= began - set(paths)
    assert len(over) >= 5 * TURNS
    assert [line.split() for line in lines(tmp_path)].count(["started"]) == KILLS + 1
