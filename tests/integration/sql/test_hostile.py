"""Statements that want more than to read our tables: each is refused, and nothing has happened."""

import contextlib
from pathlib import Path

import duckdb
import pytest

from reins.sql import database
from reins.sql.errors import StatementError

HOSTILE = {
    "files read": """
        SELECT * FROM read_csv('/etc/passwd')
        SELECT * FROM '/etc/passwd'
        SELECT * FROM "/etc/passwd"
        SELECT * FROM 'made.csv'
        SELECT * FROM read_text('/etc/passwd')
        SELECT * FROM READ_BLOB('/etc/passwd')
        SELECT * FROM read_parquet(['a.parquet'])
        SELECT * FROM read_json('x')
        SELECT * FROM glob('/etc/*')
        SELECT * FROM sniff_csv('/etc/passwd')
        SELECT * FROM (SELECT * FROM read_text('/etc/passwd'))
        SELECT (SELECT content FROM read_text('/etc/passwd'))
        SELECT 1 WHERE EXISTS (FROM read_text('/etc/passwd'))
        SELECT * FROM queue, LATERAL (SELECT * FROM glob('/' || action_id))
        SELECT * FROM queue ORDER BY (SELECT content FROM read_text('/etc/passwd'))
        SELECT * FROM queue LIMIT (SELECT length(content) FROM read_text('/etc/passwd'))
        SELECT sum(iteration) OVER (ORDER BY (FROM read_text('/etc/passwd'))) FROM agent_state
        WITH a AS (SELECT * FROM read_text('/etc/passwd')) SELECT * FROM a
        WITH "/etc/passwd" AS (SELECT 1) SELECT * FROM "/etc/passwd"
        SELECT * FROM (WITH "made.csv" AS (SELECT 1) FROM "made.csv"), "made.csv"
        SELECT 1 UNION ALL SELECT content FROM read_text('/etc/passwd')
        DESCRIBE SELECT * FROM read_csv('/etc/passwd')
        SUMMARIZE '/etc/passwd'
        DESCRIBE '/etc/passwd'
        SELECT read_text('/etc/passwd')
        COPY queue FROM '/etc/passwd'
        IMPORT DATABASE '/tmp/x'
    """,
    "files written": """
        COPY (SELECT 1) TO 'made.csv'
        COPY queue TO PROGRAM 'sh'
        ATTACH 'made.db'
        ATTACH ':memory:' AS other
        EXPORT DATABASE 'made'
        CHECKPOINT
        FROM query('COPY (SELECT 1) TO ''made.csv''')
        SELECT * FROM force_checkpoint()
        SELECT write_log('x')
    """,
    "network": """
        SELECT * FROM read_csv('https://example.com/x.csv')
        SELECT * FROM 'https://example.com/x.csv'
        SELECT * FROM 's3://bucket/x.parquet'
        ATTACH 'https://example.com/x.db'
        CREATE SECRET (TYPE S3)
        CREATE PERSISTENT SECRET x (TYPE HTTP)
    """,
    "settings": """
        SET memory_limit = '10GB'
        SET GLOBAL threads = 64
        SET lock_configuration = false
        RESET memory_limit
        PRAGMA memory_limit = '10GB'
        PRAGMA enable_profiling
        SET VARIABLE x = 1
        USE memory
    """,
    "extensions": """
        INSTALL httpfs
        FORCE INSTALL httpfs FROM community
        LOAD httpfs
        LOAD '/tmp/x.duckdb_extension'
        UPDATE EXTENSIONS
    """,
    "changes": """
        CREATE TABLE x (a INT)
        CREATE TABLE x AS SELECT 1
        CREATE OR REPLACE TEMP VIEW queue AS SELECT 1
        CREATE MACRO f(a) AS a
        CREATE TYPE t AS ENUM ('a')
        DROP TABLE queue
        DROP VIEW queue
        ALTER TABLE queue RENAME TO x
        INSERT INTO queue VALUES (1)
        UPDATE queue SET type = 'x'
        DELETE FROM queue
        TRUNCATE queue
        MERGE INTO queue USING queue q ON true WHEN MATCHED THEN DELETE
        COMMENT ON TABLE queue IS 'x'
        WITH a AS (INSERT INTO queue VALUES (1) RETURNING *) SELECT * FROM a
        PIVOT queue ON type USING count(*)
    """,
    "prepared": """
        PREPARE p AS SELECT 1
        EXECUTE p
        DEALLOCATE p
        SELECT $1
        SELECT ?
    """,
    "several, or none": """
        SELECT 1; SELECT 2
        SELECT 1; DROP TABLE queue
        ;
        -- nothing
        /* nothing */
        BEGIN
        SELECT 1 FROM
        nonsense
    """,
    "functions": """
        SELECT getenv('PATH')
        SELECT main.getenv('PATH')
        SELECT system.main.GETENV('PATH')
        SELECT 'PATH'.getenv()
        SELECT list_transform(['PATH'], lambda x: getenv(x))
        SELECT [getenv(x) FOR x IN ['PATH']]
        SELECT * REPLACE (getenv('PATH') AS type) FROM queue
        SELECT current_setting('memory_limit')
        SELECT getvariable('x')
        SELECT nextval('x')
        SELECT * FROM query('SELECT 1')
        SELECT * FROM query_table('queue')
        SELECT * FROM json_execute_serialized_sql('x')
        SELECT json_execute_serialized_sql('x')
        SELECT * FROM arrow_scan(1::BIGINT, 2::BIGINT, 3::BIGINT)
        SELECT * FROM pandas_scan(1::BIGINT)
        SELECT * FROM python_map_function(1)
        SELECT * FROM repeat('x', 1000000)
        CALL pragma_version()
    """,
    "what DuckDB says of itself": """
        SELECT * FROM duckdb_settings()
        SELECT * FROM duckdb_secrets()
        SELECT * FROM which_secret('x', 's3')
        SELECT * FROM duckdb_logs
        SELECT * FROM duckdb_extensions()
        SELECT * FROM pragma_database_list
        SELECT * FROM pg_catalog.pg_settings
        SELECT * FROM pg_settings
        SELECT * FROM information_schema.tables
        SELECT * FROM sqlite_master
        SELECT * FROM (WITH duckdb_logs AS (SELECT 1) FROM duckdb_logs), duckdb_logs
        SELECT * FROM system.main.queue
        PRAGMA database_list
        EXPLAIN ANALYZE SELECT 1
    """,
    "variables of this program": """
        SELECT * FROM statement
        SELECT * FROM self
        SELECT * FROM os
        SELECT * FROM connection
    """,
}
OUT_OF_DOORS = """
    SELECT * FROM read_csv('a.csv')
    SELECT * FROM 'a.csv'
    SELECT * FROM read_text('/etc/passwd')
    SELECT * FROM read_blob('a.csv')
    SELECT count(*) FROM glob('*')
    COPY (SELECT 1) TO 'made.csv'
    COPY x FROM 'a.csv'
    ATTACH 'made.db'
    EXPORT DATABASE 'made'
    IMPORT DATABASE 'made'
    SELECT * FROM read_csv('https://example.com/x.csv')
    ATTACH 'https://example.com/x.db'
    SELECT * FROM 's3://bucket/x.parquet'
    INSTALL httpfs
    LOAD httpfs
    LOAD 'made.duckdb_extension'
    CREATE PERSISTENT SECRET s (TYPE HTTP, BEARER_TOKEN 'x')
    SET memory_limit = '10GB'
    SET enable_external_access = true
    SET disabled_filesystems = ''
    SET lock_configuration = false
    SET temp_directory = 'made'
    RESET memory_limit
    PRAGMA enable_profiling
    SET GLOBAL threads = 64
    SELECT getenv('PATH')
"""
"""What DuckDB's own locks refuse where our rules should fail."""


