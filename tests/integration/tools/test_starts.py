"""A workspace as its session found it: kept once, within bounds, compared by size and content."""

import os

import pytest

from reins.settings import load_settings
from reins.tools import starts
from reins.tools.workspace import Workspace


@pytest.fixture
def workspace(tmp_path):
    folder = tmp_path / "workspace"
    (folder / "src").mkdir(parents=True)
    (folder / "src" / "parse.py").write_text("a = 1\n")
    (folder / "notes.md").write_text("# Notes\n")
    return folder


@pytest.fixture
def kept(workspace, tmp_path):
    folder = tmp_path / "root" / ".start" / "dev"
    starts.keep(workspace, folder)
    return folder


def _changes(workspace, start):
    with Workspace(workspace) as here:
        return {
            each.path: start.change(each.path, each.size_bytes, here.read(each.path))
            for each in starts.walked(here)
            if each.kind == "file"
        }


def test_what_changed_is_known_by_its_content(workspace, kept):
    """Of the same size and another content, larger, new, and as it was."""
    (workspace / "src" / "parse.py").write_text("a = 2\n")
    (workspace / "new.txt").write_text("new")
    start = starts.kept(kept)
    assert _changes(workspace, start) == {
        "notes.md": None, "new.txt": "added", "src/parse.py": "changed",
    }  # fmt: skip
    assert start.text_of("src/parse.py") == b"a = 1\n"
    assert start.text_of("new.txt") is None
    assert start.had("notes.md")
    assert not start.had("new.txt")


def test_it_is_kept_once(workspace, kept):
    """A session that goes on in another process keeps the start that it had."""
    (workspace / "notes.md").write_text("# Other notes\n")
    starts.keep(workspace, kept)
    assert starts.kept(kept).text_of("notes.md") == b"# Notes\n"
    assert [each.name for each in kept.parent.iterdir()] == [kept.name], "no part is left"


def test_large_files_are_known_by_their_size_alone(workspace, tmp_path):
    """And folders of tools and histories are not looked into."""
    (workspace / "large.bin").write_bytes(bytes(starts.FILE_BYTES + 1))
    (workspace / "node_modules" / "x").mkdir(parents=True)
    (workspace / "node_modules" / "x" / "index.js").write_text("x")
    starts.keep(workspace, tmp_path / "kept")
    start = starts.kept(tmp_path / "kept")
    assert start.had("large.bin")
    assert start.text_of("large.bin") is None
    assert start.change("large.bin", starts.FILE_BYTES + 2, None) == "changed"
    assert not start.had("node_modules/x/index.js")


def test_nothing_outside_is_kept(workspace, tmp_path):
    """A link that leads out is neither followed nor copied; a name not in UTF-8 is left out."""
    (tmp_path / "secret.txt").write_text("secret")
    (workspace / "link.txt").symlink_to(tmp_path / "secret.txt")
    (workspace / "out").symlink_to(tmp_path)
    (workspace / os.fsdecode(b"\xff.txt")).write_text("odd")
    starts.keep(workspace, tmp_path / "kept")
    start = starts.kept(tmp_path / "kept")
    assert sorted(start.files) == ["notes.md", "src/parse.py"]
    assert not any(b"secret" in each.read_bytes() for each in (tmp_path / "kept").iterdir())


def test_more_files_than_are_looked_at(workspace, tmp_path, monkeypatch):
    """Then nothing is said to be new: it may have been among those that were not looked at."""
    monkeypatch.setattr(starts, "MOST_FILES", 1)
    starts.keep(workspace, tmp_path / "kept")
    start = starts.kept(tmp_path / "kept")
    assert start.change("src/parse.py", 6, None) is None


@pytest.mark.parametrize("written", ["", "{", '{"files": 3}', '{"files": {"a": 1}, "whole": true}'])
def test_a_start_that_cannot_be_read_is_none(tmp_path, written):
    """The page says then that it was not kept."""
    (tmp_path / "index.json").write_text(written)
    assert starts.kept(tmp_path) is None


def test_its_place_is_beside_the_workspaces(tmp_path, monkeypatch):
    """Where no session can have its own: names of sessions do not begin with a dot."""
    monkeypatch.setenv("REINS_WORKSPACES", str(tmp_path))
    assert starts.folder_of("a/b", load_settings()).parent == tmp_path / ".start"
