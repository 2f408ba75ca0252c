"""Files of a workspace: read, written, edited, listed; and whatever can be wrong with them."""

import asyncio
import errno
import os
import shutil
import socket
import time

import pytest

from reins.tools import Risk
from reins.tools.builtin.files import edit_file, list_files, read_file, write_file
from reins.tools.registry import Registry
from reins.tools.toolbox import Toolbox


def only_here(folder):
    """Every name below the folder."""
    return sorted(str(each.relative_to(folder)) for each in folder.rglob("*"))


async def test_a_file_is_written_read_and_edited(work):
    """With the folders above it; lines have numbers."""
    assert (await work(write_file, path="src/a.py", content="one\ntwo\n")).ok
    read = await work(read_file, path="src/a.py")
    assert read.text() == "     1\tone\n     2\ttwo"
    edited = await work(edit_file, path="src/a.py", old="two", new="three")
    assert edited.text() == "src/a.py is edited from line 2 on"
    assert (work.folder / "src/a.py").read_text() == "one\nthree\n"
    assert only_here(work.folder) == ["src", "src/a.py"]


async def test_a_long_file_is_read_in_windows(work):
    """Each says where the next begins; together they are the file."""
    lines = [f"line {n} {'x' * 60}" for n in range(1_000)]
    (work.folder / "long.txt").write_text("\n".join(lines))
    found, start = [], 1
    while start <= len(lines):
        told = (await work(read_file, path="long.txt", start=start)).for_model().splitlines()
        assert told[-1].startswith(f"[lines {start} to ")
        found += [line.partition("\t")[2] for line in told[:-1]]
        start = len(found) + 1
    assert found == lines
    behind = await work(read_file, path="long.txt", start=2_000)
    assert "has 1000 lines" in behind.error


async def test_long_lines_and_strange_line_ends(work):
    """A line is cut where it is too long; only a line end ends a line."""
    (work.folder / "a").write_bytes(b"x" * 5_000 + "\r\na\x0cb\u2028c\n\n".encode())
    told = (await work(read_file, path="a")).text().split("\n")
    assert told[0].endswith("[4,000 characters left out]")
    assert told[1:] == ["     2\ta\x0cb\u2028c", "     3\t"]
    (work.folder / "empty").touch()
    assert (await work(read_file, path="empty")).text() == "[the file is empty]"


async def test_an_edit_is_refused_where_the_file_has_changed_since_it_was_read(work):
    """By anybody else; one's own changes are known."""
    await work(write_file, path="a", content="one two")
    assert (await work(edit_file, path="a", old="one", new="1")).ok
    assert (await work(edit_file, path="./a", old="two", new="2")).ok
    (work.folder / "a").write_text("one two")
    refused = await work(edit_file, path="a", old="one", new="1")
    assert "has changed since it was read" in refused.error
    await work(read_file, path="a")
    assert (await work(edit_file, path="a", old="one", new="1")).ok


async def test_an_edit_that_does_not_fit_tells_the_nearest_lines(work):
    """And leaves the file."""
    await work(write_file, path="a", content="def total(values):\n    pass\n")
    refused = await work(edit_file, path="a", old="def totals(value):", new="x")
    assert "     1\tdef total(values):" in refused.error
    assert (work.folder / "a").read_text() == "def total(values):\n    pass\n"


async def test_a_listing_tells_kinds_and_sizes(work):
    """Folders of other programs are not walked, links are not followed, names tell no lies."""
    (work.folder / "src/deep/er").mkdir(parents=True)
    (work.folder / "src/a.py").write_text("x" * 1_234)
    (work.folder / ".git/objects").mkdir(parents=True)
    (work.folder / "out").symlink_to("/etc")
    (work.folder / "two\nlines").touch()
    os.mkfifo(work.folder / "pipe")
    assert (await work(list_files, depth=3)).text().splitlines() == [
        ".git/",
        "out  (link)",
        "pipe  (special)",
        "src/",
        "src/a.py  1,234",
        "src/deep/",
        "src/deep/er/",
        "'two\\nlines'  0",
    ]
    assert (
        (await work(list_files, most=2))
        .text()
        .endswith("[more than 2; list a folder below, or less deep]")
    )
    assert (await work(list_files, path="src/deep/er")).text() == "[empty]"


OUTSIDE = ["../secret", "/etc/passwd", "link", "folder/passwd", "inner/../../secret", "loop"]


@pytest.fixture
def ways_out(work):
    (work.folder.parent / "secret").write_text("secret")
    (work.folder / "link").symlink_to("../secret")
    (work.folder / "folder").symlink_to("/etc")
    (work.folder / "inner").mkdir()
    (work.folder / "loop").symlink_to("loop")


