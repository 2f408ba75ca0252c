"""Damage to what had been safe, and errors that are none: what goes is small, and it is said."""

import errno
import json
import os
import shutil
import subprocess
import sys

import orjson
import pytest
from structlog.testing import capture_logs

from store import agent_state, agent_steps
from store.errors import FolderUnusableError, RollBackNeededError
from store.folder import OWNER_FILE
from store.lance import damage, faults, manifest
from store.lance.damage import JOURNAL
from store.reading import Reader
from store.store import Store
from tests.integration.store.support import ROOT, copied, message, step
from tests.support.faults.control import Fault, Faults
from tests.support.waiting import until_async

STEPS = 40


async def fill(folder):
    """40 rows of the log in eight fragments, two messages, all of it safe; sessions s and t."""
    store = Store(folder, flush_s=0.02)
    await store.start()
    for first in range(1, STEPS + 1, 5):
        numbers = range(first, first + 5)
        await store.journal.append(*(step("s" if n % 2 else "t", (n + 1) // 2) for n in numbers))
        await until_async(lambda: store.journal.pending == 0)
    await store.journal.append(message("c", 1, "one"), message("c", 2, "two"))
    await store.stop()


full, folder = copied(fill)


def files(folder, table):
    """The files of each fragment, in the order of their rows."""
    path = folder / f"{table}.lance"
    newest = manifest.read(manifest.manifests(path)[0])
    return [path / fragment.files[0].path for fragment in newest.fragments.values()]


def content(folder):
    return {
        path.relative_to(folder): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.suffix in (".lance", ".manifest", ".txn", ".idx")
    }


async def started(folder):
    store = Store(folder, flush_s=0.02)
    with capture_logs() as logs:
        await store.start()
    await store.stop()
    return [line for line in logs if line["log_level"] == "error"]


def seqs(folder, session):
    return [row["seq"] for row in agent_steps.list_steps(session, store=Reader(folder))]


def zeros(path):
    path.write_bytes(bytes(path.stat().st_size))


def zero_middle(path):
    whole = bytearray(path.read_bytes())
    whole[64:-1_300] = bytes(len(whole) - 1_364)
    path.write_bytes(whole)


def cut(path):
    os.truncate(path, path.stat().st_size // 2)


def empty(path):
    os.truncate(path, 0)


def gone(path):
    path.unlink()


@pytest.mark.parametrize("hurt", [zeros, cut, empty, gone])
@pytest.mark.parametrize("place", [0, 3, -1])
async def test_a_damaged_fragment_is_set_aside_alone(folder, hurt, place):
    """The first, a middle and the last one: its rows' numbers are kept, all others read on, and
    the second start has nothing to mend."""
    hurt(files(folder, "agent_steps")[place])
    errors = await started(folder)
    assert {line["event"] for line in errors} == {"table repaired"}
    [lost] = damage.missing(folder)
    first = (place % 8) * 5 + 1
    assert (lost.table, lost.rows, lost.journal_n) == ("agent_steps", 5, ((first, first + 4),))
    numbers = range(first, first + 5)
    expected = {
        name: [seq for seq in range(1, 21) if seq * 2 - odd not in numbers]
        for name, odd in (("s", 1), ("t", 0))
    }
    for name, kept in expected.items():
        assert seqs(folder, name) == kept
        missing = {n for low, high in lost.numbers[name] for n in range(low, high + 1)}
        assert missing == set(range(1, 21)) - set(kept)
    assert any("rows acknowledged before may be lost" in line["did"] for line in errors)
    assert await started(folder) == []
    states = {row["session_id"]: row for row in agent_state.list_agent_states(store=Reader(folder))}
    assert {name: row["iteration"] for name, row in states.items()} == {"s": 20, "t": 20}
    assert {row["status"] for row in states.values()} == {"running"}


async def test_a_fragment_whose_pages_are_zeros_is_set_aside(folder):
    """Its end is as it was written; after a loss of power reading the numbers finds it."""
    zero_middle(files(folder, "agent_steps")[3])
    (folder / OWNER_FILE).write_text(json.dumps({"pid": 1, "boot": "another"}))
    await started(folder)
    [lost] = damage.missing(folder)
    assert lost.journal_n == ((16, 20),)


async def test_after_a_fragment_was_set_aside_the_table_works(folder):
    """Rows are added, found by key, and compacted."""
    zeros(files(folder, "agent_steps")[3])
    store = Store(folder, flush_s=0.02)
    await store.start()
    await store.journal.append(step("s", 21))
    await until_async(lambda: store.journal.pending == 0)
    await store.stop()
    opened = Reader(folder).table(agent_steps.TABLE)
    opened.optimize()
    assert seqs(folder, "s") == [*range(1, 9), *range(11, 22)]
    assert await started(folder) == []


async def test_the_last_readable_part_of_a_table_goes_by_a_person_alone(folder):
    """Where nothing of a table reads, the start refuses; asked to, the repair goes on."""
    Reader(folder).table(agent_steps.TABLE).optimize()
    store = Store(folder, flush_s=0.02)
    await store.start()
    await store.journal.append(message("c", 3, "three"))
    await store.stop()
    [only] = files(folder, "agent_steps")
    zeros(only)
    before = content(folder)
    with pytest.raises(RollBackNeededError, match=r"journal_n 1-40.*s: 1-20; t: 1-20.*--roll-back"):
        await started(folder)
    assert content(folder) == before
    Store(folder).repair(roll_back=True)
    assert seqs(folder, "s") == []
    assert [entry.rows for entry in damage.missing(folder)] == [40]
    assert await started(folder) == []


async def test_the_state_is_made_again_from_the_log(folder):
    """A damaged state: the log has it all, and no session is held."""
    zeros(files(folder, "agent_state")[0])
    await started(folder)
    states = {row["session_id"]: row for row in agent_state.list_agent_states(store=Reader(folder))}
    assert {name: row["iteration"] for name, row in states.items()} == {"s": 20, "t": 20}
    assert {row["status"] for row in states.values()} == {"running"}


async def test_a_session_whose_newest_row_may_be_lost_is_held(folder):
    """State and the log's newest rows damaged at once: it does not start from an older state."""
    zeros(files(folder, "agent_state")[0])
    zeros(files(folder, "agent_steps")[-1])
    await started(folder)
    for name in ("s", "t"):
        state = agent_state.get_agent_state(name, store=Reader(folder))
        assert state["status"] == "paused"
        *_, newest = agent_steps.list_steps(name, store=Reader(folder))
        assert newest["text"].startswith("paused: rows that came after row 1")
        assert orjson.loads(newest["state"])["status"] == "paused"
    count = len(seqs(folder, "s"))
    await started(folder)
    assert len(seqs(folder, "s")) == count  # said once


@pytest.mark.parametrize(
    "text",
    [
        "lance error: LanceError(IO): Input/output error (os error 5), local.rs:274:24",
        "lance error: Unable to open file x: Too many open files (os error 24)",
        "Cannot allocate memory",
        "IO error: permission denied",
    ],
)
def test_a_text_that_names_a_system_error(text):
    assert faults.system_error(RuntimeError(text)) is not None


def test_what_is_no_system_error():
    assert faults.system_error(MemoryError()) == (errno.ENOMEM, os.strerror(errno.ENOMEM))
    assert faults.system_error(PermissionError(errno.EACCES, "no")) is not None
    assert faults.system_error(FileNotFoundError(errno.ENOENT, "no")) is None
    assert faults.system_error(RuntimeError("failed to fill whole buffer")) is None


FAILING_OPEN = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
static int left = -1;
static int fails(const char *path, int flags) {
  const char *match = getenv("F_MATCH");
  if (!match || !path || !strstr(path, match) || (flags & (O_CREAT | O_WRONLY | O_RDWR))) return 0;
  if (left < 0) left = atoi(getenv("F_TIMES"));
  return left > 0 && left-- > 0;
}
#define OPEN(name) int name(const char *path, int flags, ...) { \
  va_list a; va_start(a, flags); mode_t mode = va_arg(a, mode_t); va_end(a); \
  static int (*real)(const char *, int, ...); \
  if (!real) real = dlsym(RTLD_NEXT, #name); \
  if (fails(path, flags)) { errno = atoi(getenv("F_ERRNO")); return -1; } \
  return real(path, flags, mode); }
OPEN(open) OPEN(open64)
"""
START = """
import asyncio, sys
from store.errors import FolderUnusableError
from store.store import Store

async def start():
    store = Store(sys.argv[1], flush_s=0.05)
    await store.start()
    await store.stop()

try:
    asyncio.run(start())
except FolderUnusableError as error:
    sys.exit(f"refused: {error}")
"""


@pytest.fixture(scope="module")
def failing(tmp_path_factory):
    """A library that lets the first opens of files fail; loaded before all others."""
    folder = tmp_path_factory.mktemp("failing")
    (folder / "open.c").write_text(FAILING_OPEN)
    library = folder / "open.so"
    if shutil.which("gcc") is None:
        pytest.skip("needs gcc")
    subprocess.run(
        ["gcc", "-shared", "-fPIC", "-o", library, folder / "open.c", "-ldl"], check=True
    )
    return library


@pytest.mark.parametrize(
    ("code", "match", "times"),
    [
        (errno.EMFILE, "agent_steps.lance/_versions/", 20),
        (errno.EACCES, "agent_steps.lance/_versions/", 1),
        (errno.EIO, "agent_steps.lance/data/", 1_000),
        (errno.ENOMEM, "agent_state.lance/data/", 1_000),
        (errno.ESTALE, "messages.lance/_versions/", 1_000),
        (errno.ETIMEDOUT, "queue.lance/_versions/", 1_000),
        (errno.EPERM, "agents_config.lance/", 1_000),
    ],
)
def test_a_system_error_refuses_the_start_and_touches_nothing(folder, failing, code, match, times):
    before = content(folder)
    done = subprocess.run(
        [sys.executable, "-c", START, folder],
        cwd=ROOT,
        env={
            **os.environ,
            "LD_PRELOAD": str(failing),
            "F_MATCH": match,
            "F_TIMES": str(times),
            "F_ERRNO": str(code),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert "refused: " in done.stderr, done.stderr
    assert "That is no damage, and nothing was changed." in done.stderr
    assert os.strerror(code) in done.stderr
    assert content(folder) == before
    assert not (folder / "damaged").exists()


READ = """
import sys
from pathlib import Path
from store import messages
from store.errors import FolderUnusableError
from store.reading import Reader

reader = Reader(Path(sys.argv[1]))
for line in sys.stdin:
    try:
        print(messages.last_number("c", store=reader), flush=True)
    except FolderUnusableError as error:
        print(error, flush=True)
"""


@pytest.mark.parametrize(
    ("which", "known"), [("all", False), ("all", True), ("newest", False)], ids=str
)
def test_what_cannot_be_looked_at_is_not_absent(folder, tmp_path, which, known):
    """LanceDB passes over manifests that it cannot look at, and would see an older version, or no
    table at all: numbers would be given out again."""
    newest = manifest.manifests(folder / "messages.lance")[0].name
    path = f"*/messages.lance/_versions/{newest if which == 'newest' else '*.manifest'}"
    with Faults(tmp_path) as switched, subprocess.Popen(
        [sys.executable, "-c", READ, folder], cwd=ROOT, text=True,
        env=os.environ | switched.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as reading:  # fmt: skip

        def answer():
            reading.stdin.write("\n")
            reading.stdin.flush()
            return reading.stdout.readline()

        if known:
            assert answer() == "2\n"
        for code in (errno.EACCES, errno.EIO):
            switched.on(Fault("stat", path, times=None, errno=code))
            assert os.strerror(code) in answer()
        switched.off()
        assert answer() == "2\n"


async def test_a_journal_that_cannot_be_read_is_not_called_damaged(folder, monkeypatch):
    """A folder that a reader may not write: it says so, and speaks of no backup."""
    monkeypatch.setattr("store.journal.reading._open", _refused)
    with pytest.raises(FolderUnusableError, match=r"That is no damage.*may read and write") as said:
        seqs(folder, "s")
    assert "backup" not in str(said.value)


def _refused(_path):
    import sqlite3  # noqa: PLC0415

    error = sqlite3.OperationalError("attempt to write a readonly database")
    error.sqlite_errorcode = sqlite3.SQLITE_READONLY
    raise error


def test_journal_losses_have_a_name_of_their_own():
    assert JOURNAL not in {"agent_steps", "agent_state"}
