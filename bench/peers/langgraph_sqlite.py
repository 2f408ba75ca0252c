"""LangGraph: a graph of one node that comes back to itself, a checkpoint at each step."""

import asyncio
import threading
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypedDict

from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.graph import START, StateGraph

from bench import work
from bench.peers.window import counted, on_disk

NAME = f"LangGraph {version('langgraph')}, SqliteSaver {version('langgraph-checkpoint-sqlite')}"
DURABILITY = 'durability="sync": a checkpoint is written before the next step; WAL, FULL by default'
_STEPS = 25
"""Steps of a session before the thread turns to its next one."""
_THREADS = 4


class Kept(TypedDict):
    session: int
    text: str
    state: dict[str, Any]


async def run(data: Path, *, sessions: int, seconds: float) -> dict[str, Any]:
    """Steps of `sessions` threads of LangGraph's, by up to four threads of Python's."""
    done, stop = [0] * sessions, threading.Event()

    def tick(kept: Kept) -> dict[str, Any]:
        number = kept["state"]["ticks"] + 1
        # It runs again only once the checkpoint of the step before is written.
        done[kept["session"]] = number - 1
        said = work.text(number, kept["session"])
        return {"text": said, "state": work.state(number, said, kept["state"]["notes"])}

    with SqliteSaver.from_conn_string(str(data / "langgraph.sqlite")) as saver:
        builder = StateGraph(Kept)
        builder.add_node("tick", tick)
        builder.add_edge(START, "tick")
        builder.add_conditional_edges(
            "tick", lambda kept: "tick" if kept["state"]["ticks"] % _STEPS else "__end__"
        )
        graph = builder.compile(checkpointer=saver)

        def works_on(mine: list[int]) -> None:
            begun: set[int] = set()
            while True:
                for session in mine:
                    if stop.is_set():
                        return
                    first = {"session": session, "text": "", "state": _first(session)}
                    given = {"session": session} if session in begun else first
                    begun.add(session)
                    graph.invoke(given, _config(session), durability="sync")

        threads = min(sessions, _THREADS)
        working = [
            asyncio.create_task(asyncio.to_thread(works_on, list(range(n, sessions, threads))))
            for n in range(threads)
        ]
        figures = await counted(lambda: sum(done), seconds)
        stop.set()
        await asyncio.gather(*working)
    return {"name": NAME, "durability": DURABILITY, **figures, **on_disk(data, sum(done))}


def _first(session: int) -> dict[str, Any]:
    return work.state(0, "", work.notes(session))


def _config(session: int) -> dict[str, Any]:
    return {"configurable": {"thread_id": str(session)}, "recursion_limit": 2 * _STEPS}
