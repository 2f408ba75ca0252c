"""A worker's process: no garbage is looked for until it runs, and it is from then on."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
WEB_ONLY = """
import gc
from reins import process
process.begin()
import app
app._wait_for = lambda _asked: print("collects:", gc.isenabled(), flush=True)
app.main(["--no-worker", "--port", "0"])
"""
BEGUN = """
import gc, sys
from reins import process
process.begin()
assert not gc.isenabled()
import {entry}
assert "rich" not in sys.modules
process.tune()
assert gc.isenabled()
assert gc.get_freeze_count() > 10_000
import rich  # whoever wants it later has it
"""


def test_a_web_without_a_worker_collects_too(tmp_path):
    """It lives as long."""
    done = subprocess.run(
        [sys.executable, "-c", WEB_ONLY],
        cwd=ROOT, capture_output=True, text=True, check=True,
        env=os.environ | {"REINS_DATA": str(tmp_path)},
    )  # fmt: skip
    assert "collects: True" in done.stdout


def test_what_is_imported_is_not_looked_through_for_garbage():
    for entry in ("agents", "app"):
        code = BEGUN.format(entry=entry)
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
