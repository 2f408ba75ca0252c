"""Queries of a SQLite file: one SELECT, bounded, and never more than that."""

import sqlite3
import time
from contextlib import closing

import pytest

from reins.tools.builtin import data
from reins.tools.builtin.data import query_database


@pytest.fixture
def database(work):
    with closing(sqlite3.connect(work.folder / "shop.db")) as made, made:
        made.execute(
            "create table sold (id integer primary key, name text, price real, image blob)"
        )
        made.executemany(
            "insert into sold (name, price, image) values (?, ?, ?)",
            [(f"thing {n}", n / 2, b"x" * n) for n in range(500)],
        )


async def test_rows_and_their_columns(work, database):
    """As lines; what is no plain text is told."""
    outcome = await work(
        query_database,
        path="shop.db",
        sql="select id, name, price, image, null as no from sold where id = ?",
        parameters=[3],
    )
    assert outcome.text().splitlines() == [
        "id | name | price | image | no",
        "3 | thing 2 | 1.0 | (blob of 2 bytes) | NULL",
        "[1 rows]",
    ]


async def test_the_tables_can_be_asked_for(work, database):
    """By sqlite_master, and by table_info."""
    for sql in ("select sql from sqlite_master", "pragma table_info(sold)"):
        assert "price" in (await work(query_database, path="shop.db", sql=sql)).text()


async def test_no_more_rows_than_asked_for(work, database):
    """And that there are more."""
    outcome = await work(query_database, path="shop.db", sql="select id from sold", most=10)
    assert outcome.text().splitlines()[-1] == "[the first 10 rows; ask for less, or count them]"
    assert len(outcome.text().splitlines()) == 12


@pytest.mark.parametrize(
    "sql",
    [
        "delete from sold",
        "update sold set price = 0",
        "insert into sold (name) values ('x')",
        "drop table sold",
        "create table x (a)",
        "attach database '/tmp/x.db' as x",
        "vacuum into '/tmp/x.db'",
        "pragma journal_mode = wal",
        "pragma query_only = off",
        "select load_extension('/tmp/x.so')",
        "select 1; select 2",
        "begin",
        "with x as (select 1) delete from sold",
        "select nothing from sold",
        "selec",
        "select * from sold where id = ?",
    ],
)
async def test_nothing_but_one_select(work, database, sql):
    """Everything else is refused, and the file stays as it is."""
    before = (work.folder / "shop.db").read_bytes()
    outcome = await work(query_database, path="shop.db", sql=sql)
    assert outcome.kind == "failed", outcome
    assert (work.folder / "shop.db").read_bytes() == before
    assert [each.name for each in work.folder.iterdir()] == ["shop.db"]


NUMBERS = "with recursive n(x) as (select 1 union all select x + 1 from n)"
ENDLESS = f"{NUMBERS} select count(*) from n"


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        (ENDLESS, "longer than"),
        ("select count(*) from sold a, sold b, sold c, sold d", "longer than"),
        ("select hex(zeroblob(1000000000))", "too big"),
        ("select printf('%.*c', 100000000, 'x')", "too big"),
        ("select group_concat(a.image) from sold a, sold b", ""),
    ],
)
async def test_a_query_without_end(work, database, monkeypatch, sql, said):
    """It is bounded in time and size."""
    monkeypatch.setattr(data, "_TIME_S", 0.3)
    began = time.monotonic()
    outcome = await work(query_database, path="shop.db", sql=sql)
    assert outcome.kind == "failed" or len(outcome.text()) < 100_000
    assert not outcome.error or said in outcome.error
    assert time.monotonic() - began < 10


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("select instr(hex(zeroblob(2000000)), hex(zeroblob(1000000)) || '1')", ("longer than",)),
        (
            f"{NUMBERS} select max(b) from (select randomblob(1000000) b from n order by 1)",
            ("more than 512 MiB", "longer than"),  # a slow disk may not come so far in time
        ),
    ],
    ids=["one step of minutes", "a sort that fills a disk"],
)
async def test_what_sqlite_itself_does_not_bound(work, database, sql, said):
    """Within one step it looks at no clock; what it sorts would go to a disk."""
    began = time.monotonic()
    outcome = await work(query_database, path="shop.db", sql=sql)
    assert outcome.kind == "failed"
    assert any(each in outcome.error for each in said)
    assert time.monotonic() - began < 20


async def test_large_cells_and_many_of_them(work, database):
    """Are cut: the result stays small."""
    sql = "select hex(zeroblob(100000)) as a from sold"
    outcome = await work(query_database, path="shop.db", sql=sql, most=1_000)
    assert "(200,000 characters)" in outcome.text()
    assert outcome.size_bytes < 200_000


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "no SQLite file"),
        (b"text", "no SQLite file"),
        (b"SQLite format 3\0", ""),
        (b"SQLite format 3\0" + b"\0" * 84, ""),
        (b"SQLite format 3\0" + b"\xff" * 4_000, ""),
    ],
)
async def test_what_is_no_database(work, content, said):
    """It is told, however broken."""
    (work.folder / "a.db").write_bytes(content)
    outcome = await work(query_database, path="a.db", sql="select * from sqlite_master")
    assert outcome.kind == "failed"
    assert said in outcome.error


async def test_a_database_with_a_write_ahead_log(work):
    """It is read without its newest changes, which is told."""
    with closing(sqlite3.connect(work.folder / "wal.db")) as made:
        made.execute("pragma journal_mode = wal")
        made.execute("create table a (b)")
        made.execute("pragma wal_checkpoint")
        made.execute("insert into a values (1)")
        made.commit()
        outcome = await work(query_database, path="wal.db", sql="select count(*) from a")
        assert outcome.text().endswith("[wal.db-wal holds changes that are not read here]")


@pytest.mark.parametrize("path", ["link.db", "../outside.db", "none.db"])
async def test_no_path_leads_out(work, path):
    """Nor to what is not there."""
    sqlite3.connect(work.folder.parent / "outside.db").close()
    (work.folder / "link.db").symlink_to("../outside.db")
    assert (await work(query_database, path=path, sql="select 1")).kind == "failed"
