"""The faults that other tests make: they hit what they name, as often as they say."""

import errno
import signal
import subprocess
import sys

import pytest

from tests.support.faults.control import Fault, Faults
from tests.support.program import ROOT, Program

WRITE = """
import os, sys
def attempt(n):
    try:
        with open(f"{sys.argv[1]}/{n % 2}.txt", "ab", buffering=0) as file:
            file.write(b"x" * 10)
            os.fsync(file.fileno())
        return "ok"
    except OSError as error:
        return os.strerror(error.errno)
print(*(attempt(n) for n in range(6)), sep=",")
"""

OPEN = """
import sys
for line in sys.stdin:
    try:
        open(sys.argv[1], "w").close()
        print("ok", flush=True)
    except OSError as error:
        print(error.errno, flush=True)
"""


@pytest.fixture
def faults(tmp_path):
    with Faults(tmp_path) as made:
        yield made


@pytest.fixture
def data(tmp_path):
    (tmp_path / "data").mkdir()
    return tmp_path / "data"


def run(faults, *command):
    process = Program(
        ["-c", *command], cwd=ROOT, env=faults.environment, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )  # fmt: skip
    out, err = process.communicate(30)
    return process.returncode, out.strip(), err


def outcomes(faults, data):
    code, out, err = run(faults, WRITE, data)
    assert code == 0, err
    return out.split(",")


@pytest.mark.parametrize("call", ["open", "write", "fsync"])
def test_the_calls_that_are_named_fail(faults, data, call):
    """The second and third of a kind fail, and no other; all are counted."""
    faults.on(Fault(call, path=f"{data}/*", nth=2, times=2, errno=errno.ENOSPC))
    full = "No space left on device"
    assert outcomes(faults, data) == ["ok", full, full, "ok", "ok", "ok"]
    assert (faults.seen(), faults.failed()) == (6, 2)


def test_only_paths_that_fit_fail(faults, data):
    faults.on(Fault("write", path="*/1.txt", times=None))
    wrong = "Input/output error"
    assert outcomes(faults, data) == ["ok", wrong, "ok", wrong, "ok", wrong]


def test_several_faults_each_with_their_count(faults, data):
    faults.on(Fault("open", path="*/0.txt", nth=3), Fault("fsync", path="*/1.txt", nth=1))
    wrong = "Input/output error"
    assert outcomes(faults, data) == ["ok", wrong, "ok", "ok", wrong, "ok"]
    assert [faults.failed(0), faults.failed(1)] == [1, 1]


def test_faults_are_switched_while_a_process_runs(faults, data):
    process = Program(
        ["-c", OPEN, data / "a"], cwd=ROOT, env=faults.environment, stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )  # fmt: skip
    said = []
    for given in (None, Fault("open", path=f"{data}/*", times=None, errno=errno.EMFILE), None):
        faults.on(given) if given else faults.off()
        process.stdin.write("go\n")
        process.stdin.flush()
        said.append(process.stdout.readline().strip())
    process.communicate(30)
    assert said == ["ok", str(errno.EMFILE), "ok"]


@pytest.mark.parametrize(("action", "size"), [("kill", 20), ("kill after", 30)])
def test_a_process_is_killed_at_a_call(faults, data, action, size):
    faults.on(Fault("write", path=f"{data}/0.txt", nth=3, action=action))
    code, _, _ = run(faults, WRITE, data)
    assert code == -signal.SIGKILL
    assert (data / "0.txt").stat().st_size == size


def test_a_write_that_is_cut_says_so(faults, data):
    faults.on(Fault("write", path=f"{data}/*", action="short"))
    assert outcomes(faults, data) == ["ok"] * 6  # Python does not look at what a raw write says
    assert (data / "0.txt").stat().st_size == 25


def test_every_call_below_a_folder_is_traced(faults, data):
    faults.trace(data)
    outcomes(faults, data)
    traced = faults.traced()
    assert traced["open", f"{data}/0.txt"] == 3
    assert traced["fsync", f"{data}/1.txt"] == 3


def test_a_process_that_imports_all_itself_is_under_the_same_faults(faults, data):
    faults.on(Fault("fsync", path=f"{data}/*", nth=6))
    done = subprocess.run(
        [sys.executable, "-c", WRITE, str(data)], env=faults.environment, capture_output=True,
        text=True, check=True,
    )  # fmt: skip
    assert done.stdout.strip().split(",")[-1] == "Input/output error"


def test_libraries_call_through_it_too(faults, data):
    """SQLite and LanceDB meet the same faults as Python: whoever writes is known by its file."""
    program = (
        "import sqlite3, sys, lancedb\n"
        "try: sqlite3.connect(sys.argv[1] + '/a.sqlite').execute('CREATE TABLE t (x)')\n"
        "except sqlite3.Error as error: print(error)\n"
        "try: lancedb.connect(sys.argv[1]).create_table('t', [{'x': 1}])\n"
        "except Exception as error: print('No space left' in str(error))\n"
    )
    faults.on(
        Fault(("write", "pwrite"), path="*/a.sqlite*", errno=errno.EIO, times=None),
        Fault("write", path="*/t.lance/*", errno=errno.ENOSPC, times=None),
    )
    code, out, err = run(faults, program, data)
    assert (code, out.splitlines()) == (0, ["disk I/O error", "True"]), err


def test_an_unknown_call_is_refused():
    with pytest.raises(ValueError, match="unknown"):
        Fault("scribble")
