"""pydantic-graph: CPU of a step that does nothing, in a chain and side by side, in memory.

Side by side it is a broadcast to `width` steps and a join that waits for them. Ways that lead back
are a decision's. Nothing is durable: its graphs of this kind keep no state outside of the process.
"""

import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pydantic_graph import Graph, GraphBuilder, ReducerContext, StepContext


@dataclass
class Kept:
    """The state that all steps share."""

    turns: int = 0


async def run(_data: Path, *, nodes: int, width: int) -> dict[str, Any]:
    """Microseconds of CPU a node, of the second of two runs."""
    turns = nodes // width
    return {
        "name": f"pydantic-graph {version('pydantic-graph')}",
        "sequence_us": await _us(_chain(nodes), nodes),
        "parallel_us": await _us(_fan(turns, width), turns * (width + 2)),
    }


async def _turn(ctx: StepContext[Kept, None, Any]) -> int:
    ctx.state.turns += 1
    return ctx.state.turns


async def _nothing(_ctx: StepContext[Kept, None, int]) -> None:
    return None


def _joined(ctx: ReducerContext[Kept, None], _before: int, _branch: None) -> int:
    return ctx.state.turns


def _chain(nodes: int) -> Graph[Kept, None, None, Any]:
    """A step that comes back to itself, as LangGraph's does."""
    builder = GraphBuilder(state_type=Kept, output_type=int)
    turn = builder.step(_turn, node_id="turn")
    again = builder.decision()
    again = again.branch(builder.match(int, matches=lambda done: done < nodes).to(turn))
    again = again.branch(builder.match(int).to(builder.end_node))
    builder.add(
        builder.edge_from(builder.start_node).to(turn),
        builder.edge_from(turn).to(again),
    )
    return builder.build()


def _fan(turns: int, width: int) -> Graph[Kept, None, None, Any]:
    """A step, `width` steps side by side, and a join, which counts as a node, again and again."""
    builder = GraphBuilder(state_type=Kept, output_type=int)
    turn = builder.step(_turn, node_id="turn")
    branches = [builder.step(_nothing, node_id=f"n{number}") for number in range(width)]
    joined = builder.join(_joined, initial=0)
    again = builder.decision()
    again = again.branch(builder.match(int, matches=lambda done: done < turns).to(turn))
    again = again.branch(builder.match(int).to(builder.end_node))
    builder.add(
        builder.edge_from(builder.start_node).to(turn),
        builder.edge_from(turn).to(*branches),
        builder.edge_from(*branches).to(joined),
        builder.edge_from(joined).to(again),
    )
    return builder.build()


async def _us(graph: Any, nodes: int) -> float:
    took = 0.0
    for _ in range(2):
        began = time.process_time()
        await graph.run(state=Kept())
        took = time.process_time() - began
    return round(took / nodes * 1e6, 2)
