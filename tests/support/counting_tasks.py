"""A task that counts without a model: appends a line, puts a line, and so on. A module of types."""

from collections.abc import Mapping
from typing import Any

from agents_impl.task.agent import TaskAgent
from agents_impl.task.history import History
from agents_impl.task.prompting import Thought
from agents_impl.task.reading import Decided
from agents_impl.task.window import Window, window
from reins.tools.tool import Tool


class CountingTask(TaskAgent):
    """Thought n decides on a call that bears its number; what became of others is left so."""

    agent_type = "counting"

    async def _think(self, history: History, tools: Mapping[str, Tool]) -> Thought:
        n = self.state.thoughts
        made: Window = window(self.state, history, tools, self.config.context_tokens, 3.0)
        name, path = ("append_line", "lines") if n % 2 == 0 else ("put_line", "last")
        arguments: dict[str, Any] = {"path": path, "line": str(n)}
        return Thought(Decided(f"number {n}", name, arguments), made, "none", False, False)  # noqa: FBT003 - the fields' order
