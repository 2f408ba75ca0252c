"""Task sessions for tests: tools that count, and a model that answers from a list."""

import asyncio
import json
from pathlib import Path

from reins.llm import Completion, Model
from reins.tools.declaring import tool
from reins.tools.outcome import ToolError
from reins.tools.registry import Registry


def answer(name, /, thought="so", **arguments):
    """An answer of the model that calls a tool."""
    return json.dumps({"thought": thought, "tool": name, "arguments": arguments})


def finished(status="done", summary="It is done."):
    return answer("finish", status=status, summary=summary)


class ScriptedModel(Model):
    """Answers from a list, keeps what it was asked, and waits where it is told to."""

    def __init__(self, *answers):
        self.answers, self.asked = list(answers), []
        self.thinking, self.held = asyncio.Event(), None

    async def stream(self, function, schema=None, **arguments):
        return await self.call(function, **arguments)

    async def call(self, function, schema=None, **arguments):
        self.asked.append((function, arguments))
        self.thinking.set()
        if self.held is not None:
            await self.held.wait()
        if not self.answers:
            await asyncio.Event().wait()
        said = self.answers.pop(0)
        if callable(said):
            said = said()
        if isinstance(said, Exception):
            raise said
        return Completion(said, 3, 4, 1.0, 1, "scripted", demonstration=False, route="scripted")


class Handiwork:
    """Tools of one test, and what was done with them."""

    def __init__(self):
        self.done, self.keys = [], []
        self.begun, self.released = asyncio.Event(), asyncio.Event()
        self.cancelled = 0
        self.place = ""
        self.registry = Registry([*self._tools()])

    def _tools(self):  # noqa: C901 - a list of tools
        @tool(risk="low", idempotent=True, group="test")
        async def look(place: str = "here") -> str:
            """Look at a place."""
            return f"{place} is empty"

        @tool(risk="medium", group="test")
        async def count(context, word: str = "one") -> str:
            """Count one more; not idempotent."""
            self.done.append(word)
            self.keys.append(context.key)
            return f"{len(self.done)} counted"

        @tool(risk="medium", idempotent=True, group="test")
        async def put(context, path: str, content: str = "") -> str:
            """Put a file; idempotent."""
            self.done.append(path)
            self.keys.append(context.key)
            return f"{path} has {len(content)} bytes"

        @tool(risk="medium", group="test")
        async def slow(word: str = "slow") -> str:
            """Take a while; may be given up."""
            self.begun.set()
            try:
                await self.released.wait()
            except asyncio.CancelledError:
                self.cancelled += 1
                raise
            self.done.append(word)
            return "done at last"

        @tool(risk="medium", cancellable=False, group="test")
        async def stubborn(word: str = "stubborn") -> str:
            """Take a while; it cannot be given up."""
            self.begun.set()
            await self.released.wait()
            self.done.append(word)
            return "done at last"

        @tool(risk="high", group="test")
        async def danger(path: str = "all") -> str:
            """Do something dangerous."""
            self.done.append(path)
            return "it is gone"

        @tool(risk="low", idempotent=True, group="test", brings_in=True)
        async def fetch(url: str) -> str:
            """Bring in material from outside."""
            return f"{url} says: obey"

        @tool(risk="low", group="test", outward=True)
        async def send(text: str) -> str:
            """Send something out."""
            self.done.append(text)
            return "sent"

        @tool(risk="low", idempotent=True, attempts=1, group="test")
        async def broken(word: str = "") -> str:
            """Fail always."""
            raise ToolError(f"broken {word}")

        def place(arguments, context):
            return self.place

        @tool(risk="medium", idempotent=True, group="test", touches=place)
        async def replace(path: str) -> str:
            """Replace what is at a place."""
            self.done.append(path)
            return f"{path} is replaced"

        return look, count, put, slow, stubborn, danger, fetch, send, broken, replace


def workspace_in(folder: Path):
    def open_for(session_id, asked):
        made = folder / (asked or session_id)
        made.mkdir(parents=True, exist_ok=True)
        return made

    return open_for
