"""The two forms of a search's filters: the index's in SQL, and that of rows behind it."""

from datetime import UTC, datetime, timedelta
from itertools import cycle

import lancedb
import pyarrow as pa
import pytest

from reins.search.passages import SCHEMA
from reins.search.query import but_for, read

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
VALUES = {
    "source": ("step", "chunk"), "session_id": (None, "a", "b", "o'x"), "agent_id": (None, "f"),
    "agent_type": (None, "T", "u"), "kind": ("tick", "chunk", "error"), "actor": (None, "anna"),
    "cost_usd": (None, 0.0, 0.01, 0.1, 5.0), "document_id": (None, "d1"), "text": ("tea",),
}  # fmt: skip
QUERIES = (
    "session:a", "-session:a", "session:a,b", "session:\"o'x\"", "-type:T", "type:T,u", "kind:said",
    "-kind:said", "by:anna", "-by:anna", "since:1h", "-since:1h", "until:2h", "since:13:30",
    "since:2026-01-01T15:30+02:00", "-until:2026-01-01T15:30:30+02:00", "cost>0.01", "cost>=0.01",
    "cost<0.01", "cost<=0", "cost=0.1", "-cost>0.01", "-cost<1", "source:steps", "-source:chunks",
    "document:d1", "-document:d1", "session:a cost>0 -kind:tick since:3h",
)  # fmt: skip


@pytest.fixture(scope="module")
def passages():
    columns = {name: cycle(values) for name, values in VALUES.items()}
    rows = [
        {name: next(values) for name, values in columns.items()}
        | {"n": n, "at": NOON + timedelta(minutes=n)}
        for n in range(240)
    ]
    return pa.Table.from_pylist(rows, schema=SCHEMA)


@pytest.fixture(scope="module")
def indexed(passages):
    return lancedb.connect("memory://").create_table("passages", passages)


@pytest.mark.parametrize("but", [None, "a"])
@pytest.mark.parametrize("text", QUERIES)
def test_both_forms_of_a_filter_find_the_same(passages, indexed, text, but):
    """Also where a row has no value, and where a part is turned round."""
    query = read(text, NOON + timedelta(hours=4))
    query = query if but is None else but_for(but, query)
    fits = passages.filter(query.fits)["n"].to_pylist()
    found = indexed.search().where(query.where).limit(None).to_arrow()["n"].to_pylist()
    assert sorted(found) == fits
    assert len(fits) < len(passages)
    assert fits or but  # of its own rows alone, a session is left without any
