"""A task that calls one tool of an MCP server, without a model, and finishes. A module of types."""

from collections.abc import Mapping

from agents_impl.task.agent import TaskAgent
from agents_impl.task.history import History
from agents_impl.task.prompting import Thought
from agents_impl.task.reading import Decided
from agents_impl.task.window import Window, window
from reins.tools.tool import Tool


class McpTask(TaskAgent):
    """Its goal is the name of the tool."""

    agent_type = "mcp_task"

    async def _think(self, history: History, tools: Mapping[str, Tool]) -> Thought:
        made: Window = window(self.state, history, tools, self.config.context_tokens, 3.0)
        name, arguments = self.state.goal, {"text": self.session.session_id}
        if self.state.thoughts:
            name, arguments = "finish", {"status": "done", "summary": "It was called."}
        decided = Decided("so", name, arguments)
        return Thought(decided, made, "none", demonstration=False, repaired=False)
