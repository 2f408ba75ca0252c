"""Boards: values by key, changed by compare-and-set, each change announced once."""

import json

import queue_imp as q
from reins.blackboard import boards
from store import kv
from store.topics import message_of
from tests.support.board_agents import AdderAgent
from tests.support.waiting import until_async


def ticks(fleet, session_id):
    rows = [row for row in fleet.log(session_id) if row["kind"] == "tick"]
    return [json.loads(row["payload"]) for row in rows]


async def put(fleet, board, key, value, expect=None):
    return await fleet.do(q.board_put, board, key, "ann", value, expect=expect)


async def test_a_person_puts_and_deletes(fleet):
    """Each receipt has the version, which is the number of the announcement."""
    got = [await put(fleet, "plans", "a", {"n": [1]}), await put(fleet, "plans", "b", "text")]
    got.append(await fleet.do(q.board_delete, "plans", "a", "ann"))
    got.append(await put(fleet, "plans", "a", 4))
    assert [(each["outcome"], each["applied_seq"]) for each in got] == [
        ("applied", number) for number in (1, 2, 3, 4)
    ]
    assert [row["value"] for row in kv.list_values("plans", store=fleet.store.reader)] == [
        4, "text",
    ]  # fmt: skip
    assert [(row["number"], message_of(row)) for row in fleet.announced("plans")] == [
        (1, {"key": "a", "value": {"n": [1]}}),
        (2, {"key": "b", "value": "text"}),
        (3, {"key": "a", "deleted": True}),
        (4, {"key": "a", "value": 4}),
    ]
    assert kv.list_boards(store=fleet.store.reader) == {"plans": 2}


async def test_another_version_than_expected_is_a_conflict(fleet):
    """A version never comes again, also after a delete; 0 is a key that is not there."""
    await put(fleet, "p", "a", 1, expect=0)
    for expect in (0, 2):
        got = await put(fleet, "p", "a", 2, expect=expect)
        assert got["outcome"] == "rejected"
        assert f"is at version 1, expected {expect}" in got["error"]
    await fleet.do(q.board_delete, "p", "a", "ann", expect=1)
    got = await fleet.do(q.board_delete, "p", "a", "ann")
    assert "no key 'a'" in got["error"]
    assert (await put(fleet, "p", "a", 3, expect=1))["outcome"] == "rejected"
    assert (await put(fleet, "p", "a", 3, expect=0))["applied_seq"] == 3
    assert len(fleet.announced("p")) == 3


async def test_what_a_board_does_not_hold_is_rejected(fleet):
    """Nothing is written, and the error says how much room there is."""
    for number in range(33):
        got = await put(fleet, "full", f"k{number}", "x" * 32_000)
    assert got["outcome"] == "rejected"
    assert "has room for" in got["error"]
    assert (await put(fleet, "full", "small", 1))["outcome"] == "applied"
    assert (await put(fleet, "full", "k0", 1))["outcome"] == "applied", "room was made"
    assert (await put(fleet, "full", "k32", "x" * 30_000))["outcome"] == "applied"


async def test_there_are_so_many_boards_and_no_more(fleet, monkeypatch):
    """What was refused has made none."""
    monkeypatch.setattr(boards, "MAX_BOARDS", 2)
    for number in range(4):
        got = await fleet.do(q.board_delete, f"none{number}", "k", "ann")
        assert got["outcome"] == "rejected"
    assert (await put(fleet, "one", "k", 1))["outcome"] == "applied"
    assert (await put(fleet, "two", "k", 1))["outcome"] == "applied"
    for again in (False, True):
        if again:
            await fleet.stop()
            await fleet.start()
        assert "there are 2 boards, 2 at the most" in (await put(fleet, "three", "k", 1))["error"]
    assert (await put(fleet, "two", "k", 2))["outcome"] == "applied"


async def test_nobody_publishes_to_the_topic_of_a_board(fleet):
    """Its announcements are the board's alone."""
    action = q.create_action("publish", "ann", topic="board.p", message=1)
    got = await fleet.receipt(await fleet.ask(q.enqueue, action))
    assert got["outcome"] == "rejected"
    assert "write to the board instead" in got["error"]


async def test_agents_at_once_lose_no_update(fleet):
    """A conflict has the tick done again: each adds what it was to add, and no half of a tick."""
    names = [f"a{number}" for number in range(8)]
    for name in names:
        await fleet.agent(name, "adder", most=10, slow_s=0.002, twice=True, heartbeat_s=0.001)
    for name in names:
        await fleet.until_row("final", name)
    assert fleet.value("sums", "sum") == 80
    assert AdderAgent.begun > 80, "there were conflicts"
    told = [message_of(row) for row in fleet.announced("sums")]
    assert [each["value"] for each in told if each["key"] == "sum"] == list(range(1, 81))
    assert len(told) == 160, "each change once"
    versions = [tick["board:sums/sum"]["version"] for name in names for tick in ticks(fleet, name)]
    assert len(set(versions)) == 80
    for name in names:
        assert fleet.state_of(name)["added"] == 10


async def test_an_effect_may_merge_what_is_there(fleet):
    """Then nothing is done again, and no update is lost."""
    names = [f"m{number}" for number in range(6)]
    for name in names:
        await fleet.agent(name, "adder", how="merge", most=10, slow_s=0.002, heartbeat_s=0.001)
    for name in names:
        await fleet.until_row("final", name)
    assert fleet.value("sums", "sum") == 60
    assert AdderAgent.begun == 60


async def test_an_effect_may_drop_its_change(fleet):
    """The tick is committed, and its row says so."""
    await fleet.agent("d", "adder", how="drop", most=1, slow_s=0.3)
    await until_async(lambda: AdderAgent.begun == 1, "the tick has begun")
    await put(fleet, "sums", "sum", 100)
    await fleet.until_row("final", "d")
    assert ticks(fleet, "d")[0]["board:sums/sum"] == {"conflict": {"expected": 0, "found": 1}}
    assert fleet.value("sums", "sum") == 100


async def test_a_subscriber_hears_of_changes(fleet):
    """The topic of a board is a topic."""
    await fleet.agent("ear", on=["topic:board.sums"], since="all")
    await fleet.agent("a", "adder", most=3)
    await fleet.until_count("ear", 3)


async def test_a_board_is_there_after_a_restart(fleet):
    """Its values and versions; the next change follows."""
    await put(fleet, "p", "a", 1)
    await put(fleet, "p", "b", 2)
    await fleet.do(q.board_delete, "p", "b", "ann")
    await fleet.stop()
    await fleet.start()
    assert (await put(fleet, "p", "a", 5, expect=1))["applied_seq"] == 4
    assert (await put(fleet, "p", "b", 5, expect=0))["applied_seq"] == 5
