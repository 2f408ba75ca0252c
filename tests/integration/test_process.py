"""A worker's process: no garbage is looked for until it runs, and it is from then on."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
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


def test_what_is_imported_is_not_looked_through_for_garbage():
    for entry in ("agents", "app"):
        code = BEGUN.format(entry=entry)
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
