"""Random plans whose end is known: seeded, and run undisturbed by `run_plan` to tell it.

A module of REINS_PLANS, too: its actions note when they begin, and take a moment.
"""

import asyncio
import random
import time
from dataclasses import dataclass, field
from typing import Any

from reins.plans import (
    Task,
    best_of,
    budget,
    choose,
    compile_plan,
    focus,
    loop_while,
    parallel,
    race,
    retry,
    run_plan,
    sequence,
    timeout,
)
from reins.plans.actions import Actions
from reins.plans.nodes import Node
from tests.support.plan_actions import note

TURNS = 3
"""Of each loop."""
WIDE = 3
_LEAF = 0.3
Made = tuple[Node, dict[str, Any]]


@dataclass
class Plans:
    """Makes plans of which each task changes a key of its own: no order of ends has a say in them.

    `many` bounds the tasks of a plan; those of loops are done more often. Each kind of node is in
    it; a race has one branch that ends.
    """

    chance: random.Random
    many: int = 8
    _left: int = 0
    _number: int = field(default=0)

    def plan(self) -> Made:
        """A plan, and the state that it begins with."""
        self._left, self._number = self.many, 0
        return self._node(5)

    def _name(self, kind: str) -> str:
        self._number += 1
        return f"{kind}{self._number}"

    def _node(self, levels: int) -> Made:
        if levels <= 0 or self._left <= 1 or self.chance.random() < _LEAF * (levels < 5):
            return self._task()
        kinds = (self._sequence, self._parallel, self._parallel, self._race, self._best)
        others = (self._loop, self._choose, self._focus, self._bounded, self._retry)
        return self.chance.choice(kinds + others)(levels - 1)

    def _task(self) -> Made:
        self._left -= 1
        name = self._name("k")
        action = self.chance.choice(
            ("adds", "adds", "adds", "adds_in_thread", "fails_first", "grows")
        )
        task = Task(action, {"key": name})
        return (retry(task, attempts=3) if action == "fails_first" else task), {name: 0}

    def _several(self, levels: int) -> tuple[list[Node], dict[str, Any]]:
        made = [self._node(levels) for _ in range(self.chance.randint(1, WIDE))]
        return [node for node, _ in made], _merged(made)

    def _sequence(self, levels: int) -> Made:
        items, state = self._several(levels)
        return sequence(*items), state

    def _parallel(self, levels: int) -> Made:
        items, state = self._several(levels)
        return parallel(*items, on_error=self.chance.choice((None, "wait"))), state

    def _race(self, levels: int) -> Made:
        node, state = self._node(levels)
        items = [node, *[Task("never_ends")] * self.chance.randint(1, 2)]
        self.chance.shuffle(items)
        return race(*items), state

    def _best(self, levels: int) -> Made:
        items, state = self._several(levels)
        return best_of(*items, evaluator="sum"), state

    def _loop(self, levels: int) -> Made:
        node, state = self._node(levels)
        turn = sequence(Task("adds", {"key": "turns"}), node)
        return self._focused(loop_while("few", turn), {"turns": 0, **state})

    def _choose(self, levels: int) -> Made:
        items, state = self._several(levels)
        return choose(*items, selector=f"one_of_{len(items)}"), state

    def _focus(self, levels: int) -> Made:
        return self._focused(*self._node(levels))

    def _focused(self, node: Node, state: dict[str, Any]) -> Made:
        name = self._name("part")
        return focus(name, node), {name: state}

    def _bounded(self, levels: int) -> Made:
        node, state = self._node(levels)
        return self.chance.choice((timeout(node, 3_600.0), budget(node, tasks=10_000))), state

    def _retry(self, levels: int) -> Made:
        node, state = self._node(levels)
        return retry(node, attempts=2, delay_s=0.01), state


def _merged(made: list[Made]) -> dict[str, Any]:
    return {key: value for _, state in made for key, value in state.items()}


def register(actions: Actions) -> None:
    """The functions that these plans name."""
    actions.function("few", lambda state: state["turns"] < TURNS)
    actions.function("sum", lambda state: sum(_numbers(state)))
    for many in range(1, WIDE + 1):
        actions.function(f"one_of_{many}", lambda state, of=many: sum(_numbers(state)) % of)


def _numbers(state: Any) -> list[int]:
    if isinstance(state, dict):
        return [found for key in sorted(state) for found in _numbers(state[key])]
    return [state] if isinstance(state, int) else []


def added(state: dict[str, Any], name: str) -> dict[str, Any]:
    """One more at this key."""
    return {**state, name: state[name] + 1}


def grown(name: str) -> Node:
    """The plan that `grows` puts in its place."""
    more = [Task("adds", {"key": name}), Task("adds_in_thread", {"key": name})]
    return sequence(more[0], race(more[1], Task("never_ends")))


def undisturbed(plan: Node, state: dict[str, Any]) -> tuple[Any, dict[str, str]]:
    """The state that the plan leaves, and each path that ends in it with its outcome."""
    ends: dict[str, str] = {}
    run = run_plan(compile_plan(_quick(ends), plan), state)
    return run.state, ends


def _quick(ends: dict[str, str]) -> Actions:
    """The same actions, without the time that they take; each notes its end."""
    actions = Actions()
    register(actions)

    async def adds(state, ctx):
        ends[ctx.path] = "done"
        return added(state, ctx.args["key"])

    async def fails_first(state, ctx):
        ends[ctx.path] = "failed" if ctx.attempt == 1 else "done"
        if ctx.attempt == 1:
            raise ConnectionError("not at first")
        return added(state, ctx.args["key"])

    async def grows(state, ctx):
        ends[ctx.path] = "replaced"
        return grown(ctx.args["key"])

    async def never_ends(_state):
        await asyncio.Event().wait()

    for function in (adds, fails_first, grows, never_ends):
        actions.action(function)
    actions.register("adds_in_thread", adds)
    return actions


actions = Actions()
register(actions)


@actions.action
async def adds(state, ctx):
    note(f"began {ctx.key}")
    await asyncio.sleep(random.uniform(0, 0.03))
    return added(state, ctx.args["key"])


@actions.action
def adds_in_thread(state, ctx):
    note(f"began {ctx.key}")
    time.sleep(random.uniform(0, 0.01))
    return added(state, ctx.args["key"])


@actions.action
async def fails_first(state, ctx):
    note(f"began {ctx.key}")
    if ctx.attempt == 1:
        raise ConnectionError("not at first")
    return added(state, ctx.args["key"])


@actions.action
async def grows(_state, ctx):
    note(f"began {ctx.key}")
    return grown(ctx.args["key"])


@actions.action
async def never_ends(_state, ctx):
    note(f"began {ctx.key}")
    await asyncio.Event().wait()
