"""A folder that is watched: what changes is a version, what is gone is ended."""

import asyncio

import pytest

import queue_imp as q
from agent_core.actions.documents import document_id_of
from reins.cli.main import main
from reins.documents.folders import Folder, FolderRefusedError
from reins.documents.watching import Watcher
from reins.sending import writer
from store.queue import reading as queue_reading
from store.reading import Reader
from tests.support import data_folder
from tests.support.waiting import until, until_async
from tests.support.worker import Worker


async def looked(fleet, folder):
    """The lines of one look, once all that it asked for is done."""
    watcher = Watcher(fleet.store.reader, writer(), "ann", "a test")
    lines = await asyncio.to_thread(lambda: [asked.line for asked in watcher.look(folder)])
    path = fleet.store.folder.path
    await until_async(lambda: data_folder.unprocessed(path) == 0, "all that it asked for is done")
    return lines


async def test_a_folder_is_followed(fleet, tmp_path):
    """New files, changed ones and those that are gone; none that is being written."""
    inner = tmp_path / "library"
    (inner / "deep").mkdir(parents=True)
    tea, coffee = inner / "tea.md", inner / "deep" / "coffee.md"
    tea.write_text("# Tea")
    (inner / ".hidden.md").write_text("x")
    (inner / "film.bin").write_bytes(bytes(99))
    folder = Folder(inner)
    left_out = f"left out: {inner}/film.bin: it is application/octet-stream; expected"
    first, second = await looked(fleet, folder)
    assert first.startswith(left_out)
    assert second == f"added {tea}"
    assert [row["source"] for row in q.list_documents()] == [str(tea)]
    assert await looked(fleet, folder) == []
    coffee.write_text("# Cof")
    assert await looked(fleet, folder) == []  # it may still be written
    coffee.write_text("# Coffee")
    assert await looked(fleet, folder) == []
    assert await looked(fleet, folder) == [f"added {coffee}"]
    tea.write_text("# Green tea")
    assert await looked(fleet, folder) == []
    assert await looked(fleet, folder) == [f"added {tea}"]
    assert q.document_text(document_id_of(str(tea)), 2) == "# Green tea"
    coffee.unlink()
    assert await looked(fleet, folder) == [f"removed {coffee}"]
    assert [row["source"] for row in q.list_documents()] == [str(tea)]
    [again] = await looked(fleet, Folder(inner))  # another start asks for what differs alone
    assert again.startswith(left_out)


async def test_a_folder_that_is_away_ends_nothing(fleet, tmp_path):
    """It may come back; a document of another folder is none of its own."""
    inner, other = tmp_path / "library", tmp_path / "library-2"
    for place in (inner, other):
        place.mkdir()
        (place / "a.md").write_text("x")
        await looked(fleet, Folder(place))
    folder = Folder(inner)
    await looked(fleet, folder)
    inner.rename(tmp_path / "away")
    with pytest.raises(FileNotFoundError):
        await looked(fleet, folder)
    assert len(q.list_documents()) == 2
    (tmp_path / "away").rename(inner)
    (other / "a.md").unlink()
    assert await looked(fleet, folder) == []
    assert len(q.list_documents()) == 2


@pytest.mark.parametrize("place", ["", "data/blobs"])
@pytest.mark.parametrize("more", [(), ("--watch",)])
def test_the_data_folder_is_not_added(data, tmp_path, capsys, place, more):
    """Each document would bring another one, for ever; nothing is asked for."""
    (data / "blobs").mkdir(parents=True)
    (tmp_path / "a.md").write_text("a")
    assert main(["documents", "add", str(tmp_path / place), "--actor", "ann", *more]) == 1
    assert "the data folder" in capsys.readouterr().err
    assert queue_reading.list_actions(Reader(data)) == []


def test_a_shell_says_what_it_asks_for(data, tmp_path):
    """A line for each file, as long as it watches; what is asked for waits for a worker."""
    inner = tmp_path / "library"
    inner.mkdir()
    (inner / "tea.md").write_text("# Tea")
    watch = ("-m", "reins", "documents", "add", str(inner), "--watch", "--every", "0.1")
    with Worker(data, tmp_path / "shell", *watch, "--actor", "ann") as shell:
        until(lambda: f"added {inner}/tea.md" in shell.stdout.read_text(), "it is asked for")
        (inner / "oak.md").write_text("# Oaks")
        until(lambda: f"added {inner}/oak.md" in shell.stdout.read_text(), "the next one, too")
    asked = queue_reading.list_actions(Reader(data))
    said = f"reins documents add --watch watches {inner}, where the file is new"
    assert [(row["actor"], row["description"]) for row in asked] == [("ann", said)] * 2


def test_a_folder_without_files_ends_nothing_at_the_first_look(tmp_path):
    """It may not be mounted yet; one that was seen full is believed."""
    file = tmp_path / "tea.md"
    with pytest.raises(FolderRefusedError, match="1 documents of it are stored"):
        Folder(tmp_path).look([str(file)])
    file.write_text("tea")
    folder = Folder(tmp_path)
    assert folder.look([str(file)]).files == [file]
    file.unlink()
    assert folder.look([str(file)]).gone == [str(file)]


def test_a_folder_whose_links_lead_in_a_circle_is_refused(tmp_path):
    """In our words, whichever Python tells of it how."""
    (tmp_path / "a").symlink_to(tmp_path / "b")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    with pytest.raises((FolderRefusedError, OSError)):
        Folder(tmp_path / "a").look([])
