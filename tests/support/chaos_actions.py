"""Actions that do what actions should not: at random, by a seed that is their key. For REINS_PLANS.

They fail in odd ways, are slow, swallow their cancellation, run on in threads, ask the model.
"""

import asyncio
import random
import time

from reins.plans import Actions, Err, Outcome, Task, parallel, race, retry, sequence, timeout
from tests.support.random_plans import Plans

PAID = 5
"""Tokens that `pays` spends each time."""
LATE_S = 0.3
"""So long does a task run on that does not heed its cancellation."""


class StrangeError(BaseException):
    """No `except Exception` catches it."""


class WordlessError(Exception):
    def __str__(self):
        raise RuntimeError("no words")


ERRORS = (
    ValueError("half a character \ud800"), ConnectionError("nobody answers"), StrangeError("odd"),
    asyncio.CancelledError(), StopIteration(), StopAsyncIteration(), GeneratorExit(),
    WordlessError(), SystemExit(3), KeyboardInterrupt(), TimeoutError(), RecursionError(),
    MemoryError(), ExceptionGroup("two", [ValueError("1"), OSError("2")]),
)  # fmt: skip
RETURNED = (
    None, {1, 2}, float("inf"), {"x": "\ud800"}, {5: 1}, 2**70, Err("no"), Err(WordlessError()),
    Outcome({}, spent=None), Outcome(object()), Task("nobody knows it"), object,
    Task("works"), parallel(*["works"] * 300),
)  # fmt: skip
actions = Actions()
actions.rate("few", 20)
actions.rate("fewer", 5)


def chance(ctx):
    return random.Random(f"{ctx.key} {ctx.attempt}")


def worked(state, ctx):
    name = ctx.args.get("key", "x")
    return {**state, name: state.get(name, 0) + 1}


def odd_end(state, ctx):
    """An odd end, or none that is odd."""
    drawn = chance(ctx)
    match drawn.randint(0, 3):
        case 0:
            raise drawn.choice(ERRORS)
        case 1:
            return drawn.choice(RETURNED)
    return worked(state, ctx)


@actions.action
async def works(state, ctx):
    await asyncio.sleep(chance(ctx).uniform(0, 0.03))
    ctx.say(f"{ctx.path} is done")
    return worked(state, ctx)


@actions.action
async def dawdles(state, ctx):
    await asyncio.sleep(chance(ctx).uniform(0.05, 0.3))
    return worked(state, ctx)


@actions.action
async def odd(state, ctx):
    ctx.say(object())
    await asyncio.sleep(0)
    return odd_end(state, ctx)


@actions.action
def odd_in_thread(state, ctx):
    time.sleep(chance(ctx).uniform(0, 0.01))
    return odd_end(state, ctx)


@actions.action
async def tidies(state, ctx):
    """Takes its time to end when it is cancelled."""
    try:
        await asyncio.sleep(chance(ctx).uniform(0.05, 0.3))
    except asyncio.CancelledError:
        await asyncio.sleep(LATE_S / 6)
        raise
    return worked(state, ctx)


@actions.action
async def asks(state, ctx):
    await ctx.ask(f"{ctx.path}: what now?")
    return worked(state, ctx)


@actions.action
async def pays(state, ctx):
    await asyncio.sleep(0)
    ctx.spend(tokens=PAID)
    return worked(state, ctx)


@actions.action(limit="few")
async def held_back(state, ctx):
    return worked(state, ctx)


@actions.action(limit="fewer")
async def five_a_second(state):
    return state


@actions.action
async def never(_state):
    await asyncio.Event().wait()


@actions.action
async def swallows(state):
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        await asyncio.sleep(LATE_S)
    return state


@actions.action
def runs_on(state, ctx):
    ctx.stop.wait(30)
    time.sleep(LATE_S / 2)
    return state


class Wild(Plans):
    """Plans of these, with races that somebody wins and times that are over."""

    def plan(self):
        self._left, self._number = self.many, 0
        made = [self._parallel(3) for _ in range(3)]
        state = {key: value for _, part in made for key, value in part.items()}
        return sequence(*(node for node, _ in made)), state

    def _task(self):
        self._left -= 1
        name = self._name("k")
        kinds = ("works", "works", "dawdles", "tidies", "asks", "asks", "pays", "held_back")
        odd = self.chance.random() < 1 / 6
        action = self.chance.choice(("odd", "odd_in_thread") if odd else kinds)
        task = Task(action, {"key": name})
        return (retry(task) if action == "held_back" else task), {name: 0}

    def _race(self, levels):
        items, state = self._several(levels)
        endless = [Task(self.chance.choice(("never", "swallows", "runs_on")))]
        items += endless * self.chance.randint(0, 1)
        self.chance.shuffle(items)
        return timeout(race(*items), 0.5), state

    def _bounded(self, levels):
        node, state = self._node(levels)
        return timeout(node, self.chance.uniform(0.05, 0.5)), state

    def _retry(self, levels):
        node, state = self._node(levels)
        return retry(node, attempts=3, delay_s=self.chance.choice((0.0, 0.02))), state

    def _parallel(self, levels):
        items, state = self._several(levels)
        return parallel(*items, on_error=self.chance.choice((None, "wait", "ignore"))), state
