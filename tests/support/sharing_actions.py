"""A plan that adds to what all remember, in each of its turns. A module of REINS_PLANS."""

import asyncio
import random

from reins.mind import mind_in
from reins.plans import Actions, Task, loop_while, parallel, retry, sequence

TURNS = 6
actions = Actions()


@actions.action
async def add(state, ctx):
    """Adds one, where nobody else was first."""
    mind = mind_in(ctx)
    found = mind.recall_all("sum", scope="shared").get("sum", {"n": 0})
    await asyncio.sleep(random.uniform(0, 0.01))
    count = found["n"] + 1
    mind.do("remember", key="sum", value={"n": count}, scope="shared", expect=found["n"])
    return state


@actions.action
async def turn(state):
    return {**state, "turns": state["turns"] + 1}


actions.function("more", lambda state: state["turns"] < TURNS)
actions.function("first", lambda state, _outputs: state)
actions.plan(
    "sharing",
    loop_while(
        "more",
        sequence(
            parallel(
                retry(Task("add"), attempts=500, delay_s=0.001),
                Task("remember", {"key": "last", "from": "turns", "scope": "shared"}),
                Task("remember", {"key": "own", "from": "turns", "scope": "agent"}),
                combiner="first",
            ),
            Task("turn"),
        ),
    ),
)
