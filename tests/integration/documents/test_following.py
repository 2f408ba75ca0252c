"""The worker follows the folders that its settings name; all that it asks for is on record."""

import asyncio
import os

import pytest
from structlog.testing import capture_logs

import queue_imp as q
from reins.documents import following, watching
from reins.documents.following import DocumentFolders
from store import chunks, documents
from store.errors import StoreError
from store.queue import reading as queue_reading
from tests.support.waiting import until_async


@pytest.fixture
def log():
    with capture_logs() as lines:
        yield lines


@pytest.fixture
def follow(fleet, monkeypatch):
    """Starts the loop for folders, and looks all the time."""
    monkeypatch.setattr(following, "_LOOK_S", 0.02)
    monkeypatch.setattr(following, "_LONGEST_S", 0.02)
    monkeypatch.setattr(following, "_STILL_S", 0.02)
    monkeypatch.setattr(following, "_FIRST_S", 0.0)
    started = []

    def begun(*folders):
        fleet.settings = fleet.settings.model_copy(update={"document_folders": [*folders]})
        loop = Rounds(fleet.store.reader, lambda: fleet.settings)
        loop.start()
        started.append(loop)
        return loop

    yield begun
    for loop in started:
        loop.stop()


class Rounds(DocumentFolders):
    """Counts its rounds, so that a test sees that nothing came of one."""

    rounds = 0
    has_looked_back = False

    def _asked_before(self):
        try:
            return super()._asked_before()
        finally:
            self.has_looked_back = True

    def run_once(self):
        delay_s = super().run_once()
        self.rounds += 1
        return delay_s

    async def two_more(self):
        seen = self.rounds
        await until_async(lambda: self.rounds >= seen + 2, "it has looked again")


def versions():
    return {os.path.basename(row["source"]): row["version"] for row in q.list_documents()}  # noqa: PTH119


async def until_versions(**expected):
    wanted = {f"{name}.md": version for name, version in expected.items()}
    await until_async(lambda: versions() == wanted, f"the documents are {wanted}")


def asked(fleet):
    """What was asked for, the oldest first: type, who, why, outcome."""
    rows = queue_reading.list_actions(fleet.store.reader)
    return [(r["type"], r["actor"], r["description"], r["outcome"]) for r in reversed(rows)]


async def stopped(loop):
    await asyncio.to_thread(loop.stop)


async def test_files_are_documents_as_they_are_now(fleet, follow, tmp_path):
    """Added at the start, a version for each change, ended when gone: through the queue."""
    inner = tmp_path / "library"
    inner.mkdir()
    tea, coffee = inner / "tea.md", inner / "coffee.md"
    tea.write_text("# Tea")
    coffee.write_text("# Coffee")
    loop = follow(inner)
    await until_versions(tea=1, coffee=1)
    tea.write_text("# Green tea")
    await until_versions(tea=2, coffee=1)
    coffee.unlink()
    await until_versions(tea=2)
    coffee.write_text("# Coffee")
    await until_versions(tea=2, coffee=2)
    await stopped(loop)
    said = f"REINS_DOCUMENT_FOLDERS watches {inner}, where the file"
    assert asked(fleet) == [
        ("document_add", "Reins", f"{said} is new", "applied"),
        ("document_add", "Reins", f"{said} is new", "applied"),
        ("document_add", "Reins", f"{said} has changed", "applied"),
        ("document_remove", "Reins", f"{said} is gone", "applied"),
        ("document_add", "Reins", f"{said} is new", "applied"),
    ]


async def test_a_restart_adds_nothing_twice(fleet, follow, tmp_path):
    """What was changed and removed meanwhile is found by the next start."""
    inner = tmp_path / "library"
    inner.mkdir()
    for name in "abc":
        (inner / f"{name}.md").write_text(name)
    loop = follow(inner)
    await until_versions(a=1, b=1, c=1)
    await stopped(loop)
    (inner / "b.md").write_text("another")
    (inner / "c.md").unlink()
    loop = follow(inner)
    await until_versions(a=1, b=2)
    await loop.two_more()
    await stopped(loop)
    assert len(asked(fleet)) == 5


async def test_what_still_waits_is_not_asked_for_again(fleet, follow, tmp_path, monkeypatch):
    """A worker that was killed has left it in the queue; the next one waits for it."""
    inner = tmp_path / "library"
    inner.mkdir()
    (inner / "tea.md").write_text("# Tea")
    may_add, add = asyncio.Event(), fleet.documents.add

    async def held(draft):
        await may_add.wait()
        return await add(draft)

    monkeypatch.setattr(fleet.documents, "add", held)
    loop = follow(inner)
    await until_async(lambda: len(asked(fleet)) == 1, "it is asked for")
    await stopped(loop)
    loop = follow(inner)
    await until_async(lambda: loop.has_looked_back, "it has seen what waits")
    may_add.set()
    await until_versions(tea=1)
    await loop.two_more()
    await stopped(loop)
    assert len(asked(fleet)) == 1


