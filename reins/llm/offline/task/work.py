"""A task as the offline model is told of it: goal, tools, the steps so far; and the next act."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

MAX_SUMMARY_CHARS = 1_900
_TOOL = re.compile(r"\w+")
_LEFT_OUT = re.compile(r"\[[\d,]+ bytes left out\]")
_REFUSED = re.compile(r"\b(reject|denied|refused|not allowed)", re.IGNORECASE)
_LEAVE = re.compile(r"(?:leave|do not|don't|never)\b[^.]*?([\w/]+\.py|\b\w+_\w+\b)", re.IGNORECASE)
_SHOWN_GUIDANCE = 3
_MARK = re.compile(r"^[ \t]*[<>]{3,}", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Step:
    """A call that was made, and what came of it."""

    tool: str
    arguments: Mapping[str, Any]
    ok: bool
    result: str

    @property
    def is_whole(self) -> bool:
        """True if its result is still there to be read."""
        return self.ok and not _LEFT_OUT.fullmatch(self.result)

    @property
    def was_refused(self) -> bool:
        return not self.ok and bool(_REFUSED.search(self.result))

    def given(self, name: str) -> str:
        return str(self.arguments.get(name, ""))


@dataclass(frozen=True, slots=True)
class Act:
    """The next call, and why."""

    tool: str
    arguments: Mapping[str, Any]
    thought: str

    def answer(self) -> str:
        """The answer in the format that is asked for: one object, a long text in a block."""
        arguments = dict(self.arguments)
        content = arguments.get("content")
        block = ""
        if isinstance(content, str) and content.endswith("\n") and not _MARK.search(content):
            del arguments["content"]
            block = f"\n<<<content\n{content}>>>"
        call = {"thought": self.thought, "tool": self.tool, "arguments": arguments}
        return orjson.dumps(call).decode() + block


class NoToolError(Exception):
    """A tool that is needed is not there; the message names it."""


@dataclass(frozen=True, slots=True)
class Work:
    """All that the offline model knows."""

    goal: str
    tools: frozenset[str]
    steps: Sequence[Step]
    guidance: Sequence[str] = ()

    @classmethod
    def of(cls, fields: Mapping[str, list[str]], steps: Sequence[Mapping[str, Any]]) -> "Work":
        lines = (_TOOL.match(line) for line in fields.get("tool", ()))
        made = [
            Step(
                str(step.get("tool", "")),
                given if isinstance(given := step.get("arguments"), dict) else {},
                bool(step.get("ok")),
                str(step.get("result", "")),
            )
            for step in steps
        ]
        ends = [n for n, step in enumerate(made, 1) if step.tool == "finish"]
        return cls(
            goal=fields.get("goal", [""])[0],
            tools=frozenset(line[0] for line in lines if line),
            steps=made[ends[-1] if ends else 0 :],  # what came before was for another goal
            guidance=fields.get("guidance", ()),
        )

    def act(self, tool: str, thought: str, /, **arguments: Any) -> Act:
        """A call of a tool that is there. Raises: NoToolError."""
        if tool not in self.tools:
            raise NoToolError(f"this needs the tool {tool}, which I was not given")
        return Act(tool, arguments, thought)

    def done(self, summary: str, **more: Any) -> Act:
        return self.end("done", summary, **more)

    def end(self, status: str, summary: str, **more: Any) -> Act:
        """The end of the work, with what is to be said of it."""
        unheeded = [words for words in self.guidance if not _LEAVE.search(words)]
        if unheeded:
            quoted = ", ".join(f'"{words[:80]}"' for words in unheeded[-_SHOWN_GUIDANCE:])
            summary = (
                f"{summary[: MAX_SUMMARY_CHARS - 400]} I do not understand guidance: {quoted}."
            )
        told = summary[:MAX_SUMMARY_CHARS]
        arguments = {"status": status, "summary": told, **more}
        thought = "Nothing is left to do here." if status == "done" else "I get no further."
        return self.act("finish", thought, **arguments)

    @property
    def left_alone(self) -> list[str]:
        """Names that people said to leave alone."""
        return [found[1] for words in self.guidance if (found := _LEAVE.search(words))]

    def of_tool(self, *names: str) -> Iterator[Step]:
        """The steps of these tools, the newest first."""
        return (step for step in reversed(self.steps) if step.tool in names)

    def last(self, tool: str, **arguments: Any) -> Step | None:
        """The newest step of a tool with these arguments among its own."""
        return next(
            (
                step
                for step in self.of_tool(tool)
                if all(step.arguments.get(name) == value for name, value in arguments.items())
            ),
            None,
        )


def summed_up(before: str, steps: Sequence[Mapping[str, Any]]) -> str:
    """The steps in a line each, after the summary so far; the newest where there are too many."""
    lines = [
        f"#{step.get('seq')} {step.get('tool')} {orjson.dumps(step.get('arguments')).decode()}"[
            :200
        ]
        + ("" if step.get("ok") else " (failed)")
        for step in steps
    ]
    told = "\n".join([before, *lines]).strip()
    return told[-MAX_SUMMARY_CHARS:]
