"""LangGraph: CPU of a node that does nothing, in a chain of nodes and side by side, in memory."""

import time
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any, TypedDict

from langgraph.graph import END, START, StateGraph


def _newest(_old: int, new: int) -> int:
    return new


class Kept(TypedDict):
    turns: Annotated[int, _newest]


async def _nothing(_kept: Kept) -> dict[str, Any]:
    return {}


async def run(_data: Path, *, nodes: int, width: int) -> dict[str, Any]:
    """Microseconds of CPU a node, of the second of two runs."""
    chain = StateGraph(Kept)
    chain.add_node("turn", lambda kept: {"turns": kept["turns"] + 1})
    chain.add_edge(START, "turn")
    chain.add_conditional_edges("turn", lambda kept: "turn" if kept["turns"] < nodes else END)
    fan = StateGraph(Kept)
    fan.add_node("turn", lambda kept: {"turns": kept["turns"] + 1})
    fan.add_edge(START, "turn")
    names = [f"n{number}" for number in range(width)]
    for name in names:
        fan.add_node(name, _nothing)
        fan.add_edge("turn", name)
    fan.add_node("join", _nothing)
    fan.add_edge(names, "join")
    turns = nodes // width
    fan.add_conditional_edges("join", lambda kept: "turn" if kept["turns"] < turns else END)
    return {
        "name": f"LangGraph {version('langgraph')}",
        "sequence_us": await _us(chain.compile(), nodes, nodes),
        "parallel_us": await _us(fan.compile(), 2 * turns, turns * (width + 2)),
    }


async def _us(graph: Any, steps: int, nodes: int) -> float:
    took = 0.0
    for _ in range(2):
        began = time.process_time()
        await graph.ainvoke({"turns": 0}, {"recursion_limit": 2 * steps + 10})
        took = time.process_time() - began
    return round(took / nodes * 1e6, 2)
