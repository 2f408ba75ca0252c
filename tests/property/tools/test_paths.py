"""Paths in a workspace, while somebody swaps a folder for a link that leads out of it."""

import ctypes
import os
import sys
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reins.tools import ToolError
from reins.tools.workspace import Workspace

RACE_S = 1.0
AT_FDCWD, EXCHANGE = -100, 2
PARTS = st.sampled_from(["..", ".", "a", "link", "up", "file", "", "passwd", "etc", "~", "a\0"])


@pytest.fixture(params=[True, False], ids=["openat2", "walked"])
def workspace(request, tmp_path, monkeypatch):
    monkeypatch.setattr("reins.tools.beneath._has_openat2", lambda: request.param)
    folder = tmp_path / "workspace"
    (folder / "a").mkdir(parents=True)
    (folder / "a/file").write_text("inside")
    (tmp_path / "file").write_text("outside")
    with Workspace(folder) as opened:
        yield opened


@pytest.fixture
def swapped(workspace):
    """`a` is a folder of the workspace one moment, and a link out of it the next."""
    folder, over, libc = workspace.folder, threading.Event(), ctypes.CDLL(None)
    (folder / "out").symlink_to("..")

    def swap() -> None:
        one, other = os.fsencode(folder / "a"), os.fsencode(folder / "out")
        while not over.is_set():
            assert libc.renameat2(AT_FDCWD, one, AT_FDCWD, other, EXCHANGE) == 0

    thread = threading.Thread(target=swap)
    thread.start()
    yield
    over.set()
    thread.join()


@pytest.mark.skipif(sys.platform != "linux", reason="names are exchanged by renameat2")
def test_a_swapped_link_leads_nowhere(workspace, swapped):
    """Neither a read nor a write gets out, however the moment falls."""
    outside = workspace.folder.parent / "file"
    read = refused = written = 0
    ends_at = time.monotonic() + RACE_S
    while time.monotonic() < ends_at or not (read and refused and written):
        assert time.monotonic() < ends_at + 20, (read, refused, written)
        try:
            assert workspace.read("a/file") == b"inside"
            read += 1
            workspace.write("a/file", b"inside")
            written += 1
            workspace.write("a/new/er/one", b"inside")
        except ToolError:
            refused += 1
    assert outside.read_text() == "outside"
    assert sorted(os.listdir(outside.parent)) == ["file", "workspace"]  # noqa: PTH208


def test_no_path_leads_out(workspace):
    """Whatever it is made of: it is inside, or it is refused."""
    folder = workspace.folder
    (folder / "link").symlink_to("/etc")
    (folder / "up").symlink_to("..")

    @settings(max_examples=150, deadline=None, derandomize=True)
    @given(st.lists(PARTS, max_size=6), st.booleans())
    def holds(parts: list[str], is_absolute: bool) -> None:  # noqa: FBT001
        path = "/" * is_absolute + "/".join(parts)
        for reach in (
            lambda: workspace.read(path),
            lambda: workspace.write(path, b"inside"),
            lambda: workspace.entries(path, depth=2),
            lambda: workspace.kind(path),
        ):
            try:
                found = reach()
            except ToolError:
                continue
            assert found in (None, b"inside", "file", "folder") or isinstance(found, list)
        assert sorted(each.name for each in folder.parent.iterdir()) == ["file", "workspace"]
        assert Path(folder.parent / "file").read_text() == "outside"

    holds()
