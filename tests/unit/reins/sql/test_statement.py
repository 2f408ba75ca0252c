"""What is a statement, without running any."""

import duckdb
import pytest

from reins.sql.errors import StatementError
from reins.sql.statement import checked

TABLES = ("queue", "agent_steps")


@pytest.fixture(scope="module")
def connection():
    return duckdb.connect(":memory:")


@pytest.mark.parametrize(
    "text",
    [
        "SELECT 1",
        "select * from QUEUE;",
        'FROM "queue"',
        "FROM main.queue, memory.main.agent_steps",
        "TABLE queue",
        "VALUES (1)",
        "DESCRIBE queue",
        "SUMMARIZE queue",
        "SHOW TABLES",
        "WITH a AS (FROM queue), B AS (FROM a) FROM b",
        "WITH RECURSIVE a(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM a WHERE n < 3) FROM a",
        "FROM queue q, LATERAL (FROM json_each(q.payload))",
        "FROM range(3), generate_series(1, 2), unnest([1])",
        "SELECT ';' -- ; DROP TABLE queue",
        "SELECT 'read_text(''/etc/passwd'')'",
    ],
)
def test_one_select_is_taken(connection, text):
    """In any of DuckDB's forms, over our tables and what they are made into."""
    assert checked(connection, text, TABLES)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("SELECT 1; SELECT 2", "2 statements were given; write exactly one SELECT"),
        (" -- ", "there is no statement"),
        ("DROP TABLE queue", "this is DROP; only SELECT is taken"),
        ("UPDATE EXTENSIONS", "only SELECT is taken"),
        ("FROM nix", "there is no table 'nix'; there are agent_steps, queue"),
        ("FROM other.queue", "there is no table 'other.queue'"),
        ("FROM read_text('x')", "'read_text' cannot be read from; expected one of the tables, or"),
        ("SELECT getenv('x')", r"the function getenv\(\) is not taken here"),
        ('WITH "a.csv" AS (SELECT 1) FROM "a.csv"', "WITH 'a.csv': expected a name of letters"),
        ("WITH PG_settings AS (SELECT 1) SELECT 1", "WITH 'pg_settings': expected a name"),
        ("SELEC 1", "(?i)syntax error"),
    ],
)
def test_what_is_refused(connection, text, said):
    """It says what was given and what to do."""
    with pytest.raises(StatementError, match=said):
        checked(connection, text, TABLES)
