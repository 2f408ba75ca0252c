"""No command gets out of its sandbox: probes of each kind, in each way to confine."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import boxes

SOURCE = Path(boxes.__file__).with_name("escapes.py").read_text()
NAMES = [line[4:].split("(")[0] for line in SOURCE.split("@probe\n")[1:]]
KINDS = {
    "files": 12, "network": 8, "signals": 4, "processes": 3, "environment": 4, "ptrace": 4,
    "io_uring": 2, "keys": 2, "faults": 2, "namespaces": 5, "terminal": 3, "settings": 4,
    "rights": 4, "devices": 2,
}  # fmt: skip
"""Probes of each kind, by the first part of the name."""
SUCCEED = {
    "files_read_by_path", "files_read_by_a_link", "files_listed", "files_read_of_the_system",
    "files_written_new", "files_written_over", "files_mode_changed", "files_times_changed",
    "files_linked_in", "network_tcp", "network_tcp_by_the_address_of_the_machine", "network_udp",
    "network_unix_by_path", "network_unix_abstract", "signals_seen", "signals_sent",
    "signals_to_a_thread", "signals_to_the_parent", "processes_listed", "processes_limited",
    "processes_slowed", "environment_of_the_harness", "ptrace_of_itself",
    "memory_that_no_limit_counts", "shared_memory_of_system_v",
}  # fmt: skip
"""Those that get out of no sandbox at all on any kernel, so that they show something."""


def tried(box):
    """How each probe went."""
    workspace = box.workspace()
    with boxes.targets_of(box) as targets:
        program = Path(shutil.which("id"))
        shutil.copy(program, workspace / "id-of-root")
        (workspace / "id-of-root").chmod(0o4755)
        ran = box.run("python3", "-", json.dumps(targets.told), workspace=workspace, stdin=SOURCE)
        assert (ran["end"], ran["code"]) == ("exited", 0), ran["output"]
        found = json.loads(ran["output"])
        found["the victim"] = "refused" if targets.victim.poll() is None else "OUT it is gone"
        mine = targets.outside / "mine"
        found["the file"] = "refused"
        if box.kind != "unconfined" and (mine.read_text() != "mine" or mine.stat().st_mtime < 2):
            found["the file"] = "OUT it is another"
    return found


@pytest.fixture(scope="module")
def found(box):
    return tried(box)


@pytest.mark.parametrize("name", [*NAMES, "the victim", "the file"])
def test_no_probe_gets_out(found, name):
    """It is refused, and says why."""
    assert found[name].startswith("refused"), found[name]


def test_the_probes_get_out_of_no_sandbox(open_box):
    """A probe that could not succeed would show nothing: without a sandbox they do."""
    found = tried(open_box)
    assert {name for name in SUCCEED if not found[name].startswith("OUT")} == set()


def test_each_kind_is_probed_twice_and_more():
    """The kinds that the documentation names, and no probe of none."""
    rest = [name for name in NAMES if name.split("_")[0] not in KINDS and "io_uring" not in name]
    counted = {kind: sum(name.startswith(f"{kind}_") for name in NAMES) for kind in KINDS}
    assert counted == KINDS
    assert sorted(rest) == [
        "bpf_loaded", "memory_that_no_limit_counts", "mounted", "performance_counted",
        "root_changed", "shared_memory_of_system_v",
    ]  # fmt: skip


def test_who_a_command_is(box):
    """Not root, with no capability left, with no new rights, under a filter."""
    ran = box.run("sh", "-c", "id -u; id -G; cat /proc/self/status 2>/dev/null")
    uid, groups, *status = ran["output"].splitlines()
    assert int(uid) == box.commands_uid != 0
    assert int(groups) == box.commands_uid
    if box.kind == "bubblewrap":
        held = dict(line.split(":\t", 1) for line in status if ":\t" in line)
        caps = ("CapInh", "CapPrm", "CapEff", "CapAmb")
        assert {int(held[name], 16) for name in caps} == {0}
        assert (held["NoNewPrivs"], held["Seccomp"]) == ("1", "2")


def test_its_environment_is_its_own(box):
    """PATH, HOME, LANG and where temporary files may lie, no more."""
    ran = box.run("env")
    names = {line.split("=")[0] for line in ran["output"].splitlines()}
    assert names <= {"PATH", "HOME", "LANG", "PWD", "TMPDIR"}


def test_it_works_in_the_workspace(box):
    """It reads and writes there, in a folder of mode 0700, and has a place for temporary files."""
    workspace = box.workspace()
    (workspace / "given").write_text("hello")
    box.give(workspace / "given")
    workspace.chmod(0o700)
    line = "cat given; echo made > made; mkdir -p a/b; mktemp > /dev/null && echo scratch"
    ran = box.run("sh", "-c", line, workspace=workspace)
    assert ran["output"] == "helloscratch\n"
    assert (workspace / "made").read_text() == "made\n"
    assert (workspace / "made").stat().st_uid == box.commands_uid


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_a_workspace_of_roots_is_refused(tmp_path):
    """As root, a command would have to be root to write there: it says what to do."""
    code = (
        "import asyncio, pathlib, sys\n"
        "from reins.tools.sandbox.probing import probe\n"
        "async def main():\n"
        "    made = await probe(unconfined=True)\n"
        "    await made.run(['true'], pathlib.Path(sys.argv[1]))\n"
        "asyncio.run(main())\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert "chown -R 64999:64999" in ran.stderr
