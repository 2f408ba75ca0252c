"""Files that change: told once, when they are whole, also of what changed while nobody looked."""

import asyncio
import hashlib
import os
import shutil

import pytest

import queue_imp as q
from reins.sources.notices import Notices
from reins.sources.scanning import scan
from store import sightings
from tests.support.waiting import until_async


@pytest.fixture
async def inbox(woken, tmp_path):
    """A folder that may be watched."""
    folder = tmp_path / "inbox"
    folder.mkdir()
    woken.settings = woken.settings.model_copy(update={"watch_roots": [tmp_path]})
    return folder


async def watching(woken, entry="file:inbox/*.txt", **more):
    await woken.agent("a", "woken", on=[entry], **more)
    rows = lambda: woken.store.reader.newest(sightings.TABLE)  # noqa: E731 - read anew
    await until_async(lambda: any(row["item"] == "" for row in rows()), "the first look is over")


def short(got):
    return [(each["change"], each["path"]) for each in got]


async def test_what_changes_is_told(woken, inbox):
    """Created, changed and removed, with size, time and digest; what was there before is not."""
    (inbox / "before.txt").write_text("old")
    await watching(woken)
    (inbox / "a.txt").write_text("one")
    (inbox / "a.csv").write_text("is no text")
    [first] = await woken.until_got("a", 1)
    digest = hashlib.sha256(b"one").hexdigest()
    mtime = (inbox / "a.txt").stat().st_mtime
    assert first == {
        "source": "file:inbox/*.txt", "path": "inbox/a.txt", "change": "created",
        "size_bytes": 3, "mtime": pytest.approx(mtime), "digest": digest,
    }  # fmt: skip
    (inbox / "a.txt").write_text("other")
    await woken.until_got("a", 2)
    (inbox / "before.txt").unlink()
    got = await woken.until_got("a", 3)
    assert short(got[1:]) == [("changed", "inbox/a.txt"), ("removed", "inbox/before.txt")]
    (inbox / "before.txt").write_text("again")
    got = await woken.until_got("a", 4)
    assert short(got[3:]) == [("created", "inbox/before.txt")]


async def test_what_was_there_is_told_of_where_all_is_asked_for(woken, inbox):
    (inbox / "before.txt").write_text("old")
    await watching(woken, since="all")
    assert short(await woken.until_got("a", 1)) == [("created", "inbox/before.txt")]


async def test_what_changed_while_no_worker_ran_is_found(woken, inbox):
    """Once, whatever has changed; what has not is not told of again."""
    for name in ("same", "changed", "removed"):
        (inbox / f"{name}.txt").write_text("one")
    await watching(woken)
    await woken.stop()
    (inbox / "changed.txt").write_text("two")
    (inbox / "removed.txt").unlink()
    (inbox / "new.txt").write_text("one")
    await woken.start()
    got = await woken.until_got("a", 3)
    assert sorted(short(got)) == [
        ("changed", "inbox/changed.txt"), ("created", "inbox/new.txt"),
        ("removed", "inbox/removed.txt"),
    ]  # fmt: skip
    await woken.again()
    (inbox / "last.txt").write_text("one")
    got = await woken.until_got("a", 4)
    assert short(got[3:]) == [("created", "inbox/last.txt")]


async def test_what_changed_while_it_was_paused_is_found_when_it_goes_on(woken, inbox):
    await watching(woken)
    await woken.do(q.agent_pause_action, "a", "ann")
    (inbox / "a.txt").write_text("one")
    await woken.do(q.schedule_set, "s", "ann", topic="t", when="every:1s")
    await until_async(lambda: woken.said("t"), "a second has passed")
    assert woken.said("@a") == []
    await woken.do(q.agent_resume_action, "a", "ann")
    assert short(await woken.until_got("a", 1)) == [("created", "inbox/a.txt")]


async def test_a_file_that_is_being_written_is_told_of_once(woken, inbox):
    """When it is whole; touching it tells nothing."""
    await watching(woken)
    with (inbox / "a.txt").open("w") as file:
        for number in range(8):
            file.write(f"{number}\n")
            file.flush()
            await asyncio.sleep(0.05)
    [first] = await woken.until_got("a", 1)
    assert first["size_bytes"] == 16
    os.utime(inbox / "a.txt", ns=(1, 1))
    (inbox / "b.txt").write_text("b")
    got = await woken.until_got("a", 2)
    assert short(got) == [("created", "inbox/a.txt"), ("created", "inbox/b.txt")]


