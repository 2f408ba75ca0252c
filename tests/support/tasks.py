"""The smallest loop of a task: think, call, see; with the built-in files and a plain command."""

import asyncio
import sys
from dataclasses import dataclass, field
from pathlib import Path

from agents_impl.task.history import History, Seen
from agents_impl.task.own_tools import OWN
from agents_impl.task.prompting import decide
from agents_impl.task.window import Condensed
from reins.llm import Model
from reins.tools.calling import Calls
from reins.tools.context import Context
from reins.tools.declaring import tool
from reins.tools.registry import Registry


@tool(name="run_command")
async def plain_command(context: Context, argv: list[str]) -> str:
    """Run a program in the workspace."""
    words = [sys.executable if argv[0] == "python3" else argv[0], *argv[1:]]
    process = await asyncio.create_subprocess_exec(
        *words, cwd=context.workspace, stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        env={"PATH": "/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip
    try:
        out, _ = await asyncio.wait_for(process.communicate(), 10)
    except TimeoutError:
        process.kill()
        await process.wait()
        return "[ended after 10 s, its time limit; unconfined]"
    return f"[exit code {process.returncode} after 0.1 s; unconfined]\n{out.decode()}"


TOOLS = Registry.load().select(["files", "memory"]) | OWN | {"run_command": plain_command}


@dataclass
class Words:
    text: str


@dataclass
class Task:
    """A task in a folder. `finish` and what it said are in `result` in the end."""

    goal: str
    workspace: Path | None = None
    tools: dict = field(default_factory=lambda: dict(TOOLS))
    guidance: list = field(default_factory=list)
    limit_tokens: int = 16_000
    most: int = 50
    facts: list = field(default_factory=list)
    rejections: list = field(default_factory=list)
    files_changed: list = field(default_factory=list)
    summary: Condensed = field(default_factory=Condensed)
    fits_tokens: int | None = None
    bytes_per_token: dict = field(default_factory=dict)
    calls: list = field(default_factory=list)
    result: dict | None = None
    memory: dict = field(default_factory=dict)
    answers: dict = field(default_factory=dict)
    """What a call gives instead of being made, by the tool's name."""

    async def run(self, model: Model) -> dict:
        """Until it finishes, or has made too many calls."""
        history, calls = History(), Calls()
        context = Context(workspace=self.workspace, memory=self.memory)
        for seq in range(1, self.most + 1):
            thought = await decide(model, self, history, self.tools, self.limit_tokens)
            assert not thought.repaired, "the offline model keeps to the format"
            decided = thought.decided
            self.calls.append(decided)
            if decided.tool == "finish":
                self.result = decided.arguments
                return self.result
            text = self.answers.get(decided.tool)
            ok = text is not None and not text.startswith("error")
            if text is None:
                outcome = await calls.call(self.tools[decided.tool], decided.arguments, context)
                text, ok = outcome.for_model(), outcome.ok
            call = {"tool": decided.tool, "arguments": decided.arguments}
            made = {"call": call, "outcome": {"ok": ok, "text": text}}
            history.add(Seen.of(seq, made, decided.thought))
        raise AssertionError(f"not finished: {[each.tool for each in self.calls]}")
