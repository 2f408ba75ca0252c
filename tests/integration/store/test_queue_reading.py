"""Looking at the queue: pages without gaps, what waits, rows that somebody wrote by hand."""

from datetime import UTC, datetime, timedelta

import pytest

import queue_imp
from agent_core.actions.action import processed
from store.errors import RowInvalidError
from store.queue import reading as queue_reading
from store.queue.rows import Mark
from store.queue.writer import QueueWriter
from store.reading import Reader

AT = datetime(2026, 1, 1, tzinfo=UTC)


def action(n, **columns):
    row = queue_imp.create_action("agent_pause", "ann", agent_id=f"a{n % 3}")
    return (
        row | {"action_id": f"act_{n:03}", "created_at": AT + timedelta(seconds=n // 2)} | columns
    )


@pytest.fixture
def store(tmp_path):
    return Reader(tmp_path)


@pytest.fixture
def writer(tmp_path):
    return QueueWriter(tmp_path)


def ids(rows):
    return [row["action_id"] for row in rows]


def test_a_folder_without_a_queue_has_no_actions(store):
    """A folder without a queue has no actions, and is not an error."""
    assert queue_reading.list_actions(store) == []
    assert queue_reading.get_actions(store, ["act_1"]) == []
    assert queue_reading.waiting(store, ["create_agent"]) == []
    assert queue_reading.depth(store) == 0


@pytest.mark.parametrize("limit", [1, 2, 7, 30, 100])
def test_pages_meet_without_gap_or_double(store, writer, limit):
    """Newest first, each once, whatever the length of a page, where pairs share a time and some
    have none."""
    rows = [action(n) for n in range(25)] + [action(n, created_at=None) for n in range(30, 35)]
    writer.append(*rows)
    found, before = [], None
    while page := queue_reading.list_actions(store, before=before, limit=limit):
        found += page
        before = queue_reading.place(page[-1])
    assert ids(found) == ids(sorted(rows, key=queue_reading.place, reverse=True))


def test_filters(store, writer):
    """By state, session and type; a quote in a value is only a character."""
    made = [action(1), action(2), action(3, session_id="it's"), action(4, type="create_agent")]
    writer.append(*made)
    writer.mark([Mark(2, processed(made[1], outcome="applied"))])
    writer.mark([Mark(3, processed(made[2], outcome="rejected", error="no"))])
    assert ids(queue_reading.list_actions(store, state="queued")) == ["act_004", "act_001"]
    assert ids(queue_reading.list_actions(store, state="applied")) == ["act_002"]
    assert ids(queue_reading.list_actions(store, session_id="it's")) == ["act_003"]
    assert ids(queue_reading.list_actions(store, action_type="create_agent")) == ["act_004"]
    assert ids(queue_reading.waiting(store, ["create_agent", "agent_pause"])) == [
        "act_001", "act_004",
    ]  # fmt: skip
    assert ids(queue_reading.waiting(store, ["agent_pause"], "a1")) == ["act_001"]
    assert queue_reading.depth(store) == 2
    assert ids(queue_reading.get_actions(store, ["act_003", "none", "act_001"])) == [
        "act_003", "act_001",
    ]  # fmt: skip


@pytest.mark.parametrize("payload", [None, "", "x", "[]", "5", "null"])
def test_a_payload_that_is_none(payload):
    """Nothing, not an error."""
    assert queue_reading.payload_of({"payload": payload}) == {}


def test_one_commit_takes_all_actions_or_none(store, writer):
    """One commit for all; none of them where one does not fit, and the error names it."""
    heard = []
    writer.listen(lambda actions, before: heard.append((len(actions), before)))
    writer.append(action(1))
    writer.append(*(action(n) for n in range(2, 1_002)))
    assert heard == [(1, 0), (1_000, 1)]
    with pytest.raises(RowInvalidError, match=r"queue\.urgency is 'high'"):
        writer.append(action(2_000), action(2_001, urgency="high"))
    with pytest.raises(RowInvalidError, match="surprise"):
        writer.append(action(2_000), action(2_001, surprise=1))
    with pytest.raises(RowInvalidError, match=r"queue\.processed is True"):
        writer.append(action(2_001, processed=True))
    writer.append()
    assert queue_reading.depth(store) == 1_001


def test_listeners_hear_of_each(writer):
    """All actions of a commit in the order in which they were given."""
    heard = []
    writer.listen(lambda actions, _before: heard.append(ids(a.row for a in actions)))
    writer.append(action(1), action(2))
    assert heard == [["act_001", "act_002"]]
