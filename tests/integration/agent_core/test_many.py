"""Many sessions at once: created by one append, and at work again soon after a restart."""

import asyncio

import pytest

import queue_imp as q
from tests.integration.agent_core.conftest import QUICK, Fleet
from tests.support.waiting import until_async


async def create_many(fleet, entries, **same):
    ids = await fleet.ask(
        q.agents_create, [{"agent_type": "odd", **same, **each} for each in entries], "tester"
    )
    return [await fleet.receipt(action_id) for action_id in ids]


async def test_an_entry_that_the_worker_refuses_holds_up_no_other(fleet):
    """Each entry is an action with a receipt of its own; sent again under its id it is the same."""
    config = {"heartbeat_s": 60}
    entries = [
        {"agent_id": "a", "action_id": "create a"},
        {"agent_id": "b", "agent_type": "none"},
        {"agent_id": "a", "session_id": "a2"},
    ]
    got = await create_many(fleet, entries, config=config)
    assert [each["outcome"] for each in got] == ["applied", "rejected", "applied"]
    assert "agent type is 'none'" in got[1]["error"]
    again = await create_many(fleet, [entries[0], {"agent_id": "c"}], config=config)
    assert again[0] == got[0]
    assert again[1]["outcome"] == "applied"
    assert set(fleet.sessions.live) == {"a", "a2", "c"}
    other = {"agent_id": "a", "action_id": "create a", "config": {}}
    with pytest.raises(q.ActionError, match="used before"):
        await create_many(fleet, [other, {"agent_id": "d"}])
    assert "d" not in fleet.sessions.ids


async def test_after_a_restart_all_tick_soon_and_then_not_together(data):
    """First ticks wait for no heartbeat of a minute; the second ones are spread over one."""
    slow = Fleet(data, schedule=QUICK)
    await slow.start()
    entries = [{"agent_id": f"s{number}"} for number in range(100)]
    await create_many(slow, entries, config={"heartbeat_s": 60})
    live = slow.sessions.live
    await until_async(lambda: all(each.iteration for each in live.values()))
    await slow.stop()

    again = Fleet(data, schedule=QUICK)
    await again.start("start-2")
    assert again.rebuilt == 100
    live = again.sessions.live
    await until_async(lambda: all(each.iteration == 2 for each in live.values()))
    now = asyncio.get_running_loop().time()
    waits = [each.agent.due_at - now for each in live.values()]
    assert max(waits) - min(waits) > 30
    await again.stop()
