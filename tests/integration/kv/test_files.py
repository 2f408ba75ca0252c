"""JSON files and SQLite: what lies on disk, for whom, and what is said if it cannot be used."""

import fcntl
import json
import os
import sqlite3
import stat
import time

import pytest

from reins.kv import KVError, UnavailableError, open_kv
from reins.kv.files import file_name
from reins.kv.json_files import JsonFilesKV
from reins.kv.sqlite import SqliteKV


def modes(folder):
    return {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}


async def test_a_file_is_readable_and_nobody_elses(tmp_path):
    """A person finds key, value and version in it."""
    async with JsonFilesKV(tmp_path / "a" / "rows") as kv:
        version = await kv.put("Plans/Déjà vu", {"x": [1]})
        await kv.put_newer("b", 1, 7)
        await kv.delete("b")
    folder = tmp_path / "a" / "rows"
    assert modes(folder).keys() == {".lock", ".floor", file_name("Plans/Déjà vu")}
    assert set(modes(folder).values()) == {0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    [path] = folder.glob("plans-d-j-vu-*.json")
    assert json.loads(path.read_text()) == {
        "key": "Plans/Déjà vu", "version": version, "seq": 0, "value": {"x": [1]},
    }  # fmt: skip


async def test_what_a_killed_writer_left_is_removed(tmp_path):
    """By the next writer, and never taken for a row."""
    (tmp_path / ".new-1").write_bytes(b'{"key": "a"')
    async with JsonFilesKV(tmp_path) as kv:
        assert await kv.scan() == []
        await kv.put("a", 1)
    assert not (tmp_path / ".new-1").exists()


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'{"key": "a"}', b'{"key": "a", "x": 1}', b"\0" * 64]
)
async def test_a_file_that_somebody_has_altered(tmp_path, body):
    """It is named, with what to do; other keys go on."""
    async with JsonFilesKV(tmp_path) as kv:
        await kv.put("a", 1)
        await kv.put("b", 2)
        (tmp_path / file_name("a")).write_bytes(body)
        with pytest.raises(KVError, match=rf"{file_name('a')} is not as it was written.*Restore"):
            await kv.get("a")
        assert (await kv.get("b")).value == 2


async def test_a_file_that_was_copied(tmp_path):
    """One key has one file: another one that claims it is told of."""
    async with JsonFilesKV(tmp_path) as kv:
        await kv.put("a", 1)
        (tmp_path / "copy.json").write_bytes((tmp_path / file_name("a")).read_bytes())
        with pytest.raises(KVError, match=r"copy.json holds the key 'a'.*Move it"):
            await kv.scan()


async def test_a_folder_that_is_locked(tmp_path):
    """A writer waits for its time, and says so; a reader does not wait."""
    async with JsonFilesKV(tmp_path, timeout_s=0.2) as kv:
        await kv.put("a", 1)
        with (tmp_path / ".lock").open() as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            began = time.monotonic()
            with pytest.raises(UnavailableError, match=r"locked.*Is it stopped"):
                await kv.put("a", 2)
            assert time.monotonic() - began < 5
            assert (await kv.get("a")).value == 1
        assert await kv.put("a", 3) == 2


async def test_a_sync_that_fails(tmp_path, monkeypatch):
    """Nothing is acknowledged, the value stands, and nothing half written is left."""
    async with JsonFilesKV(tmp_path) as kv:
        await kv.put("a", 1)

        def fails(descriptor):
            raise OSError(5, "Input/output error")

        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", fails)
            with pytest.raises(KVError, match=r"Input/output error.*Check that its disk"):
                await kv.put("a", 2)
        assert (await kv.get("a")).value == 1
        assert not list(tmp_path.glob(".new-*"))


async def test_every_write_is_synced_before_it_returns(tmp_path, monkeypatch):
    """The file and its folder, in this order; a delete its floor too."""
    synced = []

    def note(descriptor, sync=os.fsync):
        synced.append("folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file")
        sync(descriptor)

    async with JsonFilesKV(tmp_path) as kv:
        monkeypatch.setattr(os, "fsync", note)
        await kv.put("a", 1)
        assert synced == ["file", "folder"]
        await kv.put("a", 1)
        assert synced == ["file", "folder"] * 2
        await kv.delete("a")
        assert synced == ["file", "folder"] * 3 + ["folder"]


async def test_a_sqlite_file_is_nobody_elses_and_synced(tmp_path):
    """WAL, with a sync for each commit."""
    async with SqliteKV(tmp_path / "a" / "rows") as kv:
        await kv.put("a", 1)
        assert set(modes(tmp_path / "a").values()) == {0o600}
        asked = [await kv._run(f"PRAGMA {name}") for name in ("journal_mode", "synchronous")]
        assert asked == [[("wal",)], [(2,)]]


async def test_a_sqlite_file_that_is_locked(tmp_path):
    """A writer waits for its time, and says so; a reader does not wait."""
    async with SqliteKV(tmp_path / "rows", timeout_s=0.2) as kv:
        await kv.put("a", 1)
        other = sqlite3.connect(tmp_path / "rows", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        began = time.monotonic()
        with pytest.raises(UnavailableError, match=r"locked for 0.2 s.*stopped"):
            await kv.put("a", 2)
        assert time.monotonic() - began < 5
        assert (await kv.get("a")).value == 1
        other.close()
        assert await kv.put("a", 3) > 1


@pytest.mark.parametrize("kind", ["json", "sqlite"])
async def test_a_place_that_cannot_be_used(kind, tmp_path):
    """A file in the way of a folder, a folder in the way of a file, or what is no SQLite file."""
    (tmp_path / "file").write_text("no SQLite file" * 100)
    (tmp_path / "folder").mkdir()
    for place in ("file/rows", "folder" if kind == "sqlite" else "file", "file"):
        async with open_kv(f"{kind}:{tmp_path / place}") as kv:
            with pytest.raises(KVError, match=r"(Check that|damaged)"):
                await kv.put("a", 1)
