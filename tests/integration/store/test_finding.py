"""Search in a log: the same rows as reading each of them would find, stored or journalled."""

import re
from datetime import UTC, timedelta
from itertools import pairwise

import orjson
import pytest

from store.agent_steps import find_steps, list_steps, steps_at, steps_folds, steps_life
from store.finding.folding import LONG
from store.finding.query import QueryError
from store.reading import Reader
from tests.support.long_log import Life, write

ROWS, PENDING = 3_000, 700
EVERY = 500


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A log of which the newest rows are still in the journal, beside another session's."""
    data = tmp_path_factory.mktemp("finding") / "data"
    life = Life("talker", ROWS, every=EVERY)
    write(data, Life("other", 50))
    write(data, life, pending=PENDING)
    return Reader(data), life


@pytest.fixture(scope="module")
def reader(folder):
    return folder[0]


@pytest.fixture(scope="module")
def rows(reader):
    rows = list_steps("talker", limit=ROWS, store=reader)
    assert [row["seq"] for row in rows] == [*range(1, ROWS + 1)]
    pending = reader.journalled(_steps(), {"session_id": "talker"})
    assert len(pending) == PENDING
    return rows


def _steps():
    from store.agent_steps import TABLE  # noqa: PLC0415 - of one helper

    return TABLE


def _payload(row):
    return orjson.loads(row["payload"] or "{}")


def _subject(row):
    return orjson.loads(row["state"])["agent"]["subject"]


FITS = {
    "": lambda _: True,
    "DOGS": lambda row: "dogs" in row["text"] or "dogs" in str(_payload(row).get("guidance")),
    '"about the moon"': lambda row: "about the moon" in f"{row['text']} {_payload(row)}",
    "answers 500": lambda row: row["error"] is not None,
    "kind:guidance": lambda row: row["kind"] == "guidance",
    "kind:errors,status": lambda row: row["kind"] in ("error", "status"),
    "by:carol": lambda row: _payload(row).get("actor") == "carol",
    "cost>0.0008": lambda row: row["cost_usd"] > 0.0008,
    "tokens>=60 -zoo": lambda row: row["tokens_in"] > 0 and "zoo" not in row["text"],
    "tick:40": lambda row: row["step"] == 40,
    "seq<=7": lambda row: row["seq"] <= 7,
    "took>2ms took<1s": lambda row: row["latency_ms"] is not None,
    "http://nowhere": lambda _: False,
}  # fmt: skip


@pytest.mark.parametrize("query", FITS)
def test_a_query_finds_what_reading_finds(reader, rows, query):
    """Each part of a query fits the rows that it says, and no others."""
    expected = [row["seq"] for row in rows if FITS[query](row)]
    found = find_steps("talker", query, limit=ROWS, store=reader)
    assert found.seqs == expected
    assert (found.count, found.skipped, found.head) == (len(expected), 0, ROWS)
    cost = sum(row["cost_usd"] for row in rows if row["seq"] in {*expected})
    assert found.cost_usd == pytest.approx(cost)
    assert sum(found.sorts.values()) == len(expected)


@pytest.mark.parametrize("field", ["subject", "told", "absent"])
def test_changes_of_a_field(reader, rows, field):
    """A plain field and a list change where their values differ from the row before."""
    values = [orjson.loads(row["state"])["agent"].get(field) for row in rows]
    pairs = zip(rows[1:], values[1:], values[:-1], strict=True)
    expected = [row["seq"] for row, value, before in pairs if value != before]
    assert find_steps("talker", f"changed:{field}", limit=ROWS, store=reader).seqs == expected
    assert bool(expected) is (field != "absent")


def test_times(reader, rows):
    """A time of day is the newest that was reached; an end is after its beginning; ago is ago."""
    begin, end = rows[1_200]["created_at"], rows[1_300]["created_at"]
    exact = f"since:{begin.isoformat()} until:{end.isoformat()}"
    between = find_steps("talker", exact, limit=ROWS, store=reader)
    assert between.seqs == [*range(1_201, 1_301)]
    last = rows[-1]["created_at"]
    back = last - timedelta(minutes=2)
    of_day = find_steps("talker", f"since:{back:%H:%M:%S}", limit=ROWS, store=reader, zone=UTC)
    whole = back.replace(microsecond=0)
    assert of_day.seqs == [row["seq"] for row in rows if row["created_at"] >= whole]
    later = last + timedelta(minutes=1)
    both = f"since:{back:%H:%M:%S} until:{later:%H:%M:%S}"
    assert find_steps("talker", both, limit=ROWS, store=reader, zone=UTC).seqs == of_day.seqs
    assert find_steps("talker", "since:9999d", store=reader).count == ROWS


