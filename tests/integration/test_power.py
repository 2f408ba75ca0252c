"""A loss of power that is made from a record: what was synced stays, the rest may go."""

import itertools
import subprocess

import pytest

from tests.support.faults.control import Fault, Faults
from tests.support.faults.power import Recording
from tests.support.program import ROOT, Program

SEEDS = range(20)
BEGIN = "import os, sys, ctypes\nfrom pathlib import Path\nos.chdir(sys.argv[1])\n"
BEGIN += "def put(name, text, sync):\n"
BEGIN += "    with open(name, 'wb', buffering=0) as file:\n        file.write(text.encode())\n"
BEGIN += "        sync and os.fsync(file.fileno())\n"
NOTE = "\nfrom tests.support.faults.control import note\n"


@pytest.fixture
def recorded(tmp_path):
    """Runs a program in the folder `data`, and gives its history."""

    def run(program, *before, fault=None):
        data = tmp_path / "data"
        data.mkdir()
        for name in before:
            (data / name).write_text("old " * 2000)
        with Faults(tmp_path) as faults, Recording(faults, data, tmp_path / "base") as recording:
            if fault is not None:
                faults.on(fault)
            process = Program(
                ["-c", BEGIN + program, data], cwd=ROOT, env=faults.environment,
                stderr=subprocess.PIPE,
            )  # fmt: skip
            _, err = process.communicate(30)
            assert process.returncode == 0, err
            return recording.history()

    return run


@pytest.fixture
def lost(tmp_path):
    """The files that are left, name to text, after each of many losses at a moment."""

    number = itertools.count()

    def of(history, at=None):
        found = []
        for seed in SEEDS:
            to = tmp_path / f"lost-{next(number)}"
            history.lose(to, at=history.moments if at is None else at, seed=seed)
            found.append({each.name: each.read_text() for each in to.rglob("*") if each.is_file()})
        return found

    return of


def test_what_was_synced_is_there_and_the_rest_only_now_and_then(recorded, lost):
    found = lost(recorded("put('kept', 'k' * 9000, True); put('loose', 'l' * 9000, False)"))
    assert all(files["kept"] == "k" * 9000 for files in found)
    assert {files.get("loose") == "l" * 9000 for files in found} == {True, False}
    assert any(0 < files.get("loose", "").count("l") < 9000 for files in found)


def test_a_sync_of_the_file_system_holds_all_before_it(recorded, lost):
    history = recorded(
        "os.makedirs('a/b'); put('a/b/x', 'x', False); put('y', 'y', False); os.link('y', 'z')\n"
        "fd = os.open('.', os.O_RDONLY); ctypes.CDLL(None).syncfs(fd); put('late', '', False)"
    )
    found = lost(history)
    assert all({"x", "y", "z"} <= set(files) for files in found)
    assert {"late" in files for files in found} == {True, False}


def test_a_rename_is_done_or_not(recorded, lost):
    found = lost(recorded("put('new', 'new', True); os.rename('new', 'old')", "old"))
    assert {files["old"] for files in found} == {"old " * 2000, "new"}


def test_a_name_that_was_not_synced_may_come_without_its_bytes(recorded, lost):
    found = lost(recorded("put('a.part', 'a' * 5000, False); os.rename('a.part', 'a')"))
    assert {files.get("a", "none") == "" for files in found} == {True, False}


def test_what_a_failed_sync_had_in_hand_is_not_saved_by_the_next(recorded, lost):
    program = (
        "file = open('a', 'wb', buffering=0); file.write(b'a' * 4096)\n"
        "try: os.fsync(file.fileno())\n"
        "except OSError: os.fsync(file.fileno())\n"
        "file.write(b'b' * 4096); os.fsync(file.fileno())"
    )
    found = lost(recorded(program, fault=Fault("fsync")))
    assert all(files["a"].endswith("b" * 4096) for files in found)
    assert any(files["a"].startswith("\0") for files in found)


def test_a_sync_that_failed_is_told_to_every_descriptor_once(recorded):
    """As Linux does it, or another process would take for synced what is lost."""
    program = (
        "one, two = (os.open('.', os.O_RDONLY) for _ in range(2)); lib = ctypes.CDLL(None)\n"
        "put('a', 'a', False); said = [lib.syncfs(fd) for fd in (one, two, two, one)]\n"
        "assert said == [-1, -1, 0, 0], said\n"
        "assert lib.syncfs(os.open('.', os.O_RDONLY)) == 0"
    )
    recorded(program, fault=Fault("syncfs"))


def test_notes_stand_between_the_changes(recorded, lost):
    history = recorded(
        NOTE + "put('a', 'a', True); note('a is safe'); put('b', 'b', True); note('b is safe')"
    )
    (first, said), (second, _) = history.notes
    assert said == "a is safe"
    assert all("a" in files for files in lost(history, at=first))
    assert any("b" not in files for files in lost(history, at=first))
    assert all({"a", "b"} <= set(files) for files in lost(history, at=second))


def test_the_same_seed_loses_the_same(recorded, tmp_path):
    history = recorded("for n in range(9): put(f'{n}', 'x' * 9000, False)")
    for to in ("one", "two"):
        history.lose(tmp_path / to, at=history.moments, seed=5)
    one, two = (
        {each.name: each.read_bytes() for each in (tmp_path / to).iterdir()}
        for to in ("one", "two")
    )
    assert one == two
    assert one


def test_a_record_has_everything(recorded, tmp_path, monkeypatch):
    """With nothing lost, the folder is what it is: SQLite, LanceDB and Python left nothing out."""
    program = (
        "import sqlite3, lancedb\n"
        "c = sqlite3.connect('j.sqlite'); c.execute('PRAGMA journal_mode = WAL')\n"
        "c.execute('CREATE TABLE t (x)')\n"
        "for n in range(50): c.execute('INSERT INTO t VALUES (?)', ('x' * 500,)); c.commit()\n"
        "t = lancedb.connect('.').create_table('t', [{'x': 1}])\n"
        "for n in range(5): t.add([{'x': n}])\n"
        "t.optimize(); os._exit(0)"
    )
    history = recorded(program, "old")
    monkeypatch.setattr("tests.support.faults.power.random.Random", _Keeper)
    history.lose(tmp_path / "copy", at=history.moments, seed=1)
    data = tmp_path / "data"
    for each in data.rglob("*"):
        if each.is_file() and not each.name.endswith("-shm"):
            copied = tmp_path / "copy" / each.relative_to(data)
            assert copied.read_bytes() == each.read_bytes(), each
    for each in (tmp_path / "copy").rglob("*"):
        assert (data / each.relative_to(tmp_path / "copy")).exists(), each


class _Keeper:
    """A chance that never takes anything away."""

    def __init__(self, _seed):
        pass

    def choice(self, _kept):
        return 1.0

    def random(self):
        return 0.9
