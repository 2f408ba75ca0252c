"""Schedules under clocks that jump and processes that die: no run is lost, none comes twice."""

import asyncio
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from agent_core.actions.payloads import ScheduleSet
from agent_core.actions.when import read_when, read_zone
from reins.sources.schedule import MAX_MADE_UP, ON_TIME_US, Schedule
from reins.sources.scheduler import Scheduler
from store.times import to_us

ZONES = (
    "UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/St_Johns",
    "Asia/Kathmandu", "Africa/Casablanca", "Pacific/Apia",
)  # fmt: skip
MINUTE = 60_000_000
START = to_us(datetime(2026, 3, 20, 12, 0, 30, tzinfo=UTC))
TURNS = [
    to_us(datetime(2026, *at, tzinfo=UTC))
    for at in ((3, 8), (3, 29), (4, 5), (10, 4), (10, 25), (11, 1))
]


class KilledError(Exception):
    """The process has died."""


class Disk:
    """What is committed: messages by id, the newest row of each schedule. Outlives a scheduler.

    As a topic does, it takes a message twice whose sender does not ask to look for it.
    """

    def __init__(self):
        self.messages, self.rows, self.dies = [], {}, None
        self.journal = SimpleNamespace(append=self.append)

    async def append(self, *records):
        await self.add("", [], records)

    async def add(self, topic, drafts, also=()):
        assert drafts or not topic
        dies, self.dies = self.dies, None
        if dies == "before":
            raise KilledError
        there = {each.message_id for each in self.messages}
        self.messages += [each for each in drafts if not (each.again and each.message_id in there)]
        for record in also:
            row = orjson.loads(record.body)
            self.rows[row["schedule_id"]] = row
        if dies == "after":
            raise KilledError
        return list(range(len(drafts)))


class World:
    """A clock, a disk, and the scheduler that lives now."""

    def __init__(self, now):
        self.now, self.disk = now, Disk()
        self.live()

    def live(self):
        self.scheduler = Scheduler(self.disk, self.disk, lambda: self.now)
        self.scheduler._known = {name: Schedule.of(row) for name, row in self.disk.rows.items()}

    async def look(self):
        try:
            return await self.scheduler.run_once()
        except KilledError:
            self.live()
            return await self.scheduler.run_once()


FIELDS = st.sampled_from(
    ["cron:*/7 * * * *", "cron:30 2 * * *", "cron:0,30 1,2,3 * * *", "cron:5 */2 * * *",
     "cron:0 0 * * *", "cron:59 23 * * 0", "every:1m", "every:7m", "every:90m"]
)  # fmt: skip
MOVES = st.lists(
    st.tuples(
        st.one_of(
            st.integers(0, 90),
            st.sampled_from([-600, -125, -61, -1, 1_440, 3_000]),
        ),
        st.sampled_from([None, None, None, "before", "after", "restart"]),
    ),
    min_size=1,
    max_size=25,
)


@settings(deadline=None, max_examples=200)
@given(
    FIELDS,
    st.sampled_from(ZONES),
    st.sampled_from([START, *TURNS]),
    MOVES,
    st.sampled_from(["all", "latest", "none"]),
)
def test_no_run_is_lost_or_doubled(when, zone, start, moves, catch_up):
    """What the clock has passed is published once, whatever dies, and wherever it jumps to."""

    async def play():
        world, expected = World(start), set()
        asked = ScheduleSet(schedule_id="s", topic="t", when=when, zone=zone, catch_up=catch_up)
        await world.scheduler.set(asked, "ann", "a", start)
        timing = read_when(when, zone, base_us=start)
        await world.look()
        seen = start
        for minutes, event in moves:
            world.now += minutes * MINUTE
            if event == "restart":
                world.live()
            else:
                world.disk.dies = event
            limit = MAX_MADE_UP if catch_up == "all" else 1
            # A clock that was set back passes again what it has passed.
            times = timing.newest(min(seen, world.now), world.now, limit)
            if catch_up == "none":
                times = [each for each in times if world.now - each <= ON_TIME_US]
            expected |= set(times)
            seen = world.now
            delay = await world.look()
            assert 0 < delay <= 60
            world.disk.dies = None
        return [message.message["due_at"] for message in world.disk.messages], expected

    published, expected = asyncio.run(play())
    assert len(published) == len(set(published))
    assert {to_us(datetime.fromisoformat(each)) for each in published} == expected


@settings(deadline=None, max_examples=200)
@given(st.sampled_from(ZONES), st.integers(0, 23), st.integers(0, 59), st.integers(0, 364))
def test_a_time_of_day_is_due_once_each_day(zone, hour, minute, day):
    """Also on days without it, when the clocks have changed, and on those that have it twice."""
    zone_info = read_zone(zone)
    when = read_when(f"cron:{minute} {hour} * * *", zone)
    date = datetime(2026, 1, 1) + timedelta(days=day)  # noqa: DTZ001 - of the wall

    def moment(date):
        local = date.replace(hour=hour, minute=minute)
        while True:
            aware = local.replace(tzinfo=zone_info)
            if aware.astimezone(UTC).astimezone(zone_info).replace(tzinfo=None) == local:
                return to_us(aware.astimezone(UTC))
            local += timedelta(minutes=1)

    days = [moment(date + timedelta(days=n)) for n in range(4)]
    assert list(when.newest(days[0], days[-1], 9)) == days[1:]


@settings(deadline=None, max_examples=200)
@given(
    FIELDS,
    st.sampled_from(ZONES),
    st.sampled_from(TURNS),
    st.lists(st.integers(0, 3_000), max_size=8),
)
def test_when_it_is_asked_makes_no_difference(when, zone, turn, looks):
    """From any moment the next one is the next of all."""
    timing = read_when(when, zone, base_us=turn - 5)
    end = turn + 3_000 * MINUTE
    every = list(timing.newest(turn, end, 10_000))
    for look in looks:
        at = turn + look * MINUTE + 17
        later = [each for each in every if each > at]
        if later:
            assert timing.after(at) == later[0]
        assert list(timing.newest(turn, at, 5)) == [each for each in every if each <= at][-5:]
