"""Sums of calls by minute and hour: the same as the calls themselves, whatever happens."""

import asyncio
import math
import random
import signal
import time
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta

import orjson
import pytest

from store import model_calls, usage
from store.journal.file import Record
from store.lance.retention import Retention
from store.reading import Reader
from store.store import Store
from store.usage import HOURS, MINUTES, OTHERS, CallSums, Usage
from store.usage_reading import by_session, read_usage
from tests.integration.store.support import child
from tests.support.paying_agents import call_record
from tests.support.waiting import until_async

NOW = datetime.now(UTC)
AGO = NOW - timedelta(hours=20)
ROUTES, TYPES, ROOMS = ("good", "slow"), ("joke", "persona"), (None, "salon", "tea")


def some_calls(seed, count, *, hours=15):
    """Calls of the last hours, of sessions that have a type and perhaps a conversation."""
    chance = random.Random(seed)
    made = []
    for number in range(count):
        queued = NOW - timedelta(seconds=chance.uniform(0, hours * 3600))
        queued_us = int(queued.timestamp() * 1e6)
        wait_us = int(chance.expovariate(1 / 2e6))
        kind = chance.choices([None, "server", "aborted"], [8, 1, 1])[0]
        call = call_record(
            chance.randrange(900), chance.randrange(90), chance.random() / 100,
            queued_at=queued_us, sent_at=None if chance.random() < 0.05 else queued_us + wait_us,
            route=chance.choice(ROUTES), error_kind=kind, latency_ms=chance.uniform(1, 900),
        )  # fmt: skip
        session = chance.randrange(7)
        ids = {
            "session_id": f"s{session}", "agent_id": f"s{session}", "step": 1, "seq": number,
            "agent_type": TYPES[session % 2], "conversation_id": ROOMS[session % 3],
        }  # fmt: skip
        made.append(ids | orjson.loads(call.as_json()))
    return made


def records(calls):
    return [Record("model_calls", orjson.dumps(call)) for call in calls]


def expected(calls, by):
    """The sums by one column, from the calls as they were made."""
    costs, sums = defaultdict(list), defaultdict(Counter)
    for call in calls:
        costs[call[by]].append(call["cost_usd"])
        sums[call[by]].update(
            calls=1,
            failed=call["error_kind"] == "server",
            aborted=call["error_kind"] == "aborted",
            tokens=call["tokens_in"] + call["tokens_out"],
            waited=call["sent_at"] is not None,
        )
    return {name: (dict(sums[name]), math.fsum(costs[name])) for name in sums}


def found(width, by, store, since=AGO):
    """The same from the tables of sums."""
    sums = defaultdict(Usage)
    for group, part in read_usage(width, since, store=store):
        sums[getattr(group, by)].add(part.stored())
    return {
        name: (
            {
                "calls": one.calls,
                "failed": one.failed,
                "aborted": one.aborted,
                "tokens": one.tokens_in + one.tokens_out,
                "waited": one.waits.total(),
            },
            pytest.approx(one.cost_usd),
        )
        for name, one in sums.items()
    }


def check(store, calls):
    for width in ("minute", "hour"):
        for by in ("route", "agent_type", "conversation_id"):
            assert found(width, by, store) == expected(calls, by), (width, by)
    of_sessions = defaultdict(Usage)
    for name, _at, part in by_session(AGO, store=store):
        of_sessions[name].add(part.stored())
    assert {name: pytest.approx(one.cost_usd) for name, one in of_sessions.items()} == {
        name: cost for name, (_, cost) in expected(calls, "session_id").items()
    }


def hours(store):
    return read_usage("hour", AGO, store=store.reader)


async def flushed(store):
    await until_async(lambda: store.journal.pending == 0 and store.flushed_rows > 0)


async def test_sums_are_those_of_the_calls(store):
    """By route, type, conversation and session, before the flush and after it, from anywhere."""
    elsewhere = Reader(store.folder.path)
    calls = some_calls(1, 400)
    await store.journal.append(*records(calls[:250]))
    check(elsewhere, calls[:250])
    await flushed(store)
    check(store.reader, calls[:250])
    await store.journal.append(*records(calls[250:]))
    await until_async(lambda: sum(u.calls for _, u in hours(store)) == 400)
    check(store.reader, calls)
    check(elsewhere, calls)
    assert store.reader.count(MINUTES, "true") == 0  # a set of rows a minute, not one a flush


async def test_a_stop_writes_what_was_counted_and_idleness_writes_nothing(tmp_path):
    """What a worker has counted is in the tables then; one without calls commits nothing."""
    calls = some_calls(2, 300)
    store = Store(tmp_path / "data", flush_s=0.02)
    await store.start()
    await store.journal.append(*records(calls))
    await store.stop()
    reader = Reader(tmp_path / "data")
    assert reader.count(MINUTES, "true") > 0
    assert reader.count(HOURS, "true") > 0
    check(reader, calls)

    versions = [reader.table(each).version for each in (MINUTES, HOURS)]
    again = Store(tmp_path / "data", flush_s=0.02)
    await again.start()
    before = again.flushed_at
    await until_async(lambda: again.flushed_at != before)
    check(again.reader, calls)
    await again.stop()
    assert [reader.table(each).version for each in (MINUTES, HOURS)] == versions


