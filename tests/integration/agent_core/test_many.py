"""Many sessions at once: created by one append, and at work again soon after a restart."""

import asyncio
import threading

import pytest

import queue_imp as q
from reins.threads import Threads
from store import agent_state
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


async def test_ended_sessions_that_are_asked_for_at_once_are_read_together(fleet, monkeypatch):
    """Two queries, however many ask; each gets its own session, with its end."""
    names = [f"s{number}" for number in range(40)]
    await create_many(fleet, [{"agent_id": name} for name in names], config={"heartbeat_s": 60})
    for name in names:
        await fleet.ask(q.agent_destroy_action, name, "tester", reason=f"of {name}")
    await until_async(lambda: not fleet.sessions.live, "all have ended")
    reads, read = [], agent_state.get_agent_states
    monkeypatch.setattr(
        agent_state, "get_agent_states",
        lambda ids, **given: reads.append(len(ids)) or read(ids, **given),
    )  # fmt: skip
    found = await asyncio.gather(*(fleet.sessions.find(name) for name in names))
    assert [each.session_id for each in found] == names
    assert all(each.status.over for each in found)
    assert len(reads) <= 2
    assert await fleet.sessions.recovery.read("nobody") is None


async def test_actions_do_not_wait_for_what_agents_do_in_threads(fleet):
    """The default threads of the loop are all taken for long; each act of a person takes."""
    gate, person = threading.Event(), Threads("person", 1)
    taken = [asyncio.get_running_loop().run_in_executor(None, gate.wait) for _ in range(200)]

    async def done(helper, *args, **kwargs):
        receipt = await person.call(helper, *args, **kwargs)
        return (await person.call(q.wait_for_action, receipt, 20))["outcome"]

    try:
        given = {"agent_type": "odd", "config": {"heartbeat_s": 60}}
        assert await done(q.agent_create, "a", "tester", **given) == "applied"
        for helper in (q.agent_pause_action, q.agent_resume_action, q.agent_destroy_action):
            assert await done(helper, "a", "tester") == "applied"
        assert await done(q.agent_resume_action, "a", "tester") == "rejected"
        assert await done(q.agent_create, "a", "tester", **given) == "applied", "it is read back"
    finally:
        gate.set()
        await asyncio.gather(*taken)