@pytest.mark.parametrize("path", OUTSIDE)
@pytest.mark.parametrize("has_openat2", [True, False])
async def test_no_path_leads_out(work, ways_out, path, has_openat2, monkeypatch):
    """By no link, no `..` and no absolute path, whatever is done there; without openat2 too."""
    monkeypatch.setattr("reins.tools.beneath._has_openat2", lambda: has_openat2)
    for tool, more in [
        (read_file, {}),
        (write_file, {"content": "mine"}),
        (edit_file, {"old": "secret", "new": "mine"}),
        (list_files, {}),
    ]:
        outcome = await work(tool, path=path, **more)
        assert outcome.kind == "failed", tool
        assert "secret" not in outcome.error.replace(path, "")
    assert (work.folder.parent / "secret").read_text() == "secret"
    assert only_here(work.folder) == ["folder", "inner", "link", "loop"]


@pytest.mark.parametrize("path", ["", ".", "..", "a/..", "\0", "a\0b", "x" * 900, "dir"])
async def test_what_is_no_file_is_not_written(work, path):
    """It says why."""
    (work.folder / "dir").mkdir()
    outcome = await work(write_file, path=path, content="x")
    assert outcome.kind == "failed"
    assert only_here(work.folder) == ["dir"]


async def test_pipes_sockets_and_devices_hold_nobody_up(work):
    """They are no files; nothing waits for their other end."""
    os.mkfifo(work.folder / "pipe")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(work.folder / "socket"))
        began = time.monotonic()
        for path in ("pipe", "socket"):
            for tool, more in [(read_file, {}), (write_file, {"content": ""})]:
                assert "no regular file" in (await work(tool, path=path, **more)).error
    assert time.monotonic() - began < 5


async def test_binary_and_what_is_not_utf8(work):
    """Binary is told, not shown; odd bytes are escapes, and such a file is not edited."""
    (work.folder / "binary").write_bytes(b"\x7fELF\0\0")
    (work.folder / "latin").write_bytes(b"caf\xe9\n")
    assert "is no text (6 bytes)" in (await work(read_file, path="binary")).error
    assert (await work(read_file, path="latin")).text() == "     1\tcaf\\xe9"
    assert "not UTF-8" in (await work(edit_file, path="latin", old="caf", new="x")).error


@pytest.mark.parametrize(
    ("path", "real"),
    [
        ("docs/pre-commit", ".git/hooks/pre-commit"), ("docs/new/deep", ".git/hooks/new/deep"),
        ("config", ".git/config"), ("a/over/hooks/x", ".git/hooks/x"), (".GIT/hooks/x", None),
        ("docs/../hooks/x", ".git/hooks/x"),
    ],
)  # fmt: skip
async def test_a_link_hides_no_file_that_other_programs_run(work, path, real):
    """The risk is that of where it leads; and what is written is named as it is."""
    (work.folder / ".git/hooks").mkdir(parents=True)
    (work.folder / ".git/config").touch()
    (work.folder / "docs").symlink_to(".git/hooks")
    (work.folder / "config").symlink_to(".git/config")
    (work.folder / "a").mkdir()
    (work.folder / "a/over").symlink_to("../.git")
    before = only_here(work.folder)
    for tool, more in [(write_file, {"content": "evil"}), (edit_file, {"old": "a", "new": "b"})]:
        risk, reasons = tool.policy.risk_of({"path": path, **more}, work.context)
        assert (risk, len(reasons)) == (Risk.high, 2), reasons
    if real is None:
        return
    looked = await Toolbox(Registry([])).look(read_file, {"path": path}, work.context)
    assert looked.leads_to == (real,)
    assert looked.touches.endswith(real)
    outcome = await work(write_file, path=path, content="evil")
    assert outcome.kind == "failed"
    assert only_here(work.folder) == before
    if ".." not in path:
        assert f"leads over a link to {real}; name that file itself" in outcome.error
    assert (await work(write_file, path=real, content="mine")).ok


async def test_a_link_that_comes_in_between_is_not_written_over(work, monkeypatch):
    """The folder was no link when it was looked at; it is one when it is opened."""
    (work.folder / ".git").mkdir()
    (work.folder / "docs").symlink_to(".git")
    monkeypatch.setattr("reins.tools.workspace.where", lambda _, path: path)
    assert (await work(write_file, path="docs/config", content="evil")).kind == "failed"
    assert only_here(work.folder) == [".git", "docs"]


async def test_half_characters(work):
    """Neither a path nor a content may hold them; a name that does is listed."""
    for arguments in ({"path": "a\udcff", "content": ""}, {"path": "a", "content": "\ud83d"}):
        assert (await work(write_file, **arguments)).kind == "arguments"
    assert only_here(work.folder) == []
    (work.folder / "b\udcff").touch()
    (await work(list_files)).text().encode()


async def test_a_file_that_is_too_large(work):
    """It is not read, and what to do is told."""
    with (work.folder / "huge").open("wb") as file:
        file.truncate(1 << 40)
    assert "1,099,511,627,776 bytes" in (await work(read_file, path="huge")).error


