"""SQLite's own syncs that fail: it writes a commit again, and what it acknowledges is on disk."""

import os
import shutil
import sqlite3
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

from tests.integration.store.support import ROOT

_PAGE = 4_096
_APPENDS = 500
_CHILD = """
import os
import sys
from store.errors import JournalError
from store.folder import DataFolder
from store.journal.file import Record

folder = DataFolder(sys.argv[1])
folder.prepare()
log = folder.open_log("power")
log._connection.execute("PRAGMA wal_autocheckpoint = 40")  # so that its syncs fail too
os.environ["FAIL_ONE_IN"] = "8"
for n in range(int(sys.argv[2])):
    failed = True
    while failed:
        try:
            log.append([Record("t", b"%d" % n + b"." * 4000)])
            failed = False
        except JournalError:
            print("failed")
    print(n)
sys.stdout.flush()
os._exit(0)  # as where power is lost: nothing is closed
"""


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("there is no C compiler")
    made = tmp_path_factory.mktemp("syncs") / "syncs.so"
    source = Path(__file__).with_name("syncs.c")
    subprocess.run([compiler, "-shared", "-fPIC", "-o", made, source, "-ldl"], check=True)
    return made


class Device:
    """A device as the kernel drives it: where a sync fails, what was to be written is forgotten."""

    def __init__(self):
        self.files = defaultdict(bytearray)
        self.failed = set()
        self._cached = defaultdict(bytearray)
        self._dirty = defaultdict(set)

    def replay(self, record):
        with record.open("rb") as entries:
            for line in entries:
                kind, offset, length, path = line.decode().rstrip("\n").split(" ", 3)
                self._do(kind, Path(path).name, int(offset), int(length), entries)

    def _do(self, kind, name, offset, length, entries):
        cached = self._cached[name]
        end = offset + length
        if kind == "w":
            cached.extend(bytes(max(0, end - len(cached))))
            cached[offset:end] = entries.read(length)
            self._dirty[name] |= set(range(offset // _PAGE, (end - 1) // _PAGE + 1))
        elif kind == "t":
            del cached[length:]
            del self.files[name][length:]
        elif kind == "s":
            file = self.files[name]
            file.extend(bytes(max(0, len(cached) - len(file))))
            for page in self._dirty.pop(name, ()):
                place = slice(page * _PAGE, min((page + 1) * _PAGE, len(cached)))
                file[place] = cached[place]
        else:
            self.failed.add(name)
            self._dirty.pop(name, None)


def test_what_the_journal_acknowledges_survives_syncs_that_fail(tmp_path, library):
    """Of 500 commits, with one sync in eight failing and checkpoints in between, a device that
    forgets what a failed sync was for has each acknowledged row once."""
    data, record, left = tmp_path / "data", tmp_path / "record", tmp_path / "left"
    preloaded = {
        "LD_PRELOAD": str(library),
        "RECORDED": f"{data}/journal.sqlite",
        "RECORD": str(record),
    }
    done = subprocess.run(
        [sys.executable, "-c", _CHILD, data, str(_APPENDS)],
        cwd=ROOT, env=os.environ | preloaded, stdout=subprocess.PIPE, check=True, timeout=120,
    )  # fmt: skip
    printed = done.stdout.decode().split()
    assert printed.count("failed") > 20
    device = Device()
    device.replay(record)
    left.mkdir()
    for name in ("journal.sqlite", "journal.sqlite-wal"):
        (left / name).write_bytes(device.files[name])
    connection = sqlite3.connect(left / "journal.sqlite")
    assert connection.execute("PRAGMA quick_check").fetchone() == ("ok",)
    bodies = [row[0] for row in connection.execute("SELECT body FROM record_group ORDER BY first")]
    connection.close()
    acknowledged = [int(line) for line in printed if line.isdigit()]
    assert [int(body[: body.index(b".")]) for body in bodies] == acknowledged
    assert {"journal.sqlite", "journal.sqlite-wal"} <= device.failed
