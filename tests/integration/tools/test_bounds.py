"""A command is bounded in all it uses, ends, and leaves no process behind; its end is told."""

import itertools
import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from reins.tools.sandbox.tree import children
from tests.integration.tools.conftest import WAYS, opened
from tests.support.waiting import until

_numbers = itertools.count(1)
LATE_S = 20.0
"""Beyond a command's own limit, on a machine that is busy."""
MIB = 1 << 20
BOMB = """
import os, sys, time
while True:
    try:
        if not os.fork():
            os.write(1, b"x")
    except BlockingIOError:
        time.sleep(0.01)
"""


def long():
    """A `sleep` like no other on the machine: its seconds are its name."""
    return f"{3_000 + next(_numbers)}.{os.getpid()}"


def running(name):
    """Processes that have this word on their command line."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().split(b"\0")
        except OSError:
            continue
        if name.encode() in words:
            found.append(int(path.parent.name))
    return found


def of_user(uid):
    """Processes of a user that are no zombies."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            if path.stat().st_uid == uid and b"\nState:\tZ" not in (path / "status").read_bytes():
                found.append(int(path.name))
        except OSError:
            continue
    return found


def test_limits_are_in_force(box):
    """What a process may use, as the kernel says it."""
    names = ("AS", "CPU", "FSIZE", "NOFILE", "NPROC", "CORE")
    code = f"import resource as r; print([r.getrlimit(getattr(r, 'RLIMIT_' + n)) for n in {names}])"
    ran = box.run(
        "python3", "-c", code, address_bytes=1 << 30, cpu_s=20, file_bytes=MIB, files=99,
        processes=77,
    )  # fmt: skip
    found = dict(zip(names, eval(ran["output"]), strict=True))
    assert {pair[0] == pair[1] for pair in found.values()} == {True}
    most = {name: pair[0] for name, pair in found.items()}
    processes = most.pop("NPROC")
    assert most == {"AS": 1 << 30, "CPU": 20, "FSIZE": MIB, "NOFILE": 99, "CORE": 0}
    if (box.kind, box.who) == ("landlock", "user"):  # the kernel counts all of the user's
        assert 77 < processes < 77 + 200 + len(of_user(box.uid))
    else:  # of root's commands together
        assert processes == (77 if box.who == "user" else 4 * 77)


def test_a_fork_bomb(box):
    """It makes no more processes than it may have, and all are gone after its time."""
    code = "import os, resource; print(os.geteuid(), resource.getrlimit(resource.RLIMIT_NPROC)[1])"
    proven = box.run("python3", "-c", code, processes=40)
    uid, most = map(int, proven["output"].split())
    # Else it would take the machine with it.
    assert uid != 0
    assert 0 < most < 5_000
    before = len(of_user(box.commands_uid))
    ran = box.run("python3", "-c", BOMB, processes=40, time_s=1.0)
    assert ran["end"] in ("time", "processes")
    assert ran["took_s"] < 1 + LATE_S
    assert 10 < ran["output_bytes"] <= most
    until(lambda: len(of_user(box.commands_uid)) <= before, "all processes are gone")


def test_a_command_of_many_processes(box):
    """As root all commands have one user: one that has more than its part ends, and says why."""
    line = "for n in 1 2 3 4 5 6 7 8 9 10 11 12; do sleep 60 & done; wait"
    ran = box.run("sh", "-c", line, processes=8)
    if box.who == "root":
        assert ran["end"] == "processes"
    else:
        assert "fork" in ran["output"].lower() or ran["end"] == "processes"


def test_a_user_with_many_processes(box):
    """Those that Reins' user has besides do not count."""
    line = "for n in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16; do sleep 60 & done; wait"
    with subprocess.Popen([*box.by_user(), "sh", "-c", line], start_new_session=True) as others:
        try:
            until(lambda: len(children(others.pid)) == 16, "they run")
            ran = box.run("sh", "-c", "sleep 0 & wait; echo done", processes=12)
        finally:
            os.killpg(others.pid, signal.SIGKILL)
    assert (ran["end"], ran["output"]) == ("exited", "done\n")


def test_output_without_end(box):
    """It is ended at 32 MiB; beginning and end are kept, and the rest is counted."""
    ran = box.run("sh", "-c", "echo first; head -c 10000000000 /dev/zero | tr '\\0' y")
    assert ran["end"] == "output"
    assert ran["took_s"] < LATE_S
    assert 32 * MIB < ran["output_bytes"] < 33 * MIB
    assert ran["output"].startswith("first\nyyy")
    assert "bytes left out]" in ran["output"]
    assert len(ran["output"]) < 33 << 10


@pytest.mark.parametrize("closing", ["", "exec <&- >&- 2>&-;"], ids=["holds output", "closes all"])
def test_a_daemon(box, closing):
    """What goes on in a session of its own ends with the command, which does not wait for it."""
    name = long()
    line = f"setsid sh -c '{closing} exec sleep {name}' & sleep 0.3; echo done"
    ran = box.run("sh", "-c", line)
    assert (ran["end"], ran["code"], ran["output"]) == ("exited", 0, "done\n")
    until(lambda: not running(name), "the daemon is gone")


