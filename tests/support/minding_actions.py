"""A plan that remembers and believes in each of its turns. A module of REINS_PLANS."""

import asyncio
import random

from reins.mind import mind_in
from reins.plans import Actions, Task, loop_while, parallel, retry, sequence

TURNS = 8
EVIDENCE, VERSIONS = 3 * TURNS, 2 * TURNS
"""Rows that a plan leaves, however often it is killed."""
actions = Actions()


@actions.action
async def watch(state, ctx):
    """Believes two things, waits, and has its end."""
    mind = mind_in(ctx)
    mind.do("believe", claim="alive", source="watch", text=ctx.key)
    await asyncio.sleep(random.uniform(0, 0.03))
    mind.do("doubt", claim="quiet", source="watch", text=ctx.key)
    return state


@actions.action
async def unsure(state, ctx):
    """Believes, and fails at its first attempt of each turn: that counts for nothing."""
    mind_in(ctx).do("believe", claim=f"attempt {ctx.attempt}", source="unsure")
    await asyncio.sleep(0.002)
    if ctx.attempt == 1:
        raise ConnectionError("not at first")
    return state


@actions.action
async def turn(state):
    return {**state, "turns": state["turns"] + 1}


actions.function("more", lambda state: state["turns"] < TURNS)
actions.function("first", lambda state, _outputs: state)
actions.plan(
    "minding",
    loop_while(
        "more",
        sequence(
            parallel(
                Task("watch"),
                Task("remember", {"key": "turns", "from": "turns"}),
                retry(Task("unsure"), attempts=3),
                combiner="first",
            ),
            Task("recall", {"key": "turns", "to": "seen"}),
            Task("remember", {"key": "seen", "from": "seen"}),
            Task("turn"),
        ),
    ),
)
