"""Actions of a test's plans: one that waits for a file, one that takes its time, one that fails."""

import asyncio
import time
from pathlib import Path

from reins.plans import Actions, Task, sequence
from tests.support.waiting import until_async

actions = Actions()
actions.function("short", lambda state: state.get("count", 0) < state["most"])
actions.function("second", lambda _state: 1)


@actions.action
async def until_there(state, ctx):
    """Wait until the file `path` is there."""
    await until_async(Path(ctx.args["path"]).exists, "the file", 3_600)
    return state


@actions.action
async def take(state, ctx):
    """Take `s` seconds, say so, and put `value` `to` the state."""
    await asyncio.sleep(ctx.args.get("s", 0.0))
    ctx.say(f"{ctx.args['to']} is there")
    ctx.spend(tokens=20, cost_usd=0.001)
    return {**state, ctx.args["to"]: True}


@actions.action
async def count(state, ctx):
    """Add one to `count`."""
    return {**state, "count": state.get("count", 0) + 1}


@actions.action
async def fail(state, ctx):
    """Fail in the first attempt."""
    if ctx.attempt < 2:
        raise ConnectionError("nobody answers")
    return state


@actions.action
def block(state, ctx):
    """Wait in a thread until it is cancelled, and a while longer."""
    ctx.stop.wait(20)
    time.sleep(0.3)
    return state


@actions.action
async def think(state, ctx):
    """A plan of two steps, which takes its place."""
    return sequence(take_("idea"), take_("doubt"))


def take_(to: str, s: float = 0.0) -> Task:
    return Task("take", {"to": to, "s": s})


def until_(path: Path) -> Task:
    return Task("until_there", {"path": str(path)})


actions.plan("own", Task("take", {"to": "own"}))