async def test_a_workspace_that_is_deleted(work):
    """Before a call, and in the middle of one."""
    await work(write_file, path="a", content="x")
    shutil.rmtree(work.folder)
    for tool, more in [(read_file, {}), (write_file, {"content": ""}), (list_files, {})]:
        outcome = await work(tool, path="a", **more)
        assert "cannot be used" in outcome.error
        assert "A person must put it back" in outcome.error
    work.folder.write_text("a file now")
    assert "cannot be used" in (await work(read_file, path="a")).error


async def test_a_disk_that_is_full(work, monkeypatch):
    """The old content stays, no half of the new one is left, and the reason is told."""
    await work(write_file, path="a", content="old")

    def full(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    for step in ("rename", "fchmod"):
        with monkeypatch.context() as patch:
            patch.setattr(os, step, full)
            outcome = await work(write_file, path="a", content="new")
        assert outcome.error == "a: No space left on device"
        assert (work.folder / "a").read_text() == "old"
        assert only_here(work.folder) == ["a"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
async def test_a_file_that_is_not_ours(work):
    """The system's word is told."""
    (work.folder / "a").touch(mode=0)
    assert (await work(read_file, path="a")).error == "a: Permission denied"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
async def test_what_root_writes_belongs_to_whom_the_folder_does(work):
    """Folders that are made too: commands run as that user."""
    os.chown(work.folder, 1234, 1234)
    await work(write_file, path="a/b", content="x")
    assert {each.stat().st_uid for each in work.folder.rglob("*")} == {1234}


async def test_a_file_keeps_its_mode(work):
    """A script stays executable; nothing is written through a second name."""
    (work.folder / "run.sh").write_text("old")
    (work.folder / "run.sh").chmod(0o755)
    os.link(work.folder / "run.sh", work.folder / "other")
    await work(write_file, path="run.sh", content="new")
    assert (work.folder / "run.sh").stat().st_mode & 0o777 == 0o755
    assert (work.folder / "other").read_text() == "old"


async def test_what_a_change_touches_is_the_file_as_it_is(work):
    """Its digest is another once the file is."""
    arguments = {"path": "a", "content": "new"}
    absent = write_file.touches(arguments, work.context)
    (work.folder / "a").write_text("old")
    there = write_file.touches(arguments, work.context)
    assert write_file.touches(arguments, work.context) == there != absent
    (work.folder / "a").write_text("older")
    assert write_file.touches(arguments, work.context) != there


async def test_a_person_is_shown_the_difference(work):
    """Of a write and of an edit; of one that does not fit, why."""
    (work.folder / "a").write_text("one\ntwo\n")
    shown = write_file.preview({"path": "a", "content": "one\n2\n"}, work.context)
    assert (shown["kind"], shown["new"]) == ("diff", False)
    assert shown["diff"].splitlines()[-3:] == [" one", "-two", "+2"]
    shown = edit_file.preview({"path": "a", "old": "two", "new": "2"}, work.context)
    assert "+2" in shown["diff"]
    assert write_file.preview({"path": "b", "content": "x"}, work.context)["new"]


@pytest.mark.parametrize("path", [".git/hooks/pre-commit", "a/.github/workflows/x.yml", ".envrc"])
def test_files_that_other_programs_run_are_of_high_risk(path):
    """And the reason is told."""
    risk, reasons = write_file.policy.risk_of({"path": path})
    assert risk is Risk.high
    assert "outside of the sandbox" in reasons[-1]
    assert write_file.policy.risk_of({"path": "src/a.py"}) == (Risk.medium, ["it writes a file"])


async def test_a_long_result_is_kept_whole_for_people(work):
    """In the session's folder of results, by the row's number."""
    (work.folder / "deep").mkdir()
    for n in range(400):
        (work.folder / f"deep/{n:04}-{'x' * 40}").touch()
    outcome = await work(list_files, most=1_000)
    assert len(outcome.for_model().encode()) <= 8_192
    assert outcome.file == "7-list_files.txt"
    assert (work.context.results / outcome.file).read_text() == outcome.text()


async def test_a_result_that_cannot_be_kept(work):
    """The call has been made all the same."""
    work.context.results.write_text("no folder")
    for n in range(400):
        (work.folder / f"{n:04}-{'x' * 40}").touch()
    outcome = await work(list_files, most=1_000)
    assert (outcome.ok, outcome.file) == (True, None)


async def test_many_at_once(work):
    """Two hundred calls, all of them right."""
    made = [work(write_file, path=f"{n % 20}/{n}", content=str(n)) for n in range(200)]
    assert all(each.ok for each in await asyncio.gather(*made))
    read = await asyncio.gather(*(work(read_file, path=f"{n % 20}/{n}") for n in range(200)))
    assert [each.text() for each in read] == [f"     1\t{n}" for n in range(200)]
