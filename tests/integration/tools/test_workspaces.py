"""Folders in which a session may work, and those in which it may not."""

from pathlib import Path

import pytest

from reins.settings import load_settings
from reins.tools import ToolError
from reins.tools.workspaces import folder_name, open_for, results_of


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "projects/site").mkdir(parents=True)
    (tmp_path / "projects/data").mkdir()
    return tmp_path


def made(place, **more):
    return load_settings(data=place / "data", workspaces=place / "work", **more)


def test_a_session_has_its_own_folder(place):
    """Made at its first use; the same at the next."""
    folder = open_for("agent1", None, made(place))
    assert folder == place / "work/agent1"
    assert folder.is_dir()
    assert open_for("agent1", None, made(place)) == folder
    assert open_for("a", None, load_settings(data=place / "data")) == place / "workspaces/a"
    assert results_of("agent1", made(place)) == place / "work/.results/agent1"


@pytest.mark.parametrize(
    "session_id", ["../x", ".", "..", "a/b", ".results", "x" * 300, "é", "a b"]
)
def test_an_id_that_is_no_name_of_a_folder(place, session_id):
    """It has one folder of its own all the same, below the others' root."""
    folder = open_for(session_id, None, made(place))
    assert folder.parent == place / "work"
    assert folder.name != ".results"


def test_ids_that_are_alike_have_different_folders():
    """What one would make of an id is never another id."""
    ids = ["a", "a b", "a%20b", "%a", "A", "x" * 300, "x" * 301, ".", "..", "é", "e\u0301", "a/b"]
    assert len({folder_name(each) for each in ids}) == len(ids)


def test_a_folder_that_is_asked_for(place):
    """Below a root that is allowed, or the root itself; links are looked through."""
    settings = made(place, workspace_roots=[place / "projects"])
    assert open_for("a", str(place / "projects/site"), settings) == place / "projects/site"
    assert open_for("a", str(place / "projects"), settings) == place / "projects"
    (place / "projects/link").symlink_to("site")
    assert open_for("a", str(place / "projects/link"), settings) == place / "projects/site"


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("/", "below no folder that is allowed"),
        ("/etc", "below no folder that is allowed"),
        ("~", "below no folder that is allowed"),
        ("projects/../data", "below no folder that is allowed"),
        ("projects/out", "below no folder that is allowed"),
        ("projects/none", "no folder"),
        ("projects/file", "no folder"),
    ],
)
def test_a_folder_that_may_be_none(place, asked, said):
    """It says which may, and what to do."""
    (place / "projects/out").symlink_to("/etc")
    (place / "projects/file").touch()
    (place / "data").mkdir()
    settings = made(place, workspace_roots=[place / "projects"])
    path = asked if asked[0] in "/~" else str(place / asked)
    with pytest.raises(ToolError, match=said):
        open_for("a", path, settings)


@pytest.mark.parametrize("root", ["/", "~", "data", "."])
def test_no_root_makes_a_home_or_the_data_a_workspace(place, root, monkeypatch):
    """Not even where a setting lists it."""
    monkeypatch.setenv("HOME", str(place / "home"))
    (place / "home").mkdir()
    (place / "data").mkdir(exist_ok=True)
    path = Path(root).expanduser().absolute()
    settings = made(place, workspace_roots=[path])
    with pytest.raises(ToolError, match="is no workspace"):
        open_for("a", str(path), settings)


def test_a_root_of_workspaces_that_cannot_be_made(place):
    """The system's word is told."""
    (place / "work").touch()
    with pytest.raises(ToolError, match="cannot be used"):
        open_for("a", None, made(place))


@pytest.mark.parametrize("asked", [".results", ".results/other", ".start", ".start/other", "."])
def test_what_is_kept_for_people_is_no_workspace(place, asked):
    """An agent there could change what people compare its work with, and other agents' results."""
    settings = made(place, workspace_roots=[place / "work"])
    (place / "work" / asked).mkdir(parents=True)
    with pytest.raises(ToolError, match="is no workspace: results"):
        open_for("a", asked, settings)
