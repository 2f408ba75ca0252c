"""A bit that flips in a file of a table does not read as another value in silence."""

import asyncio

import pytest
from structlog.testing import capture_logs

from store import agent_steps
from store.errors import RollBackNeededError
from store.journal.log import open_log
from store.lance import manifest
from store.lance.checksums import Checking, changed_files
from store.reading import Reader
from store.store import Store
from tests.integration.store.support import copied, step
from tests.support.waiting import until_async


async def fill(folder):
    store = Store(folder, flush_s=0.02)
    await store.start()
    for n in range(1, 31, 10):
        await store.journal.append(*(step("s", m) for m in range(n, n + 10)))
        await until_async(lambda: store.journal.pending == 0)
    await store.stop()


full, folder = copied(fill)


def noted(folder):
    log = open_log(folder / "journal.sqlite", "power")
    sums = log.noted_files()
    log.close()
    return sums


def flip(path, place):
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)


def newest(folder):
    path = folder / "agent_steps.lance"
    head = manifest.manifests(path)[0]
    return path, head, [one.files[0].path for one in manifest.read(head).fragments.values()]


def test_every_file_of_the_newest_version_is_noted(folder):
    """And each is as it was written."""
    sums = noted(folder)
    _, head, files = newest(folder)
    own = {path for table, path in sums if table == "agent_steps"}
    assert own == {*files, f"_versions/{head.name}"}
    assert changed_files(folder, sums) == []


def test_a_bit_of_any_place_is_found(folder):
    path, _, files = newest(folder)
    size = (path / files[1]).stat().st_size
    whole = (path / files[1]).read_bytes()
    for place in range(0, size, 61):
        flip(path / files[1], place)
        [changed] = changed_files(folder, noted(folder)) if place % 610 == 0 else [None]
        if changed is not None:
            assert (changed.table, changed.path) == ("agent_steps", files[1])
        (path / files[1]).write_bytes(whole)


async def test_the_thread_says_which_rows_are_in_a_changed_file(folder):
    """While the worker runs, with its progress."""
    path, _, files = newest(folder)
    text = (path / files[1]).read_bytes().find(b"joke 1")
    flip(path / files[1], text if text >= 0 else 100)
    store = Store(folder, flush_s=0.02)
    with capture_logs() as logs:
        await store.start()
        await until_async(lambda: store.checking.changed)
    [changed] = store.checking.changed
    assert changed.journal_n in (((11, 20),), ())
    assert store.checking.done_bytes == store.checking.total_bytes > 0
    assert "a data file is not as it was written" in [line["event"] for line in logs]
    await store.stop()


async def test_a_changed_manifest_refuses_the_start(folder):
    """Also where it reads: it would name other rows."""
    _, head, _ = newest(folder)
    flip(head, head.read_bytes().find(b".lance"))
    with pytest.raises(RollBackNeededError, match="its manifest is not as it was written"):
        await Store(folder).start()


async def test_sums_follow_the_tables(folder):
    """Compacted files are noted, those of before are not any more."""
    store = Store(folder, flush_s=0.02)
    await store.start()
    Reader(folder).table(agent_steps.TABLE).optimize()
    await store.journal.append(step("s", 31))
    await until_async(lambda: store.journal.pending == 0)
    await store.stop()
    sums = noted(folder)
    _, head, files = newest(folder)
    assert {path for table, path in sums if table == "agent_steps"} == {
        *files,
        f"_versions/{head.name}",
    }
    assert changed_files(folder, sums) == []


async def test_a_stop_ends_the_thread_between_two_chunks(folder):
    checking = Checking(folder, noted(folder))
    checking.start()
    await asyncio.to_thread(checking.stop)
    await asyncio.to_thread(checking.stop)
    assert not checking.running
