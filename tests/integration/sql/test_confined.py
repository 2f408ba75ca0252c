"""What the child could still do if DuckDB's locks failed: read the folder and its programs."""

import json
import shutil
import sys

import pytest

from reins.tools.sandbox import launcher
from tests.integration.store.support import child, lines_of

CODE = """
import json, os, resource, signal, socket, sqlite3, sys, threading
from pathlib import Path
data = Path(sys.argv[1])
from reins.sql.confining import bound_memory, confine
confine(data)
bound_memory(256)

def tried(doing):
    try:
        doing()
    except (OSError, sqlite3.Error, MemoryError) as error:
        return type(error).__name__
    return "done"

def thread():
    made = threading.Thread(target=lambda: None)
    made.start()
    made.join()

found = {
    "read the folder": lambda: (data / "format.json").read_text(),
    "read another file": lambda: Path(sys.argv[2]).read_text(),
    "read the machine's": lambda: Path("/etc/passwd").read_text(),
    "list a folder": lambda: os.listdir("/"),
    "write in the folder": lambda: (data / "made").write_text("x"),
    "change a file of the folder": lambda: (data / "format.json").open("r+").write("x"),
    "delete a file of the folder": lambda: (data / "format.json").unlink(),
    "make a folder there": lambda: (data / "made").mkdir(),
    "write elsewhere": lambda: Path("/tmp/made-by-sql").write_text("x"),
    "connect": lambda: socket.create_connection(("127.0.0.1", 9)),
    "open a socket": socket.socket,
    "run a program": lambda: os.execv("/bin/true", ["true"]),
    "start a process": os.fork,
    "send a signal": lambda: os.kill(os.getppid(), 0),
    "start a thread": thread,
    "take memory": lambda: bytearray(1 << 30),
}
print(json.dumps({name: tried(doing) for name, doing in found.items()}), flush=True)
"""
MAY = {"read the folder", "start a thread"}


@pytest.mark.skipif(sys.platform != "linux", reason="bounds of Linux")
@pytest.mark.skipif(not launcher.version(), reason="the kernel has no Landlock")
def test_what_the_child_may_do(data, tmp_path):
    """Nothing is written, nobody reached, nothing started."""
    (tmp_path / "other").write_text("x")
    process = child(CODE, data, tmp_path / "other")
    [[line]] = lines_of(process)
    found = json.loads(line)
    assert {name for name, what in found.items() if what == "done"} == MAY
    assert (data / "format.json").exists()


def test_a_folder_that_nobody_has_used(make_runner, tmp_path):
    """It is made ready by the parent; all tables are empty."""
    runner = make_runner(data=tmp_path / "new")
    counted = "SELECT (SELECT count(*) FROM queue), (SELECT count(*) FROM agent_steps)"
    assert runner.run(counted)["rows"] == [[0, 0]]


def test_a_folder_that_is_replaced(make_runner, data, tmp_path):
    """The next statement reads what stands in its place."""
    folder = shutil.copytree(data, tmp_path / "data")
    runner = make_runner(data=folder)
    counted = "SELECT count(*) FROM agent_steps"
    assert runner.run(counted)["rows"] == [[5]]
    folder.rename(tmp_path / "before")
    assert runner.run(counted)["rows"] == [[0]]
    shutil.rmtree(folder)
    shutil.copytree(data, folder)
    assert runner.run(counted)["rows"] == [[5]]
