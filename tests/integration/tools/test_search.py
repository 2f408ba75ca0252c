"""Search in a workspace: by ripgrep where it is, else by our own program; both alike, both end."""

import os
import time

import pytest

from reins.tools import searching
from reins.tools.builtin.files import search_files

KINDS = [
    pytest.param("own", id="own"),
    pytest.param(
        "ripgrep",
        id="ripgrep",
        marks=pytest.mark.skipif(searching.ripgrep() is None, reason="there is no ripgrep here"),
    ),
]


@pytest.fixture(params=KINDS)
def kind(request, monkeypatch):
    if request.param == "own":
        monkeypatch.setattr(searching, "ripgrep", lambda: None)


@pytest.fixture
def files(work):
    (work.folder / "src").mkdir()
    (work.folder / "src/a.py").write_text("import os\n\ndef total(x):\n    return sum(x)\n")
    (work.folder / "src/b.py").write_text("total = 3\n")
    (work.folder / ".hidden").write_text("total\n")
    (work.folder / ".git").mkdir()
    (work.folder / ".git/config").write_text("total\n")
    (work.folder / "binary").write_bytes(b"total\0")
    (work.folder / "link").symlink_to("/etc")
    (work.folder / "file_link").symlink_to("src/a.py")
    os.mkfifo(work.folder / "pipe")
    (work.folder / "latin").write_bytes(b"total caf\xe9\n")


async def test_lines_that_match_with_file_and_number(work, files, kind):
    """No link is followed; binary files and folders of other programs are left out."""
    outcome = await work(search_files, pattern=r"tot[a-z]l")
    found = outcome.text().splitlines()
    assert found[0] == ".hidden:1:total"
    assert found[1].startswith("latin:1:total caf")
    assert found[2:] == ["src/a.py:3:def total(x):", "src/b.py:1:total = 3"]


async def test_a_folder_or_a_file(work, files, kind):
    """As the path says."""
    assert (
        await work(search_files, pattern="total", path="src/b.py")
    ).text() == "src/b.py:1:total = 3"
    assert len((await work(search_files, pattern="total", path="./src/")).text().splitlines()) == 2
    assert (await work(search_files, pattern="nowhere")).text() == "[nothing found]"


@pytest.mark.parametrize(
    "path", ["link", "link/passwd", "file_link", "..", "/etc", "no", "src/../.."]
)
async def test_no_path_leads_out(work, files, kind, path):
    """Nor through a link."""
    assert (await work(search_files, pattern="root", path=path)).kind == "failed"


async def test_a_pipe_is_not_waited_for(work, files, kind):
    """A program that opens it would wait until its time is over."""
    outcome = await work(search_files, pattern="x", path="pipe")
    assert (outcome.kind, outcome.error) == (
        "failed",
        "pipe is no regular file (a pipe, socket or device)",
    )


async def test_as_many_as_are_asked_for(work, kind):
    """And that there are more."""
    (work.folder / "a").write_text("x\n" * 1_000)
    found = (await work(search_files, pattern="x", most=3)).text().splitlines()
    assert found == [
        "a:1:x",
        "a:2:x",
        "a:3:x",
        "[more than 3; search a folder below, or more exactly]",
    ]


async def test_what_is_no_regular_expression(work, kind):
    """It is told."""
    (work.folder / "a").write_text("x")
    assert "failed" in (await work(search_files, pattern="(")).error
    (work.folder / "dash").write_text("-e x\n")
    assert (await work(search_files, pattern="-e")).text() == "dash:1:-e x"


async def test_an_expression_that_backtracks_is_killed(work, monkeypatch):
    """It holds up nothing, and ends with its time."""
    monkeypatch.setattr(searching, "ripgrep", lambda: None)
    monkeypatch.setattr(searching, "TIME_S", 0.5)
    (work.folder / "a").write_text("a" * 40 + "b\n")
    began = time.monotonic()
    outcome = await work(search_files, pattern="(a+)+$")
    assert "longer than 0.5 s" in outcome.error
    assert time.monotonic() - began < 15


async def test_a_workspace_that_is_gone(work, kind):
    """It is told, not raised."""
    work.folder.rmdir()
    assert "cannot be used" in (await work(search_files, pattern="x")).error
