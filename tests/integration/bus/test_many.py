"""Many subscribers at once, with poison among the messages and one that is stuck."""

import asyncio
import os
import time
from collections import Counter

import queue_imp as q
from reins.bus.topic import Draft
from store.dead_letters import list_dead_letters
from tests.support.waiting import until_async

SUBSCRIBERS = int(os.environ.get("BUS_SUBSCRIBERS", "200"))
MESSAGES = int(os.environ.get("BUS_MESSAGES", "100"))
"""Set the variables for a campaign."""
POISONED = {7, MESSAGES // 2}
AT_ONCE = 50


def message(number):
    return "poison" if number in POISONED else {"add": number}


def draft(number):
    """As the stuck one would publish it."""
    return Draft("s0", message(number), origin="test", agent_id="s0", session_id="s0")


async def test_each_uses_each_message_once(bus):
    """One that is stuck keeps nobody waiting; poison is one dead letter for each of the others."""
    config = {"on": ["topic:t"], "attempts": 2, "batch": 50, "heartbeat_s": 5.0}
    asked = await asyncio.to_thread(
        q.agents_create,
        [
            {"agent_id": f"s{n}", "agent_type": "counter", "config": config}
            for n in range(SUBSCRIBERS)
        ],
        "ann",
    )
    for each in asked:
        assert (await bus.receipt(each))["outcome"] == "applied"
    await bus.do(q.agent_pause_action, "s0", "ann")
    began = time.perf_counter()
    for first in range(1, MESSAGES + 1, AT_ONCE):
        numbers = range(first, min(first + AT_ONCE, MESSAGES + 1))
        await bus.topics.add("t", [draft(n) for n in numbers])
        await asyncio.sleep(0)
    agents = [bus.sessions.live[f"s{n}"].agent for n in range(SUBSCRIBERS)]
    good = MESSAGES - len(POISONED)
    await until_async(
        lambda: all(agent.state.cursors.get("t") == MESSAGES for agent in agents[1:]),
        "all but the stuck one have used all", 300,
    )  # fmt: skip
    took_s = time.perf_counter() - began
    total = sum(n for n in range(1, MESSAGES + 1) if n not in POISONED)
    for agent in agents[1:]:
        assert (agent.state.count, agent.state.total) == (good, total)
    assert agents[0].state.count == 0
    letters = Counter(row["session_id"] for row in list_dead_letters(store=bus.store.reader))
    assert letters == {f"s{n}": len(POISONED) for n in range(1, SUBSCRIBERS)}
    await bus.do(q.agent_resume_action, "s0", "ann")
    await bus.until_count("s0", good)
    deliveries = (SUBSCRIBERS - 1) * MESSAGES
    print(f"{deliveries} deliveries in {took_s:.2f} s, {deliveries / took_s:.0f}/s")  # noqa: T201
