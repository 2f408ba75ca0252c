"""Actions of plans whose side effects are lines of a file. A module of REINS_PLANS."""

import asyncio
import os
import random
import time

from reins.plans import Actions, Task, loop_while, parallel, race, retry, sequence
from store.times import now_us

TURNS = 12
"""Of each plan."""
actions = Actions()


def note(line: str) -> None:
    """The line and its time, in one write: lines of several processes do not mix."""
    with open(os.environ["PLAN_LOG"], "ab", buffering=0) as log:  # noqa: PTH123
        log.write(f"{line} {now_us()}\n".encode())


@actions.action
async def count(state, ctx):
    """Adds one to its part of the state, after a moment."""
    note(f"began {ctx.key}")
    await asyncio.sleep(random.uniform(0, 0.05))
    name = ctx.args["name"]
    return {**state, name: state[name] + 1}


@actions.action
async def flaky(state, ctx):
    """Fails at its first attempt of each turn."""
    note(f"began {ctx.key}")
    await asyncio.sleep(0.005)
    if ctx.attempt == 1:
        raise ConnectionError("not at first")
    return {**state, "c": state["c"] + 1}


@actions.action
async def never(_state, ctx):
    note(f"began {ctx.key}")
    await asyncio.Event().wait()


@actions.action
def stuck(_state):
    """Holds its thread for an hour, whatever becomes of its plan."""
    note("stuck")
    time.sleep(3_600)


@actions.action
async def stubborn(_state, ctx):
    """Swallows whatever cancels it."""
    note("stubborn")
    while True:
        try:
            await asyncio.sleep(3_600)
        except asyncio.CancelledError:
            continue


actions.function("goes_on", lambda state: state["turns"] < TURNS)
actions.plan(
    "counting",
    loop_while(
        "goes_on",
        sequence(
            parallel(
                Task("count", {"name": "a"}),
                Task("count", {"name": "b"}),
                retry(Task("flaky"), attempts=3, delay_s=0.01),
            ),
            race(Task("never"), Task("count", {"name": "turns"})),
        ),
    ),
)
