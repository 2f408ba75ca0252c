"""Burr: CPU of an action that does nothing, in a chain and side by side, in memory.

Side by side it is `MapStates`, its way of doing so: it makes an application of its own for each
branch in each turn, and the figure has that in it. An application takes one action at a time
otherwise.
"""

import time
from collections.abc import AsyncGenerator
from importlib.metadata import version
from pathlib import Path
from typing import Any

from burr.core import Application, ApplicationBuilder, ApplicationContext, Condition, State, action
from burr.core.parallelism import MapStates, SubgraphType


@action(reads=["turns"], writes=["turns"])
async def turn(state: State) -> State:
    return state.update(turns=state["turns"] + 1)


@action(reads=[], writes=[])
async def nothing(state: State) -> State:
    return state


@action(reads=[], writes=[])
async def over(state: State) -> State:
    return state


class Branches(MapStates):
    """As many branches as the state says, each of one action."""

    def action(self, state: State, inputs: dict[str, Any]) -> SubgraphType:
        del state, inputs
        return nothing

    async def states(
        self, state: State, context: ApplicationContext, inputs: dict[str, Any]
    ) -> AsyncGenerator[State, None]:
        del context, inputs
        for _ in range(state["width"]):
            yield state

    async def reduce(self, state: State, states: AsyncGenerator[State, None]) -> State:
        async for _ in states:
            pass
        return state

    def is_async(self) -> bool:
        return True

    @property
    def reads(self) -> list[str]:
        return ["width"]

    @property
    def writes(self) -> list[str]:
        return []


async def run(_data: Path, *, nodes: int, width: int) -> dict[str, Any]:
    """Microseconds of CPU a node, of the second of two runs."""
    turns = nodes // width
    return {
        "name": f"Burr {version('apache-burr')}",
        "sequence_us": await _us(lambda: _chain(nodes), nodes),
        "parallel_us": await _us(lambda: _fan(turns, width), turns * (width + 2)),
    }


def _chain(nodes: int) -> Application[Any]:
    """An action that comes back to itself, as LangGraph's node does."""
    goes_on = Condition.expr(f"turns < {nodes}")
    builder = ApplicationBuilder().with_actions(turn, over).with_entrypoint("turn")
    builder = builder.with_transitions(("turn", "turn", goes_on), ("turn", "over"))
    return builder.with_state(turns=0).build()


def _fan(turns: int, width: int) -> Application[Any]:
    """An action and its branches, again and again; their join counts as a node."""
    goes_on = Condition.expr(f"turns < {turns}")
    builder = ApplicationBuilder().with_actions(turn, over, branches=Branches())
    builder = builder.with_transitions(
        ("turn", "branches"), ("branches", "turn", goes_on), ("branches", "over")
    ).with_entrypoint("turn")
    return builder.with_state(turns=0, width=width).build()


async def _us(made: Any, nodes: int) -> float:
    took = 0.0
    for _ in range(2):
        application = made()
        began = time.process_time()
        await application.arun(halt_after=["over"])
        took = time.process_time() - began
    return round(took / nodes * 1e6, 2)