def lines(text):
    return [line.strip() for line in text.strip().splitlines()]


def everything_in(folder):
    files = [path for path in folder.rglob("*") if path.is_file() and "sqlite" not in path.name]
    return {path: (path.stat().st_size, path.stat().st_mtime_ns) for path in files}


@pytest.mark.parametrize("kind", HOSTILE)
def test_it_is_refused(runner, data, kind):
    """By a message, at once; the same process takes the next statement, and no file changes."""
    runner.run("SELECT 1")
    before, pid = everything_in(data), runner.pid
    for statement in lines(HOSTILE[kind]):
        with pytest.raises(StatementError) as refused:
            runner.run(statement)
        said = str(refused.value)
        assert said, statement
        assert "root:" not in said, statement
        assert "Traceback" not in said, statement
    assert (runner.pid, everything_in(data)) == (pid, before)
    assert runner.run("SELECT count(*) FROM agent_steps")["rows"] == [[5]]
    assert not Path("/made.csv").exists()  # where the child stands


@pytest.mark.parametrize(
    "statement", ["SELECT 1" + " " * 100_000, "SELECT 'a\0b'", "SELECT '\ud800'"]
)
def test_a_strange_text(runner, statement):
    """One that is too long, or that a library of C would read only in part, or not at all."""
    with pytest.raises(StatementError, match=r"characters; at most|NUL|half of a character"):
        runner.run(statement)


@pytest.mark.parametrize("deep", [
    "SELECT " + "(" * 40_000 + "1" + ")" * 40_000,
    "SELECT " + "-" * 3 + "\n" + "NOT " * 20_000 + "true",
    "SELECT " + "[" * 20_000 + "]" * 20_000,
    "WITH RECURSIVE a(n) AS (SELECT 1 UNION ALL SELECT n FROM a, a b) SELECT 1 FROM a",
])  # fmt: skip
def test_a_deep_statement(runner, deep):
    """It is refused or ended, and the next one is answered."""
    with contextlib.suppress(StatementError):
        runner.run(deep)
    assert runner.run("SELECT 1")["rows"] == [[1]]


@pytest.mark.parametrize("statement", lines(OUT_OF_DOORS))
def test_duckdb_refuses_it_too(statement, tmp_path, monkeypatch):
    """Without our rules: nothing is read or written outside, nothing is set, nothing is loaded."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.csv").write_text("a\n1\n")
    connection = database.locked(64, 1)
    connection.execute("CREATE TABLE x (a INT)")
    with pytest.raises(duckdb.Error):
        connection.execute(statement).fetchall()
    assert [path.name for path in tmp_path.iterdir()] == ["a.csv"]
