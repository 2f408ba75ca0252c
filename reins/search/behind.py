"""Rows and actions that no index has yet; and the tables themselves, where it is far behind."""

from typing import Any

import pyarrow as pa

from reins.search.current import Outdated, current, outdated, outdated_in
from reins.search.deeds import newest_described
from reins.search.matching import fitting
from reins.search.passages import COLUMNS, FOLLOWED, as_table, passages_of, with_types
from reins.search.query import Query, contains
from reins.search.session_types import Types
from store import agent_steps, chunks, documents, messages
from store.following import Follower, as_journalled
from store.reading import Reader

Row = dict[str, Any]
_TAIL_ROWS = 20_000
"""Rows behind the index that one search looks through."""
_SCANNED = 1_000
"""Rows of one table that are taken from it where the index is far behind."""


def tail(store: Reader, types: Types, *, upto: int, actions: int) -> tuple[pa.Table, int, Outdated]:
    """Passages of rows after `upto` and of actions after `actions`, how many rows are left out, and
    which chunks are outdated by what came after `upto`.
    """
    feed = Follower(store, FOLLOWED, columns=COLUMNS)
    feed.position = upto
    rows: list[tuple[str, Row]] = []
    more = True
    while more and len(rows) < _TAIL_ROWS:
        found, more = feed.poll()
        rows += found
    newest = _newest_number(store) if more else feed.position
    before = outdated_in(rows)
    if more:
        later = store.joined(documents.TABLE, {}, f"journal_n > {feed.position}")
        before = {**before, **outdated(later)}
    own = current(passages_of(rows, types), before)
    passages = [*own, *with_types(newest_described(actions, store), types)]
    # Once each: a session that was created twice is one.
    once = {passage.n: passage for passage in passages}
    return as_table(once.values()), newest - feed.position, before


def scanned(
    query: Query, limit: int, upto: int, *, before: Outdated, store: Reader, types: Types
) -> list[Row]:
    """Texts of a folder whose index is far behind, found by reading the tables themselves."""
    has = " OR ".join(contains(each) for each in (*query.words, *query.phrases))
    rows = []
    for table in (agent_steps.TABLE, messages.TABLE, chunks.TABLE):
        opened = store.table(table)
        if opened is not None:
            where = f"journal_n > {upto}" + (f" AND ({has})" if has else "")
            found = opened.search().where(where).limit(_SCANNED).to_arrow()
            rows += [(table.name, row) for row in as_journalled(found).to_pylist()]
    return fitting(as_table(current(passages_of(rows, types), before)), query, limit)


def _newest_number(store: Reader) -> int:
    with store.folder.read_log() as log:
        return 0 if log is None else log.newest_number()
