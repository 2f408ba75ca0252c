from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from reins.web.live import queue as queue_feed
from reins.web.live.queue import QueueFeed
from store.queue import reading as queue_reading
from store.queue import table as queue
from store.queue import watch as queue_watch

NAMES = [name for name in queue.TABLE.schema.names if name not in ("processed", "urgency")]


def action(action_id, created_at, processed_at=None):
    return {
        **dict.fromkeys(NAMES),
        "action_id": action_id, "type": "agent_pause", "urgency": 0, "created_at": created_at,
        "processed": processed_at is not None, "processed_at": processed_at,
        "outcome": None if processed_at is None else "applied",
    }  # fmt: skip


@pytest.fixture
def feed(monkeypatch):
    rows = []

    def changed_since(_table, at):
        return [r for r in rows if r["created_at"] >= at or (r["processed_at"] or at) > at]

    monkeypatch.setattr(queue_reading, "changed_since", changed_since)
    monkeypatch.setattr(queue_watch, "watch", lambda *_: lambda: None)
    monkeypatch.setattr(queue_feed, "_EVERY_S", 0.0)
    store = SimpleNamespace(folder=SimpleNamespace(path=None, queue=Path(__file__)))
    made = QueueFeed(store, lambda: None)

    def taken():
        made._touch()
        return [(row["action_id"], row["outcome"]) for row in made.take()]

    return SimpleNamespace(rows=rows, taken=taken, it=made, store=store)


def test_each_change_is_shown_once(feed):
    """Queued when it comes, with its outcome when it has one."""
    now = datetime.now(UTC)
    feed.rows.append(action("a", now))
    assert feed.taken() == [("a", "queued")]
    assert feed.taken() == []
    feed.rows[0] = action("a", now, now + timedelta(milliseconds=5))
    assert feed.taken() == [("a", "applied")]
    assert feed.taken() == []


def test_a_clock_that_is_ahead_hides_nothing(feed):
    """One process's future does not keep the actions of others from being shown."""
    now = datetime.now(UTC)
    feed.rows.append(action("ahead", now + timedelta(hours=1)))
    assert feed.taken() == [("ahead", "queued")]
    feed.rows.append(action("on time", now))
    assert feed.taken() == [("on time", "queued")]


def test_before_anybody_has_asked_for_anything(feed):
    """There is no table to watch: none is shown, and the first one is."""
    feed.store.table = lambda _: None
    assert feed.taken() == []
    feed.store.table = lambda _: object()
    feed.rows.append(action("a", datetime.now(UTC)))
    assert feed.taken() == [("a", "queued")]


@pytest.fixture
def clock(monkeypatch):
    """What the clock says; the rows' times are the test's."""

    class Datetime(datetime):
        at = datetime(2026, 11, 28, 12, tzinfo=UTC)

        @classmethod
        def now(cls, tz=None):
            return cls.at.astimezone(tz)

    monkeypatch.setattr(queue_feed, "datetime", Datetime)
    return Datetime


@pytest.mark.parametrize("jump", [2, -2, 3_600, -3_600, 86_400, -86_400, 126_144_000, -126_144_000])
def test_after_a_wrong_moment_each_change_is_shown_once(feed, clock, jump):
    """What comes in it, and what comes when the clock is right again; nothing is told twice."""
    numbers = iter(range(1, 99))

    def comes(action_id):
        feed.rows.append(action(action_id, clock.at) | {queue.NUMBER: next(numbers)})
        clock.at += timedelta(seconds=1)

    def ends(number):
        made = feed.rows[number]
        feed.rows[number] = made | action(made["action_id"], made["created_at"], clock.at) | {
            queue.NUMBER: made[queue.NUMBER]
        }  # fmt: skip
        clock.at += timedelta(seconds=1)

    comes("before")
    assert feed.taken() == [("before", "queued")]
    clock.at += timedelta(seconds=jump)
    comes("amid")
    ends(0)
    assert sorted(feed.taken()) == [("amid", "queued"), ("before", "applied")]
    clock.at -= timedelta(seconds=jump)
    comes("after")
    ends(1)
    assert sorted(feed.taken()) == [("after", "queued"), ("amid", "applied")]
    ends(2)
    assert feed.taken() == [("after", "applied")]
    assert feed.taken() == []
