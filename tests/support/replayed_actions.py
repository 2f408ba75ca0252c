"""Actions of a plan that is done again: they ask a model, wait, fail and heed guidance."""

import asyncio

from reins.plans import Actions, Task, choose, parallel, race, retry, sequence, timeout

actions = Actions()
GATES: dict[str, asyncio.Event] = {}


@actions.action
async def told(state, ctx):
    """Asks the same whoever asks, so that only the asker tells the answers apart."""
    await asyncio.sleep(ctx.args.get("s", 0.0))
    name = ctx.args["name"]
    answer = await ctx.ask(ctx.args.get("prompt", "What do you say?"))
    ctx.say(f"{name} was told {answer}")
    return {**state, name: answer}


@actions.action
async def heed(state, ctx):
    """Keeps the guidance that it has; waits for its gate first, if it has one."""
    if (gate := GATES.get(ctx.args["name"])) is not None:
        await gate.wait()
    return {**state, ctx.args["name"]: [*ctx.guidance]}


@actions.action
async def late(state, ctx):
    """Asks, and never ends."""
    await ctx.ask("Are you there?")
    GATES[ctx.args["name"]].set()
    await asyncio.Event().wait()
    return state


@actions.action
async def asks_first(state, ctx):
    """Asks, and ends when its gate is open: rows are written in between."""
    name = ctx.args["name"]
    answer = await ctx.ask("What do you say?")
    GATES[f"{name} asked"].set()
    await GATES[name].wait()
    return {**state, name: answer}


@actions.action
def flaky(state, ctx):
    """In a thread; fails at its first attempt."""
    if ctx.attempt == 1:
        raise ConnectionError("not at first")
    return {**state, "flaky": ctx.attempt}


def _heed(name):
    return Task("heed", {"name": name})


actions.function("first", lambda _state: 0)
actions.plan(
    "everything",
    sequence(
        parallel(
            Task("told", {"name": "a", "s": 0.05}),
            Task("told", {"name": "b"}),
            timeout(retry("flaky", attempts=2, delay_s=0.02), 20),
        ),
        race(Task("late", {"name": "wins"}), _heed("wins")),
        choose(_heed("slow"), _heed("quick"), selector="first"),
        parallel(_heed("x"), _heed("y")),
        _heed("last"),
    ),
)
actions.plan(
    "between",
    parallel(
        Task("asks_first", {"name": "long"}),
        sequence(_heed("short"), _heed("shorter")),
    ),
)
actions.plan("fails", sequence(Task("told", {"name": "a"}), Task("put", {"to": "x"})))
