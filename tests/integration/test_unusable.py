"""Folders and processes that cannot be used: one line and exit code 2, wherever it is noticed."""

import resource
import subprocess
import sys

import pytest

import queue_imp as q
from store.agent_state import list_agent_states
from store.errors import FolderUnusableError, StoreError
from store.folder import DataFolder
from tests.support.program import ROOT
from tests.support.worker import Worker

PLACES = {
    "s3": lambda _: "s3://bucket/x",
    "gs": lambda _: "gs://bucket",
    "az": lambda _: "az://a/b",
    "file-url": lambda tmp: f"file://{tmp}/x",
    "a file": lambda tmp: _touched(tmp / "file"),
    "in a file": lambda tmp: f"{_touched(tmp / 'file')}/below",
    "a long name": lambda tmp: str(tmp / ("x" * 300)),
    "a long path": lambda tmp: str(tmp / "/".join(["y" * 200] * 30)),
    "a line break": lambda tmp: f"{tmp}/a\nb",
    "an escape": lambda tmp: f"{tmp}/a\x1b[31m",
    "no place": lambda _: "/proc/none/here",
}
COMMANDS = [
    ("app.py", "--port", "0"),
    ("-m", "agents"),
    ("-m", "reins", "status"),
    ("-m", "reins", "watch", "a"),
    ("-m", "reins", "create", "a"),
    ("-m", "reins", "transcript", "talk"),
]


def _touched(path):
    path.touch()
    return str(path)


def one_line(worker):
    assert worker.process.wait(25) == 2
    [line] = worker.stderr.read_text().splitlines()
    assert line.startswith("reins: ")
    return line


@pytest.mark.parametrize("place", PLACES)
def test_a_folder_that_is_none(tmp_path, monkeypatch, place):
    """By every command; nothing is made."""
    path = PLACES[place](tmp_path)
    before = {*tmp_path.rglob("*")}
    logs = tmp_path.parent / f"{tmp_path.name}-log"
    for command in COMMANDS:
        with Worker(path, logs, *command) as worker:
            assert "the data folder" in one_line(worker)
    assert {*tmp_path.rglob("*")} == before
    monkeypatch.setenv("REINS_DATA", path)
    for ask in (list_agent_states, lambda: q.agent_create("a", "ann")):
        with pytest.raises(StoreError, match="the data folder"):
            ask()


@pytest.mark.parametrize("path", ["s3://b", "S3://b/c", "gs://b", "az://b", "hf+x://b", "s3:/b"])
def test_an_address_is_no_folder(path):
    """It says what is wrong with it and what to give."""
    with pytest.raises(FolderUnusableError, match=r"it is an address.*local folder"):
        DataFolder(path)


@pytest.mark.parametrize("path", ["a:b", "./s3", "~", "c", "a b/é", "."])
def test_names_that_only_look_like_it(path):
    """A colon in a name makes no address."""
    assert DataFolder(path).path.is_absolute()


@pytest.mark.parametrize("command", COMMANDS[:3])
@pytest.mark.parametrize("part", ["queue.lance", "owner.lock", "journal.sqlite"])
def test_a_part_of_the_folder_that_is_something_else(tmp_path, command, part):
    """A file where a folder should be, and the other way round."""
    data = tmp_path / "data"
    data.mkdir()
    if part.endswith(".lance"):
        (data / part).touch()
    else:
        (data / part).mkdir()
    if command[-1] == "status" and part != "journal.sqlite":
        return  # it does not read them
    with Worker(data, tmp_path / "log", *command) as worker:
        one_line(worker)


@pytest.mark.parametrize("files", [24, 64])
def test_few_files(tmp_path, monkeypatch, files):
    """It works, or ends with exit code 2; no traceback, and what is there stays."""
    monkeypatch.setenv("REINS_DATA", str(tmp_path / "data"))
    action_id = q.agent_create("a", "ann")
    ran = subprocess.run(
        ["timeout", "--signal=TERM", "6", sys.executable, "-m", "agents"],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (files, files)),
    )  # fmt: skip
    assert ran.returncode in (0, 2, 124), ran.stderr
    assert "Traceback" not in ran.stderr
    assert q.action_receipt(action_id)["actor"] == "ann"
