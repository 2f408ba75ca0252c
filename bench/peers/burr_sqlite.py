"""Burr: an application a session, its state saved after each action."""

import asyncio
from importlib.metadata import version
from pathlib import Path
from typing import Any

from burr.core import Application, ApplicationBuilder, State, action
from burr.integrations.persisters.b_aiosqlite import AsyncSQLitePersister

from bench import work
from bench.peers.window import counted, on_disk

NAME = f"Burr {version('apache-burr')}, AsyncSQLitePersister"
DURABILITY = "the state is saved after each action; journal_mode WAL, set by us, FULL by default"


@action(reads=["session", "kept"], writes=["text", "kept"])
async def tick(state: State) -> State:
    """One tick, whose state is another's each time."""
    number = state["kept"]["ticks"] + 1
    said = work.text(number, state["session"])
    return state.update(text=said, kept=work.state(number, said, state["kept"]["notes"]))


async def run(data: Path, *, sessions: int, seconds: float) -> dict[str, Any]:
    """Actions of `sessions` applications on one loop, over one connection."""
    done = [0] * sessions
    persister = await AsyncSQLitePersister.from_values(str(data / "burr.sqlite"), "states")
    await persister.connection.execute("PRAGMA journal_mode = WAL")
    await persister.initialize()

    async def lives(session: int) -> None:
        app = await _application(persister, session)
        while True:
            await app.astep()
            done[session] += 1

    tasks = [asyncio.create_task(lives(session)) for session in range(sessions)]
    figures = await counted(lambda: sum(done), seconds)
    for task in tasks:
        task.cancel()
    failed = [
        each for each in await asyncio.gather(*tasks, return_exceptions=True)
        if not isinstance(each, asyncio.CancelledError)
    ]  # fmt: skip
    if failed:
        raise RuntimeError(f"{len(failed)} applications ended: {failed[0]!r}")
    await persister.cleanup()
    return {"name": NAME, "durability": DURABILITY, **figures, **on_disk(data, sum(done))}


async def _application(persister: AsyncSQLitePersister, session: int) -> Application[Any]:
    first = {"session": session, "text": "", "kept": work.state(0, "", work.notes(session))}
    builder = ApplicationBuilder().with_actions(tick).with_transitions(("tick", "tick"))
    builder = builder.with_entrypoint("tick").with_state(**first)
    builder = builder.with_identifiers(app_id=str(session), partition_key="bench")
    return await builder.with_state_persister(persister).abuild()
