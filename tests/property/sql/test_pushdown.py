"""Filters that go to LanceDB: they never take a row that the statement asks for."""

from datetime import UTC, datetime, timedelta
from functools import reduce
from operator import and_, or_

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reins.sql.pushdown import usable
from store.lance.tables import STAMP, TEXT, connect

NAMES = [
    "a", "A", "", "it's", 'say "x"', "a) and (b", "and", "== 1", "\\", '\\"', "x\ny", "Köln",
    "2023-11-14 22:13:20.000000Z", "NULL", "a''b", "🙂", "%", "a and seq == 1", "(", ")", "null",
    "\t", "timestamp", "東京",
]  # fmt: skip
START = datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)
SCHEMA = pa.schema([("name", TEXT), ("seq", pa.int64()), ("at", STAMP), ("cost", pa.float64())])
ROWS = pa.Table.from_pylist(
    [
        {
            "name": name if number % 7 else None,
            "seq": number - 5 if number % 5 else None,
            "at": START + timedelta(microseconds=number * 500_001),
            "cost": number / 3,
        }
        for number, name in enumerate(NAMES * 3)
    ],
    schema=SCHEMA,
)

name, seq, at, cost = map(pc.field, SCHEMA.names)
texts = st.sampled_from(NAMES) | st.text(max_size=8)
times = st.integers(-3, 70).map(
    lambda n: pa.scalar(START + timedelta(microseconds=n * 500_001), STAMP)
)
leaves = st.one_of(
    texts.map(lambda value: name == value),
    texts.map(lambda value: name != value),
    texts.map(lambda value: name >= value),
    st.lists(texts, max_size=3).map(lambda values: name.isin(pa.array(values, TEXT))),
    st.integers(-10, 70).map(lambda value: seq > value),
    st.integers(-(2**62), 2**62).map(lambda value: seq <= value),
    st.integers(-10, 70).map(lambda value: seq == value),
    times.map(lambda value: at >= value),
    times.map(lambda value: at < value),
    st.floats(allow_nan=False).map(lambda value: cost > value),
    st.sampled_from([name.is_null(), ~seq.is_null(), cost.is_valid()]),
)
mixed = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, min_size=2, max_size=4).map(lambda parts: reduce(and_, parts)),
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: reduce(or_, parts)),
        inner.map(lambda part: ~part),
    ),
    max_leaves=5,
)
# Most have a part that goes to LanceDB: a condition by itself, or one that all must hold with.
expressions = st.one_of(
    leaves,
    st.lists(leaves, min_size=2, max_size=4).map(lambda parts: reduce(and_, parts)),
    st.tuples(leaves, mixed).map(lambda parts: reduce(and_, parts)),
    mixed,
)


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pushdown")
    return connect(folder).create_table("rows", ROWS)


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(expression=expressions)
def test_no_row_is_lost(table, expression):
    """Of the rows that LanceDB gives by its part of a filter, the whole filter takes all that it
    takes of the table.
    """
    wanted = ds.dataset(ROWS).to_table(filter=expression)
    where = usable(str(expression), SCHEMA)
    query = table.search()
    found = (query.where(where) if where else query).limit(None).to_arrow()
    assert found.filter(expression).sort_by("at").equals(wanted.sort_by("at"))
