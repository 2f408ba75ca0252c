"""`find_tool`: where a session has more tools than its model can be told of at once."""

import re
from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from agents_impl.task.window import MAX_TOOLS, tool_line
from reins.tools.declaring import tool
from reins.tools.tool import Tool

NAME = "find_tool"
_MOST = 10
_WORD = re.compile(r"[^\W_]{2,}")


def with_finder(tools: Mapping[str, Tool], own: Mapping[str, Tool]) -> dict[str, Tool]:
    """All tools; where they are too many to be told of, `find_tool` and the agent's own first."""
    every = {**tools, **own}
    if len(every) <= MAX_TOOLS:
        return every
    return {NAME: _finder(tools), **own, **tools}


def found(words: str, tools: Mapping[str, Tool]) -> list[Tool]:
    """The tools that fit best: a word in the name counts three times one in the description."""
    wanted = [*map(_stem, _WORD.findall(words.casefold()))]
    scores: dict[str, int] = {}
    for name, each in tools.items():
        named, said = name.casefold(), each.description.casefold()
        score = sum(3 * (word in named) + (word in said) for word in wanted)
        if score:
            scores[name] = score
    best = sorted(scores, key=lambda name: (-scores[name], name))
    return [tools[name] for name in best[:_MOST]]


def _finder(tools: Mapping[str, Tool]) -> Tool:
    @tool(name=NAME, risk="low", idempotent=True, group="task")
    async def find_tool(
        words: Annotated[str, Field(min_length=2, max_length=200, description="what it is to do")],
    ) -> str:
        """Find tools by words of what they do; gives their arguments. Then call one by its name."""
        lines = [*map(tool_line, found(words, tools))]
        return "\n".join(lines) or f"no tool of {len(tools)} fits {words!r}; try other words"

    return find_tool


def _stem(word: str) -> str:
    """The word without an ending: `files` finds `file`."""
    return word[:-1] if word.endswith("s") and len(word) > 3 else word  # noqa: PLR2004 - as `bus`