def test_pages(reader):
    """Pages from the front and from the end, with how many come before."""
    everything = find_steps("talker", "dogs", limit=ROWS, store=reader).seqs
    page = find_steps("talker", "dogs", everything[9], 5, store=reader)
    assert (page.seqs, page.skipped, page.count) == (everything[10:15], 10, len(everything))
    newest = find_steps("talker", "dogs", limit=5, newest=True, store=reader)
    assert (newest.seqs, newest.skipped) == (everything[-5:], len(everything) - 5)
    last = everything[20]
    before = find_steps("talker", "dogs", limit=5, newest=True, before_seq=last, store=reader)
    assert (before.seqs, before.skipped) == (everything[15:20], 15)
    assert find_steps("talker", "dogs", everything[-1], store=reader).seqs == []


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("kind:jokes", "'jokes'"),
        ("cost>much", "'much'"),
        ("since:teatime", "'teatime'"),
        ("changed:a-b", "'a-b'"),
        ("x" * 1_001, "1001 characters"),
    ],
)
def test_what_is_no_query_is_named(reader, query, named):
    """An impossible value is refused with what was given and what is expected."""
    with pytest.raises(QueryError, match=re.escape(named)) as refused:
        find_steps("talker", query, store=reader)
    assert "expected" in str(refused.value)


@pytest.mark.parametrize("axis", ["time", "seq"])
def test_the_life_in_buckets(reader, rows, axis):
    """Every row is counted once, in its place; matches lie in the same parts."""
    life = steps_life("talker", 50, axis=axis, store=reader)
    assert (life.head, life.ticks) == (ROWS, sum(row["kind"] == "tick" for row in rows))
    for name, kind in (("ticks", "tick"), ("guidance", "guidance"), ("errors", "error")):
        wanted = sum(row["kind"] == kind for row in rows)
        assert sum(getattr(each, name) for each in life.buckets) == wanted
    assert sum(each.cost_usd for each in life.buckets) == pytest.approx(life.cost_usd)
    assert sum(each.pauses for each in life.buckets) == 1 + ROWS // EVERY
    assert [each.seq for each in life.buckets] == sorted(each.seq for each in life.buckets)
    found = find_steps("talker", "kind:guidance", buckets=50, axis=axis, store=reader)
    guided = {each.number: each.guidance for each in life.buckets if each.guidance}
    assert {number: count for number, count in enumerate(found.density) if count} == guided
    newest = rows[-1]["created_at"].replace(second=0, microsecond=0)
    cost = sum(row["cost_usd"] for row in rows if row["created_at"] >= newest)
    assert life.cost_by_minute[-1] == pytest.approx(cost)


def test_folds_of_hidden_sorts(reader, rows):
    """Hidden rows are in folds and no others are; one subject is named, two are not."""
    folds = steps_folds("talker", hidden=("said",), store=reader).folds
    folded = {seq for each in folds for seq in range(each.first, each.last + 1)}
    assert folded == {row["seq"] for row in rows if row["kind"] in ("tick", "intent")}
    for each in folds:
        assert each.ticks == each.last - each.first + 1
        assert each.subject == _subject(rows[each.first - 1]) == _subject(rows[each.last - 1])
    mixed = steps_folds("talker", hidden=("said", "guidance"), store=reader).folds
    assert any(each.subject is None and each.ticks < each.last - each.first + 1 for each in mixed)


def test_folds_of_long_runs(reader, rows):
    """Of a long run its ends stay, and all that is no tick; short runs stay whole."""
    folds = steps_folds("talker", runs=True, store=reader).folds
    folded = {seq for each in folds for seq in range(each.first, each.last + 1)}
    assert folded <= {row["seq"] for row in rows if row["kind"] == "tick"}
    landmarks = [row["seq"] for row in rows if row["kind"] != "tick"]
    for one, other in pairwise(landmarks):
        length = other - one - 1
        within = folded & {*range(one + 1, other)}
        assert len(within) == (length - 4 if length > LONG else 0)
        assert not {one + 1, one + 2, other - 2, other - 1} & within


def test_rows_by_their_numbers(reader, rows):
    """Stored and journalled rows alike, in the order of their numbers; what is not there is not."""
    wanted = [3, 500, ROWS - PENDING, ROWS - PENDING + 1, ROWS, ROWS + 9]
    found = [row["seq"] for row in steps_at("talker", wanted, store=reader)]
    assert found == wanted[:-1]
    assert next(iter(steps_at("talker", [500], store=reader)))["text"] == rows[499]["text"]


def test_nobody_has_a_log_of_that_name(reader):
    """A session that is not there has no rows, and no error."""
    assert find_steps("nobody", "dogs", buckets=10, store=reader).head == 0
    assert steps_life("nobody", store=reader).buckets == []
    assert steps_folds("nobody", runs=True, store=reader).folds == []
