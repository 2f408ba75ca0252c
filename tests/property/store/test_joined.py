"""The joined read and the newest row per session, against a model, for any interleaving."""

import sqlite3

import orjson
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from store import agent_state
from store.agent_steps import TABLE as STEPS
from store.agent_steps import list_steps
from store.journal import file as journal_file
from store.journal import opening
from store.journal.arrow import newest_by, to_arrow
from store.journal.file import Group, Record
from store.journalled import matching
from store.lance.tables import quoted
from store.reading import Reader
from tests.integration.store.support import step

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
SESSIONS = ["s", "it's", '"q"', "🐈"]


class Tables(Reader):
    """A reader whose tables are lists of rows: what is under test is the join, not LanceDB."""

    def __init__(self, folder):
        super().__init__(folder)
        self.rows = {STEPS.name: [], agent_state.TABLE.name: []}

    def stored(self, table, where, columns=None):
        key = where and where.split(" AND ")[0]
        rows = [
            row
            for row in self.rows[table.name]
            if key is None or key == f"session_id = {quoted(row['session_id'])}"
        ]
        return pa.Table.from_pylist(rows, schema=table.schema)


moves = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.sampled_from(SESSIONS)),
        st.tuples(st.just("flush"), st.integers(1, 6)),
        st.tuples(st.just("forget"), st.integers(1, 6)),
        st.tuples(st.just("lose the tables' newest"), st.just(0)),
    ),
    max_size=30,
)


@given(moves)
@settings(max_examples=40, deadline=None)  # each example opens a journal of its own
def test_any_interleaving_reads_each_row_once(tmp_path_factory, made):
    """Whatever has been flushed, forgotten, or torn off again before it was forgotten: each read
    gives every session's acknowledged rows once, in order, and its newest as its state."""
    folder = tmp_path_factory.mktemp("joined")
    reader = Tables(folder)
    connection = opening.open_for_writing(reader.folder.journal, "process")
    model, in_tables, forgotten = {}, 0, 0
    for what, value in made:
        if what == "append":
            seq = len(model.setdefault(value, [])) + 1
            model[value].append(seq)
            journal_file.append(connection, [step(value, seq)])
        elif what == "flush":
            pending, _ = journal_file.groups(connection)
            fresh = [group for group in pending if group.first > in_tables][:value]
            for group in fresh:
                _store(reader, group)
                in_tables = group.last
        elif what == "forget":
            pending, _ = journal_file.groups(connection)
            safe = [group for group in pending if group.last <= in_tables][:value]
            if safe:
                journal_file.forget(connection, safe[-1].last, safe[-1].last, {}, {})
                forgotten = safe[-1].last
        else:
            # Power was lost: what was not synced, and so not forgotten, is gone from the log.
            kept = [row for row in reader.rows[STEPS.name] if row["journal_n"] <= forgotten]
            reader.rows[STEPS.name] = kept
            in_tables = forgotten
        for session, seqs in model.items():
            assert [row["seq"] for row in list_steps(session, store=reader)] == seqs
            assert [r["seq"] for r in list_steps(session, 1, 2, store=reader)] == seqs[1:3]
        states = agent_state.list_agent_states(store=reader)
        assert {row["session_id"]: row["iteration"] for row in states} == {
            session: len(seqs) for session, seqs in model.items()
        }
    connection.close()


def _store(reader, group):
    rows = to_arrow(STEPS, [group]).to_pylist()
    reader.rows[STEPS.name] += rows
    for row in rows:
        state = agent_state.from_step(row)
        old = [r for r in reader.rows["agent_state"] if r["session_id"] != row["session_id"]]
        reader.rows["agent_state"] = [*old, state]


numbered = st.lists(
    st.tuples(st.sampled_from(SESSIONS), st.integers(1, 10_000)),
    unique_by=lambda pair: pair[1],
    min_size=1,
)


@given(numbered)
def test_the_newest_row_of_each_key_stays(pairs):
    """Of rows in any order, each key's row with the highest number stays, and no other."""
    rows = [{"session_id": session, "journal_n": number} for session, number in pairs]
    expected = {s: max(n for other, n in pairs if other == s) for s, _ in pairs}
    by_arrow = newest_by(pa.Table.from_pylist(rows), "session_id").to_pylist()
    assert {row["session_id"]: row["journal_n"] for row in by_arrow} == expected
    assert len(by_arrow) == len(expected)


@given(st.lists(st.tuples(text, text), min_size=1, max_size=20))
def test_exactly_the_rows_that_match_are_found(pairs):
    """Exactly the rows whose column equals the value, each with its number, for any text."""
    lines = [orjson.dumps({"a": a, "b": b}) for a, b in pairs]
    group = Group(7, len(lines), "t", b"\n".join(lines))
    for wanted, _ in pairs:
        found = [(row["journal_n"], row["a"]) for row in matching(group.lines(), {"a": wanted})]
        assert found == [(7 + n, a) for n, (a, _) in enumerate(pairs) if a == wanted]


@given(st.lists(st.integers(1, 5), min_size=1, max_size=20), st.integers(1, 20), st.integers(0, 19))
def test_batches_cover_everything_once(sizes, rows, forget_after):
    """Groups taken in batches and forgotten are all the groups, in order, numbered without gaps."""
    connection = sqlite3.connect(":memory:", isolation_level=None, factory=opening.Appender)
    connection.executescript(opening._SCHEMA)
    for n, size in enumerate(sizes):
        journal_file.append(connection, [Record("t", b"%d" % n)] * size)
    seen, more = [], True
    while more:
        groups, more = journal_file.groups(connection, rows=rows)
        seen += [number for group in groups for number, _ in group.lines()]
        journal_file.forget(connection, groups[-1].last, groups[-1].last, {}, {})
        if len(seen) == forget_after:
            journal_file.raise_flushed(connection, 0)
    assert seen == list(range(1, sum(sizes) + 1))
    connection.close()
