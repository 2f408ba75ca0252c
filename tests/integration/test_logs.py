"""Log lines: what they carry, and what they never do."""

import json
import logging
import subprocess
import sys

import pytest

from tests.support.worker import ROOT

PROGRAM = """
import logging, warnings
import structlog
from reins import logs
logs.configure("info", "{form}")
log = structlog.get_logger("x")

def fails(prompt):
    raise ValueError("as asked")

try:
    fails("the secret " + "prompt")
except ValueError:
    log.exception("it failed", agent_id="a", session_id="s", step=3)
    logging.getLogger("a.library").exception("so did a library")
log.debug("not this")
logging.getLogger("a.library").info("nor this")
warnings.warn("a warning")
"""


def written(form):
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(form=form)],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert ran.stdout == ""
    return ran.stderr


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_traceback_carries_no_local_variables(form):
    """They hold prompts and keys; the lines of the traceback are enough."""
    said = written(form)
    assert "ValueError" in said
    assert "fails" in said
    assert "the secret prompt" not in said


def test_away_from_a_terminal_every_line_is_json():
    """Ours, the libraries' and Python's warnings; what is below the level is not written."""
    lines = [json.loads(line) for line in written("auto").splitlines()]
    events = [line["event"] for line in lines]
    assert events[:2] == ["it failed", "so did a library"]
    assert "a warning" in events[2]
    assert len(lines) == 3
    assert (lines[0]["agent_id"], lines[0]["session_id"], lines[0]["step"]) == ("a", "s", 3)
    assert all({"level", "timestamp"} <= line.keys() for line in lines)
    assert logging.getLogger().level == logging.WARNING, "importing logs configures nothing"


EVIL = r"""
import logging, threading
import structlog
from reins import logs
logs.configure("info", "{form}")
evil = "\x1b[2J\x1b]0;owned\x07\x9b1m\u202eabc"
try:
    raise ValueError(evil)
except ValueError:
    structlog.get_logger("x").exception(evil, agent_id=evil, reasons=[evil])
    logging.getLogger("a.library").exception(evil)
ending = threading.Thread(target=lambda: [][evil], name="t")
ending.start()
ending.join()
raise SystemError(evil)
"""


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_terminal_obeys_nothing_of_a_log(form):
    """Whatever a line tells of, or an exception: controls and marks of direction are signs."""
    ran = subprocess.run(
        [sys.executable, "-c", EVIL.replace("{form}", form)],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ran.returncode == 1
    assert ran.stderr.replace("\n", "").isprintable(), ascii(ran.stderr)
    assert ran.stderr.count("owned") >= 6
    assert "SystemError" in ran.stderr
