"""Values of each kind as JSON, CSV and a DataFrame have them; rows that wait are among them."""

import pandas as pd
import pytest

import queue_imp
from reins import redaction
from reins.redaction import HIDDEN
from reins.sql.asking import as_csv
from reins.sql.dataframe import as_frame
from reins.sql.errors import SqlUnavailableError, StatementError
from store.store import TABLES
from tests.integration.sql.conftest import TEXTS

BIG = "170141183460469231731687303715884105727"
VALUES = {
    "9007199254740991": (9007199254740991, "9007199254740991"),
    "-9007199254740993": ("-9007199254740993", "-9007199254740993"),
    f"{BIG}::HUGEINT": (BIG, BIG),
    "'NaN'::DOUBLE": (None, '""'),
    "'-inf'::FLOAT": (None, '""'),
    "[1.5, 'NaN'::DOUBLE]": ([1.5, None], '"[1.5,null]"'),
    "1.50::DECIMAL(9, 2)": (1.5, "1.5"),
    "2::DECIMAL(9, 2)": (2, "2"),
    "1234567890123456.789::DECIMAL(38, 10)": (
        "1234567890123456.7890000000", "1234567890123456.7890000000",
    ),
    "'\\xAA\\x00'::BLOB": ("aa00", "aa00"),
    "{'a': [1], 'b': {'c': 'x'}}": (
        {"a": [1], "b": {"c": "x"}}, '"{""a"":[1],""b"":{""c"":""x""}}"',
    ),
    "MAP {1: 'a'}": ({"1": "a"}, '"{""1"":""a""}"'),
    "DATE '2026-11-30'": ("2026-11-30", "2026-11-30"),
    "TIMESTAMPTZ '2026-11-30 08:00:00.5+02'": (
        "2026-11-30T06:00:00.500000+00:00", "2026-11-30T06:00:00.500000+00:00",
    ),
    "TIMETZ '08:00:00+02'": ("08:00:00+02:00", "08:00:00+02:00"),
    "DATE '0044-03-15 (BC)'": ("0044-03-15 (BC)", "0044-03-15 (BC)"),
    "INTERVAL 90 MINUTE": ("1:30:00", "1:30:00"),
    "'5a9f7dc8-6e45-4a5c-a0e8-1c1c0de3b3b5'::UUID": (
        "5a9f7dc8-6e45-4a5c-a0e8-1c1c0de3b3b5", "5a9f7dc8-6e45-4a5c-a0e8-1c1c0de3b3b5",
    ),
    "true": (True, "true"),
    "NULL": (None, '""'),
    "'Köln 東京 🙂'": ("Köln 東京 🙂", "Köln 東京 🙂"),
    "'=1+1'": ("=1+1", "'=1+1"),
    "chr(0)": ("\0", "\0"),
}  # fmt: skip


@pytest.mark.parametrize("expression", VALUES)
def test_a_value(runner, expression):
    """In JSON as itself or as a text; in CSV no formula."""
    found = runner.run(f"SELECT {expression} AS x")
    json, csv = VALUES[expression]
    assert found["rows"] == [[json]]
    assert as_csv(found) == f"x\r\n{csv}\r\n"


def test_rows_that_wait_are_found(runner):
    """Those of the journal beside those of the table, each once, with filters and joins."""
    asked = "SELECT seq, text FROM agent_steps WHERE session_id = 'finn' ORDER BY seq"
    assert runner.run(asked)["rows"] == [[seq, text] for seq, text in enumerate(TEXTS, start=1)]
    assert runner.run("SELECT text FROM messages")["rows"] == [["hello"]]
    assert runner.run("SELECT type, processed FROM queue")["rows"] == [["create_agent", False]]
    late = "SELECT max(seq) FROM agent_steps WHERE created_at >= '2023-11-14 22:13:20.000004Z'"
    assert runner.run(late)["rows"] == [[5]]
    joined = (
        "SELECT count(*) FROM agent_steps s JOIN queue q ON q.agent_id = s.agent_id AND seq > 3"
    )
    assert runner.run(joined)["rows"] == [[2]]
    assert runner.run("SELECT seq FROM agent_steps WHERE text = '=1+1'")["rows"] == [[5]]


def test_each_table_is_read(runner):
    """Every table that there is, with all of its columns."""
    names = [name for [name] in runner.run("SHOW TABLES")["rows"]]
    assert names == sorted(table.name for table in TABLES)
    counted = " UNION ALL ".join(f"SELECT count(to_json(t)) FROM {name} t" for name in names)
    assert sum(count for [count] in runner.run(counted)["rows"]) > 5


def test_keys_are_hidden(runner):
    """Also one that became known after its row was written, whatever form the result takes."""
    redaction.know("the moon and 12")
    found = runner.run("SELECT 'the moon and 12' AS \"the moon and 12\", ['the moon and 12']")
    assert found["rows"] == [[HIDDEN, [HIDDEN]]]
    assert "the moon and 12" not in as_csv(found)
    with pytest.raises(StatementError) as refused:
        runner.run("SELECT error('the moon and 12')")
    assert HIDDEN in str(refused.value)


def test_a_frame(data, monkeypatch):
    """From any process: numbers, times and truths in columns of their kinds."""
    monkeypatch.setenv("REINS_DATA", str(data))
    monkeypatch.setenv("REINS_SQL", "on")
    frame = queue_imp.sql(
        "SELECT seq, cost_usd, created_at, text, seq > 1 AS later, NULL::BIGINT AS none, "
        "9007199254740993 AS large FROM agent_steps ORDER BY seq", rows=2,
    )  # fmt: skip
    assert [str(kind) for kind in frame.dtypes] == [
        "Int64", "float64", "datetime64[us, UTC]", "object", "boolean", "Int64", "Int64",
    ]  # fmt: skip
    assert frame["large"].tolist() == [9007199254740993] * 2
    assert frame["created_at"][0] == pd.Timestamp(1_700_000_000_000_001, unit="us", tz="UTC")
    assert frame.attrs["truncated"]
    twice = as_frame({"columns": [{"name": "a", "type": "HUGEINT"}] * 2, "rows": [["1", BIG]],
                      "truncated": False, "elapsed_ms": 1.0})  # fmt: skip
    assert [list(row) for row in twice.itertuples(index=False)] == [[1, int(BIG)]]
    with pytest.raises(StatementError, match="no table 'missing'"):
        queue_imp.sql("SELECT * FROM missing")
    monkeypatch.setenv("REINS_SQL", "off")
    with pytest.raises(SqlUnavailableError, match="REINS_SQL=on"):
        queue_imp.sql("SELECT 1")