async def test_folders_below_and_links(woken, inbox, tmp_path):
    """** are folders below; links lead nowhere, and what begins with a dot is left out."""
    (tmp_path / "secret.txt").write_text("outside")
    await watching(woken, "file:inbox/**/*.txt")
    (inbox / "link.txt").symlink_to(tmp_path / "secret.txt")
    (inbox / "linked").symlink_to(tmp_path)
    (inbox / ".hidden.txt").write_text("x")
    (inbox / "in" / "it").mkdir(parents=True)
    (inbox / "in" / "it" / "deep.txt").write_text("x")
    assert short(await woken.until_got("a", 1)) == [("created", "inbox/in/it/deep.txt")]
    (inbox / "top.txt").write_text("x")
    got = await woken.until_got("a", 2)
    assert short(got[1:]) == [("created", "inbox/top.txt")]


async def test_a_folder_that_goes_away_is_trouble_and_no_removal(woken, inbox):
    """Said once; what has changed since is told when it is there again."""
    (inbox / "a.txt").write_text("one")
    await watching(woken)
    inbox.rename(inbox.with_name("away"))
    await woken.again()
    got = await woken.until_got("a", 1)
    assert "is not there" in got[0]["trouble"]
    inbox.with_name("away").rename(inbox)
    (inbox / "a.txt").write_text("two")
    await woken.again()
    got = await woken.until_got("a", 3)
    assert got[1] == {"source": "file:inbox/*.txt", "trouble": None}
    assert short(got[2:]) == [("changed", "inbox/a.txt")]


async def test_too_many_files_are_trouble(woken, inbox, monkeypatch):
    monkeypatch.setattr("reins.sources.scanning.MAX_FILES", 3)
    await watching(woken)
    for number in range(4):
        (inbox / f"{number}.txt").write_text("x")
    got = await woken.until_got("a", 1)
    assert "more than 3 files" in got[-1]["trouble"]


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        ("file:/etc/*", "below none of REINS_WATCH_ROOTS"),
        ("file:inbox/../../*.txt", "without .."),
        ("file:nowhere/*", "is not there"),
        ("file:data/*", "data folder"),
        ("file:linked/*", "below none of"),
        ("file:inbox", "a folder and a pattern"),
        ("file:inbox/[z-a]", "is no pattern of paths"),
    ],
)
async def test_what_may_not_be_watched_is_refused(woken, inbox, tmp_path, entry, why):
    """At the create, with what to do."""
    (inbox.parent / "linked").symlink_to("/etc")
    got = await woken.do(q.agent_create, "a", "ann", agent_type="woken", config={"on": [entry]})
    assert got["outcome"] == "rejected"
    assert why in got["error"]


async def test_nothing_may_be_watched_unless_it_is_listed(woken):
    got = await woken.do(
        q.agent_create, "a", "ann", agent_type="woken", config={"on": ["file:x/*"]}
    )
    assert "REINS_WATCH_ROOTS" in got["error"]


async def test_a_folder_that_another_has_replaced_is_heard_of(woken, inbox):
    """At once, not by the look of each minute: the system's watch went with the first folder."""
    await watching(woken)
    (inbox / "a.txt").write_text("one")
    await woken.until_got("a", 1)
    shutil.rmtree(inbox)
    inbox.mkdir()
    got = await woken.until_got("a", 2)
    assert short(got[1:]) == [("removed", "inbox/a.txt")]
    await asyncio.sleep(0.5)  # the look that an event asked for is over
    (inbox / "a.txt").write_text("two")
    got = await woken.until_got("a", 3)
    assert short(got[2:]) == [("created", "inbox/a.txt")]


@pytest.mark.parametrize("moved", [False, True])
async def test_notices_know_a_folder_that_is_another(tmp_path, moved):
    """Whoever heard of the first one, and has not ended, hears of the second."""
    folder, heard, notices = tmp_path / "in", [], Notices()
    folder.mkdir()
    await notices.of(folder, lambda: heard.append("first"))
    assert notices.silent([folder]) == []
    if moved:
        folder.rename(tmp_path / "old")
    else:
        folder.rmdir()
    folder.mkdir()
    await until_async(lambda: notices.silent([folder]) == [folder], "the first folder has gone")
    end = await notices.of(folder, lambda: heard.append("second"))
    heard.clear()
    (folder / "a").write_text("one")
    await until_async(lambda: {*heard} == {"first", "second"}, "both hear of it")
    end()
    await notices.stop()
    assert notices.silent([folder]) == []


def test_a_folder_that_goes_while_it_is_walked_is_no_trouble(tmp_path, monkeypatch):
    """The files beside it are found; that the first folder has gone is an error."""
    (tmp_path / "in" / "below").mkdir(parents=True)
    (tmp_path / "in" / "a").write_text("one")
    listed = os.scandir

    def scandir(path):
        if path.name == "below":
            path.rmdir()
        return listed(path)

    monkeypatch.setattr(os, "scandir", scandir)
    found, folders = scan(tmp_path / "in", "**")
    assert [*found] == ["a"]
    assert folders == [tmp_path / "in"]
    with pytest.raises(FileNotFoundError):
        scan(tmp_path / "none", "**")
