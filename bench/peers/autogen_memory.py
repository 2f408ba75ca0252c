"""AutoGen-core: an agent a session, which sends itself a message for its next tick."""

import asyncio
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from autogen_core import AgentId, MessageContext, RoutedAgent, SingleThreadedAgentRuntime
from autogen_core import message_handler as handles

from bench import work
from bench.peers.window import counted

NAME = f"AutoGen-core {version('autogen-core')}"
DURABILITY = "none: nothing is written; state and messages are lost with the process"
_done: dict[str, int] = {}


@dataclass
class Tick:
    """The message that brings the next tick."""

    number: int


class Session(RoutedAgent):
    """Its state in memory, one tick a message."""

    def __init__(self) -> None:
        super().__init__("bench")
        self.text = ""
        self.state = work.state(0, "", work.notes(int(self.id.key)))

    @handles
    async def on_tick(self, message: Tick, ctx: MessageContext) -> None:
        del ctx
        self.text = work.text(message.number, int(self.id.key))
        self.state = work.state(message.number, self.text, self.state["notes"])
        _done[self.id.key] = message.number
        # Not awaited: a message to itself is handled when this one is done.
        self.next = asyncio.ensure_future(self.send_message(Tick(message.number + 1), self.id))


async def run(data: Path, *, sessions: int, seconds: float) -> dict[str, Any]:
    """Messages of `sessions` agents on one loop."""
    del data
    runtime = SingleThreadedAgentRuntime()
    await Session.register(runtime, "session", Session)
    runtime.start()
    begun = [
        asyncio.ensure_future(runtime.send_message(Tick(1), AgentId("session", str(session))))
        for session in range(sessions)
    ]
    figures = await counted(lambda: sum(_done.values()), seconds)
    del begun
    return {"name": NAME, "durability": DURABILITY, **figures, "disk_bytes_per_tick": 0}