def test_a_process_that_ignores_signals(box):
    """It is killed when its time is over."""
    name = long()
    line = f"trap '' TERM HUP INT; echo on; sleep {name}; sleep {name}"
    ran = box.run("sh", "-c", line, time_s=2)
    assert (ran["end"], ran["output"]) == ("time", "on\n")
    assert ran["took_s"] < 2 + LATE_S
    until(lambda: not running(name), "it is gone")


def test_memory_without_end(box):
    """The command ends when its process holds more than it may."""
    code = "held = []\nwhile True: held.append(bytearray(b'x' * (8 << 20)))"
    ran = box.run("python3", "-c", code, memory_bytes=200 * MIB)
    assert ran["end"] == "memory"
    assert ran["took_s"] < LATE_S


def test_memory_of_many_processes(box):
    """What processes hold is counted together, below a daemon too."""
    hold = "import time; held = b'x' * (60 << 20); time.sleep(60)"
    line = f'for n in 1 2 3 4 5; do setsid python3 -c "{hold}" & done; wait'
    ran = box.run("sh", "-c", line, memory_bytes=200 * MIB)
    assert ran["end"] == "memory"
    assert ran["took_s"] < LATE_S


def test_memory_that_is_shared_counts_once(box):
    """Ten processes that share what one holds are no ten of them."""
    code = (
        "import os, time\nheld = b'x' * (60 << 20)\n"
        "for n in range(10):\n    if not os.fork(): time.sleep(0.6); os._exit(0)\n"
        "time.sleep(0.6); print('done')"
    )
    ran = box.run("python3", "-c", code, memory_bytes=300 * MIB)
    assert (ran["end"], ran["output"]) == ("exited", "done\n")


def test_address_space(box):
    """One process cannot reserve more than it may."""
    ran = box.run("python3", "-c", "bytearray(2 << 30)", address_bytes=1 << 30)
    assert ran["end"] == "exited"
    assert "MemoryError" in ran["output"]


def test_a_huge_file(box):
    """It ends at the size that a file may have, and the signal says so."""
    workspace = box.workspace()
    ran = box.run("sh", "-c", "exec cat /dev/zero > huge", workspace=workspace, file_bytes=4 * MIB)
    assert (ran["end"], ran["signal"]) == ("exited", "SIGXFSZ")
    assert (workspace / "huge").stat().st_size <= 4 * MIB


def test_processor_time(box):
    """A loop ends after the processor time that it may have."""
    ran = box.run("python3", "-c", "while True: pass", cpu_s=1)
    assert ran["signal"] in ("SIGXCPU", "SIGKILL")
    assert ran["end"] == "exited"


def test_scratch_space(box):
    """`/tmp` and shared memory have a size, or cannot be written; the rest cannot be written."""
    line = "for f in /tmp/a /dev/shm/a /dev/a /a /etc/a; do head -c 9000000 /dev/zero > $f; done"
    ran = box.run("sh", "-c", line, scratch_bytes=4 * MIB)
    if box.kind == "bubblewrap":
        assert ran["output"].count("No space left on device") == 2
        assert ran["output"].count("Read-only file system") == 3
    else:  # here temporary files lie in a folder of the command's, which nothing bounds
        assert ran["output"].count("Permission denied") == 5


def test_a_command_that_cannot_be_started(box):
    """It is told like a shell tells it."""
    ran = box.run("no-such-program")
    assert (ran["end"], ran["code"]) == ("exited", 127)
    assert "no-such-program" in ran["output"]


def test_input_that_nobody_reads(box):
    """A megabyte of it holds nothing up."""
    ran = box.run("true", stdin="x" * MIB)
    assert (ran["end"], ran["code"]) == ("exited", 0)
    assert box.run("wc", "-c", stdin="x" * MIB)["output"].strip() == str(MIB)


def test_bytes_that_are_no_text(box):
    """They come as escapes, and nothing fails."""
    ran = box.run("printf", "a\\377\\0b")
    assert ran["output"] == "a\\xff\0b"


def test_a_cancelled_command(box):
    """It is killed with all it has started before the call ends."""
    name, workspace = long(), box.workspace()
    line = f"setsid sleep {name} & trap '' TERM; touch started; sleep {name}; sleep {name}"
    order = {"argv": ["sh", "-c", line], "workspace": str(workspace), "cancel_after_s": 0.05}
    told = box.asked(order)
    assert told["took_s"] < 1
    assert told["left"] == []
    until(lambda: not running(name), "all are gone")


@pytest.mark.parametrize("way", WAYS, ids="-".join)
def test_the_process_that_waits_is_killed(way):
    """Nothing of a command is left when Reins itself is."""
    box = opened(*way)
    try:
        name, workspace = long(), box.workspace()
        line = f"setsid sleep {name} & touch started; sleep {name}"
        order = {"argv": ["sh", "-c", line], "workspace": str(workspace), "limits": {}}
        box.process.stdin.write(json.dumps(order) + "\n")
        box.process.stdin.flush()
        until((workspace / "started").exists, "the command runs")
        until(lambda: len(running(name)) == 2, "both processes run")
        box.process.kill()
        began = time.monotonic()
        until(lambda: not running(name), "all are gone")
        assert time.monotonic() - began < LATE_S
    finally:
        box.close()
