"""The messages of topics that groups of subscribers have done: a row for each member and topic.

The row of a member has what it has done above `floor`, up to which the whole group had come when it
was written; so all rows together say which messages are done, and none has to be locked.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import orjson
import pyarrow as pa

from store.journal.file import Record
from store.journal.rows import own_record
from store.lance.tables import JOURNAL_N, STAMP, TEXT, Table, quoted
from store.reading import Reader, reader
from store.times import now_us

TABLE = Table(
    "group_reads",
    pa.schema(
        [
            ("read_id", TEXT),
            ("group_name", TEXT),
            ("topic", TEXT),
            ("session_id", TEXT),
            ("floor", pa.int64()),
            ("done", TEXT),
            ("read_at", STAMP),
            JOURNAL_N,
        ]
    ),
    key="read_id",
    read_by="group_name",
    indices={"read_id": "BTREE", "group_name": "BTREE"},
)


def record(group: str, topic: str, session_id: str, floor: int, done: Iterable[int] = ()) -> Record:
    """The journal's record of what a member has done of a topic; of nobody's: where it begins."""
    row = {
        "read_id": f"{group}\n{topic}\n{session_id}",
        "group_name": group,
        "topic": topic,
        "session_id": session_id,
        "floor": floor,
        "done": orjson.dumps(_ranges(done)).decode(),
        "read_at": now_us(),
    }
    return own_record(TABLE, row)


def list_group_reads(group: str, *, store: Reader | None = None) -> list[dict[str, Any]]:
    """The newest row of each member of a group and each topic, in no order."""
    own = {"group_name": group}
    newest: dict[str, dict[str, Any]] = {}
    for row in (store or reader()).joined(TABLE, own, f"group_name = {quoted(group)}"):
        before = newest.get(row["read_id"])
        if before is None or row["journal_n"] >= before["journal_n"]:
            newest[row["read_id"]] = row
    return list(newest.values())


def done_of(row: Mapping[str, Any]) -> set[int]:
    """The numbers above its floor that a row tells of."""
    return {
        number for first, last in orjson.loads(row["done"]) for number in range(first, last + 1)
    }


def _ranges(numbers: Iterable[int]) -> list[list[int]]:
    ranges: list[list[int]] = []
    for number in sorted(numbers):
        if ranges and ranges[-1][1] == number - 1:
            ranges[-1][1] = number
        else:
            ranges.append([number, number])
    return ranges
