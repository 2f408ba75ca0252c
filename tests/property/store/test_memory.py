"""What a worker's readers find in its memory, against a model, for any interleaving."""

from datetime import UTC, datetime

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from store import agent_state, messages
from store.agent_steps import TABLE as STEPS
from store.agent_steps import list_steps
from store.journal import chunks
from store.journal.arrow import to_arrow
from store.journal.log import open_log
from store.journal.memory import Memory
from store.journal.rows import as_record
from store.lance.tables import quoted
from store.reading import Reader
from tests.integration.store.support import message, step

SESSIONS = ["a", "b", "c"]
STATES, MESSAGES = agent_state.TABLE, messages.TABLE


class Tables(Reader):
    """A reader whose tables are lists of rows: LanceDB is not under test here."""

    def __init__(self, folder):
        super().__init__(folder)
        self.rows = {table.name: [] for table in (STEPS, STATES, MESSAGES)}
        self.reads = 0

    def stored(self, table, where, columns=None):
        self.reads += 1
        own = where and where.split(" AND ")[0].split(" = ")[-1]
        key = "conversation_id" if table is MESSAGES else "session_id"
        rows = [row for row in self.rows[table.name] if own is None or quoted(row[key]) == own]
        return pa.Table.from_pylist(rows, schema=table.schema)


class Folder:
    """A log that its owner and another process append to, and the tables behind it."""

    def __init__(self, path, kept_bytes):
        self.reader = Tables(path)
        self.memory = self.reader.memory = Memory(kept_bytes=kept_bytes)
        self.other = open_log(path / "journal.sqlite", "process")
        self.own = open_log(path / "journal.sqlite", "process", witness=self.memory)
        self.steps = dict.fromkeys(SESSIONS, 0)
        self.states = {}

    def open(self):
        self.memory.open(lambda: open_log(self.reader.folder.journal, "process"))

    def append(self, whose, sessions):
        records = []
        for session in sessions:
            self.steps[session] = seq = self.steps[session] + 1
            key = "" if session == "c" else session  # as an older Reins wrote them
            records.append(step(session, seq)._replace(key=key))
            records.append(message(session, seq, f"m{seq}")._replace(key=key))
            self.states[session] = seq, None
        getattr(self, whose).append(records)

    def upsert(self, session, note):
        row = agent_state.get_agent_state(session, store=self.reader)
        if row is not None:
            del row["journal_n"]
            row |= {"error": note, "updated_at": datetime.now(UTC)}
            self.other.append([as_record(STATES, row)])
            self.states[session] = row["iteration"], note

    def flush(self, count, aside):
        groups, _ = self.own.groups()
        for group in groups[:count]:
            table = {table.name: table for table in (STEPS, STATES, MESSAGES)}[group.table]
            for row in to_arrow(table, [group]).to_pylist():
                if table is not STATES:
                    self.reader.rows[table.name].append(row)
                if table is not MESSAGES:
                    state = agent_state.from_step(row) if table is STEPS else row
                    others = [r for r in self.reader.rows[STATES.name]
                              if r["session_id"] != state["session_id"]]  # fmt: skip
                    self.reader.rows[STATES.name] = [*others, state]
        if groups:
            last = groups[:count][-1].last
            self.own.forget(last, last, {}, {})
        self.memory.settle(aside=aside)

    def check(self):
        for session, last in self.steps.items():
            for after in range(last + 2):
                for limit in (1, 2, 100):
                    expected = list(range(after + 1, min(last, after + limit) + 1))
                    rows = list_steps(session, after, limit, store=self.reader)
                    assert [row["seq"] for row in rows] == expected
                    said = messages.list_messages(session, after, limit, store=self.reader)
                    assert [row["text"] for row in said] == [f"m{n}" for n in expected]
            row = agent_state.get_agent_state(session, store=self.reader)
            assert (row and (row["iteration"], row["error"])) == self.states.get(session)
        listed = agent_state.list_agent_states(store=self.reader)
        assert {r["session_id"]: (r["iteration"], r["error"]) for r in listed} == self.states

    def close(self):
        self.memory.close()
        self.own.close()
        self.other.close()


some = st.lists(st.sampled_from(SESSIONS), min_size=1, max_size=3)
moves = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.just("own"), some),
        st.tuples(st.just("append"), st.just("own"), some),
        st.tuples(st.just("append"), st.just("other"), some),
        st.tuples(st.just("upsert"), st.sampled_from(SESSIONS), st.sampled_from(["x", "y"])),
        st.tuples(st.just("flush"), st.integers(1, 9), st.booleans()),
        st.tuples(st.just("flush"), st.just(99), st.sampled_from([False])),
        st.tuples(st.just("check")),
    ),
    max_size=25,
)


@pytest.fixture
def small(monkeypatch):
    """A chunk is full after a few rows."""
    monkeypatch.setattr(chunks, "_FULL_ROWS", 3)


@given(moves, moves, st.sampled_from([0, 3_000, 1 << 20]))
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_interleaving_reads_each_row_once(small, tmp_path_factory, before, made, kept_bytes):
    """With rows from before it was opened, from another process, flushed, forgotten, set aside and
    dropped for want of room: all pages are whole, and each state is the newest."""
    folder = Folder(tmp_path_factory.mktemp("memory"), kept_bytes)
    folder.reader.memory = None
    for what, *given_ in before:
        getattr(folder, what)(*given_)
    folder.open()
    folder.reader.memory = folder.memory
    for what, *given_ in made:
        getattr(folder, what)(*given_)
    folder.check()
    folder.close()


def test_what_was_flushed_is_read_without_a_table(tmp_path):
    """A page, a state and the end of a conversation, as long as there is room for their rows."""
    folder = Folder(tmp_path, 1 << 20)
    folder.open()
    for _ in range(30):
        folder.append("own", SESSIONS)
    folder.flush(99, aside=False)
    assert [row["seq"] for row in list_steps("a", 20, 5, store=folder.reader)] == [*range(21, 26)]
    assert agent_state.get_agent_state("a", store=folder.reader)["iteration"] == 30
    assert messages.last_number("b", store=folder.reader) == 30
    said = messages.list_messages("b", 28, store=folder.reader)
    assert [row["number"] for row in said] == [29, 30]
    assert folder.reader.reads == 0
    folder.close()


def test_the_memory_is_bounded(tmp_path, monkeypatch):
    """By its bytes, by the age of what it keeps, and by what is pending where nobody reads."""
    monkeypatch.setattr(chunks, "_FULL_ROWS", 3)
    folder = Folder(tmp_path, 5_000)
    folder.open()
    for _ in range(50):
        folder.append("own", SESSIONS)
        folder.flush(99, aside=False)
    kept = [chunk for tail in folder.memory._tails.values() for chunk in tail.chunks]
    assert sum(chunk.size_bytes for chunk in kept) < 5_000 + 2 * max(c.size_bytes for c in kept)
    assert not folder.memory._came
    monkeypatch.setattr("store.journal.memory._KEPT_S", -1.0)
    folder.flush(99, aside=False)
    assert not any(tail.chunks for tail in folder.memory._tails.values())
    folder.check()
    folder.close()