async def test_a_folder_that_is_away_is_looked_for_again(fleet, follow, tmp_path, log):
    """It is said once; the others go on; no document of it is ended."""
    away, there = tmp_path / "away", tmp_path / "there"
    there.mkdir()
    (there / "a.md").write_text("a")
    loop = follow(away, there)
    await until_versions(a=1)
    away.mkdir()
    (away / "b.md").write_text("b")
    await until_versions(a=1, b=1)
    away.rename(tmp_path / "elsewhere")
    await loop.two_more()
    await stopped(loop)
    assert versions() == {"a.md": 1, "b.md": 1}
    told = [line["event"] for line in log if line.get("folder") == str(away)]
    again = "a folder of documents is not looked at; it is tried again"
    assert told == [again, "a folder of documents is there again", again]


async def test_a_file_that_cannot_be_read_is_left_out(fleet, follow, tmp_path, log):
    """Each is told in the log, and no action is asked for; the rest goes on."""
    inner = tmp_path / "library"
    inner.mkdir()
    (inner / "a.md").write_text("a")
    (inner / "film.bin").write_bytes(bytes(99))
    (inner / "large.md").touch()
    os.truncate(inner / "large.md", 33 << 20)
    (inner / "line\nend.md").write_text("x")
    (inner / "torn.pdf").write_bytes(b"%PDF-1.4 nothing")
    (inner / "z.md").write_text("z")
    (inner / "link.md").symlink_to("/etc/hostname")
    os.mkfifo(inner / "pipe.md")
    loop = follow(inner)
    await until_versions(a=1, z=1)
    await loop.two_more()
    await stopped(loop)
    told = [line["why"] for line in log if line["event"] == "a file is no document"]
    assert len(told) == 4
    assert all(any(part in why for why in told) for part in ("film", "large", "line", "torn"))
    outcomes = [outcome for *_, outcome in asked(fleet)]
    assert sorted(outcomes) == ["applied", "applied", "rejected"]  # a PDF is read by the worker


async def test_the_data_folder_is_no_folder_of_documents(fleet, follow, tmp_path, log):
    """It would be a document of a document for ever; neither are the folders around and in it."""
    (tmp_path / "a.md").write_text("a")
    (fleet.store.folder.path / "blobs").mkdir(exist_ok=True)
    loop = follow(tmp_path, fleet.store.folder.path / "blobs")
    await loop.two_more()
    await stopped(loop)
    assert versions() == {}
    told = [line["error"] for line in log if "folder" in line]
    assert len(told) == 2
    assert all("the data folder" in error for error in told)


async def test_what_found_no_room_is_asked_for_again(fleet, follow, tmp_path, monkeypatch):
    """A failure amid a folder leaves none of its files out."""
    inner = tmp_path / "library"
    inner.mkdir()
    for name in "abc":
        (inner / f"{name}.md").write_text(name)
    failures = iter([None, OSError(28, "no space left on device")])
    put = watching.put_blob

    def failing(folder, data):
        if (error := next(failures, None)) is not None:
            raise error
        return put(folder, data)

    monkeypatch.setattr(watching, "put_blob", failing)
    monkeypatch.setattr(following, "_AT_ONCE", 1)
    unread = iter([StoreError("the queue does not read")])
    get_actions = queue_reading.get_actions

    def failing_too(store, action_ids):
        if (error := next(unread, None)) is not None:
            raise error
        return get_actions(store, action_ids)

    monkeypatch.setattr(following.queue_reading, "get_actions", failing_too)
    loop = follow(inner)
    await until_versions(a=1, b=1, c=1)
    await stopped(loop)
    assert not [*failures, *unread]
    stored = {row["source"]: chunks.text_of(row["document_id"], 1) for row in q.list_documents()}
    assert sorted(stored.values()) == ["a", "b", "c"]
    assert len(documents.list_documents(removed=True)) == 3


async def test_a_reload_takes_other_folders(fleet, follow, tmp_path):
    """What is listed no more stays as it is; without any the loop waits."""
    one, two = tmp_path / "one", tmp_path / "two"
    for place in (one, two):
        place.mkdir()
        (place / f"{place.name}.md").write_text(place.name)
    loop = follow()
    await until_async(lambda: loop.rounds == 1, "it waits")
    fleet.settings = fleet.settings.model_copy(update={"document_folders": [one]})
    loop.wake()
    await until_versions(one=1)
    fleet.settings = fleet.settings.model_copy(update={"document_folders": [two]})
    await until_versions(one=1, two=1)
    (one / "one.md").unlink()
    await loop.two_more()
    assert versions() == {"one.md": 1, "two.md": 1}