_KILLED = """
    import asyncio, sys
    from store.store import Store
    from store.usage import HOURS, MINUTES
    from tests.integration.store.test_usage import records, some_calls

    async def main():
        for table in (MINUTES, HOURS):
            object.__setattr__(table.summary, "every_s", float(sys.argv[3]))
        store = Store(sys.argv[1], flush_s=0.02)
        await store.start()
        for part in range(40):
            await store.journal.append(*records(some_calls(int(sys.argv[2]) * 100 + part, 10)))
            print(part, flush=True)
            await asyncio.sleep(0.02)
        await asyncio.sleep(60)

    asyncio.run(main())
"""


def killed(folder, seed, every_s, after):
    """Append parts of ten calls until `after` are told, then kill; returns the highest told."""
    process = child(_KILLED, folder, str(seed), str(every_s))
    told = -1
    for line in process.stdout:
        told = int(line) if line.strip().isdigit() else told  # the others are of the log
        if told >= after:
            time.sleep(after % 5 / 100)
            process.send_signal(signal.SIGKILL)
            break
    rest = [line for line in process.communicate()[0].splitlines() if line.isdigit()]
    return int(rest[-1]) if rest else told


def test_a_kill_neither_loses_nor_repeats_a_call(tmp_path):
    """Killed again and again, between two sets of rows and while they are written: all add up."""
    calls, folder, chance = [], tmp_path / "data", random.Random(3)
    for life, every_s in enumerate((60, 0.01, 0.1, 0.01)):
        told = killed(folder, life, every_s, chance.randrange(5, 35))
        for part in range(told + 1):
            calls += some_calls(life * 100 + part, 10)
        there = len(Reader(folder).joined(model_calls.TABLE, {}, None))
        if there > len(calls):  # one more was committed, and not told before the kill
            calls += some_calls(life * 100 + told + 1, 10)
        assert there == len(calls)
        check(Reader(folder), calls)

    async def live_on():
        store = Store(folder, flush_s=0.02)
        await store.start()
        await until_async(lambda: store.journal.pending == 0)
        check(store.reader, calls)
        await store.stop()

    asyncio.run(live_on())
    check(Reader(folder), calls)


async def test_a_table_that_went_back_is_counted_anew(store):
    """A set of rows that is undone, since no sync has proven it, is made again."""
    calls = some_calls(4, 200)
    await store.journal.append(*records(calls))
    await flushed(store)
    flush = store._flush
    await until_async(lambda: flush.summing.unwritten(MINUTES.name) is not None)
    opened = store.reader.table(MINUTES)
    opened.add(dict(flush.summing.due(all_of_them=True))[MINUTES.name])
    flush.summing.written(MINUTES.name)
    opened.restore(1)
    flush.summing.count_anew(MINUTES.name)
    await store.journal.append(*records(more := some_calls(5, 20)))
    await until_async(lambda: flush.summing.unwritten(MINUTES.name) is not None)
    await until_async(lambda: store.journal.pending == 0)
    check(store.reader, calls + more)


def test_of_many_conversations_the_busiest_are_kept():
    """A minute has a bounded number of rows, and its sums lack nothing."""
    sums, count = CallSums("minute"), usage._MOST_GROUPS + 50
    calls = some_calls(6, count)
    for number, call in enumerate(calls):
        call |= {"conversation_id": f"room {number}", "queued_at": 60_000_000, "sent_at": None}
    rows = model_calls.TABLE.schema.empty_table().from_pylist(
        [call | {"journal_n": 1} for call in calls], schema=model_calls.TABLE.schema
    )
    sums.add(rows)
    made = sums.rows()
    others = [row for row in made if row["conversation_id"] == OTHERS]
    assert 1 <= len(others) <= 4
    assert len(made) == usage._MOST_GROUPS + len(others)
    assert sum(row["calls"] for row in made) == count
    assert sum(row["cost_usd"] for row in made) == pytest.approx(sum(c["cost_usd"] for c in calls))


async def test_old_minutes_and_hours_are_deleted(store):
    """Minutes are kept for two days, hours for 32, whatever the calls are kept for."""
    row = dict.fromkeys(MINUTES.schema.names) | {"calls": 1, "waits": "{}", "journal_n": 1}
    retention = Retention(None)
    for table, days in ((MINUTES, (0, 1, 3, 40)), (HOURS, (0, 1, 3, 31, 40))):
        rows = [row | {"at": NOW - timedelta(days=day)} for day in days]
        store.reader.table(table).add(rows)
    tables = [(each, store.reader.table(each)) for each in (MINUTES, HOURS, model_calls.TABLE)]
    assert retention.run(tables)
    assert [opened.count_rows() for _, opened in tables] == [2, 4, 0]


def test_the_wait_of_a_share_of_the_calls():
    """It is right to a fifth, and nothing where no call had a place."""
    chance, one = random.Random(8), Usage()
    waits = sorted(chance.expovariate(1 / 900) for _ in range(4_000))
    assert one.wait_ms(0.95) is None
    for wait in waits:
        one.waits[math.floor(2 * math.log2(max(wait, 1.0)))] += 1
    for share in (0.5, 0.9, 0.95, 0.99):
        assert one.wait_ms(share) == pytest.approx(waits[int(share * 4_000) - 1], rel=0.2)
