"""The forms of the log, each as its contract is held against it; runs as another process too."""

import sys
from pathlib import Path

import orjson

from store.journal.file import Record
from store.journal.log import open_log

TABLE, OTHER = "agent_steps", "messages"


class Sqlite:
    """The log in an SQLite file."""

    name = "sqlite"

    def __init__(self, folder):
        self.folder = Path(folder)

    def open(self, durable="power", witness=None):
        return open_log(self.folder / "journal.sqlite", durable, witness=witness)


FORMS = {form.name: form for form in (Sqlite,)}


def record(key, value, table=TABLE):
    return Record(table, orjson.dumps({"key": key, "value": value}), key)


def appending(name, folder, who, count):
    """Append, and say of each commit that it is acknowledged."""
    log = FORMS[name](folder).open()
    for n in range(int(count)):
        if n % 3:
            log.append([record(who, n), record(who, n, OTHER), record(who, n)])
        else:
            log.append_made(lambda n=n: record(who, n))
        sys.stdout.write(f"{n}\n")
        sys.stdout.flush()
    log.close()


def counting(name, folder, count):
    """Each appends one more than the newest value, which nobody may change meanwhile."""
    form = FORMS[name](folder)
    log, beside = form.open("process"), form.open("process")

    def make():
        newest = [orjson.loads(line)["value"] for _, line in beside.pending(TABLE, newest=True)]
        return record("one", max(newest, default=0) + 1)

    for _ in range(int(count)):
        log.append_made(make)


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
