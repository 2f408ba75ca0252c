"""The part of a task that one call of the model sees, within its tokens, and what was left out.

Results are bounded when they come in. Where the whole is nearly full, old results go first, each
leaving a line; then old steps are to be summarised. Goal, guidance, rejections, facts and files
always stand there, word for word.
"""

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from pydantic import BaseModel

from agents_impl.task.history import History
from agents_impl.task.steps import StepLines
from reins.llm.text import one_line
from reins.llm.tokens import size_of, tokens_in
from reins.tools.tool import Tool

FULL, HALF = 0.8, 0.5
"""Shares of the limit: above the first something is left out, until the second is reached."""
LEAST_FREED = 0.15
"""Of the limit; a summary that frees less is not worth its call."""
BETWEEN = 5
"""Steps between two summaries."""
RULES_BYTES = 2_400
"""Of the prompt beside its values."""
SUMMARY_BYTES = 2_400
MAX_TOOLS = 40
_DESCRIPTION_CHARS = 240


class Condensed(BaseModel):
    """The part of a task that is no longer shown as it was; kept in the state.

    The steps up to `upto` are in the summary, which was made at step `at`; of those up to `dropped`
    the results are left out.
    """

    text: str = ""
    upto: int = 0
    at: int = 0
    dropped: int = 0


class Said(Protocol):
    """Words of a person."""

    @property
    def text(self) -> str: ...


class Pinned(Protocol):
    """A task's state, as far as its model is told of it."""

    @property
    def goal(self) -> str: ...
    @property
    def files_changed(self) -> Sequence[str]: ...
    @property
    def facts(self) -> Sequence[str]: ...
    @property
    def rejections(self) -> Sequence[Said]: ...
    @property
    def guidance(self) -> Sequence[Said]: ...
    @property
    def summary(self) -> Condensed: ...


@dataclass(frozen=True, slots=True)
class Window:
    """The material of one call. `condensed` is to be kept in the state."""

    limit_tokens: int
    bytes_per_token: float
    pins: dict[str, Any]
    steps: list[str]
    condensed: Condensed
    tools: int = 0
    figures: dict[str, int] = field(default_factory=dict)
    to_summarise: list[str] = field(default_factory=list)
    """Steps that a summary should replace now; empty: none is needed, or none would help."""
    summarised: Condensed | None = None
    """The condensed part once they are, but for the text."""

    def arguments(self) -> dict[str, object]:
        """The arguments of the function `Think`."""
        return {**self.pins, "summary": self.condensed.text, "steps": self.steps}

    @property
    def size_bytes(self) -> int:
        return RULES_BYTES + size_of(self.arguments())

    @property
    def tokens(self) -> int:
        """An estimate, by what the route has counted so far."""
        return tokens_in(self.size_bytes, self.bytes_per_token)

    def shown(self) -> dict[str, Any]:
        """The parts sent, the parts left out, and why: for the row and the inspector."""
        told = {
            "tokens": self.tokens,
            "limit_tokens": self.limit_tokens,
            "bytes_per_token": self.bytes_per_token,
            "tools": self.tools,
            "steps": len(self.steps),
            "pinned": {
                name: len(self.pins[name]) for name in ("guidance", "rejections", "facts", "files")
            },
            **{name: number for name, number in self.figures.items() if number},
        }
        if self.condensed.upto:
            told |= {"summarised_upto": self.condensed.upto, "summary": self.condensed.text}
        if why := self._why():
            told["why"] = why
        return told

    def _why(self) -> list[str]:
        full = f"{self.limit_tokens:,} tokens were {FULL:.0%} full"
        upto, dropped_upto = self.condensed.upto, self.condensed.dropped
        reasons = {
            "dropped": f"results up to #{dropped_upto} are left out: {full}",
            "cut": "results are cut, since all of them do not fit",
            "omitted": "oldest steps are left out, since not even their lines fit",
            "forgotten": "oldest steps are no longer kept in memory",
            "unnamed": "tools are told by their names alone",
        }
        told = [f"steps up to #{upto} stand in the summary: {full}"] if upto else []
        counted = [(self.figures.get(name), reason) for name, reason in reasons.items()]
        return told + [f"{number} {reason}" for number, reason in counted if number]


def window(
    state: Pinned,
    history: History,
    tools: Mapping[str, Tool],
    limit_tokens: int,
    bytes_per_token: float,
    *,
    notes: Sequence[str] = (),
    kept: Sequence[str] = (),
) -> Window:
    """The window of a task as it stands, within the limit if the pinned parts leave any room."""
    pins = _pins(state, tools, notes, kept)
    steps = history.after(state.summary.upto)
    outside = {name for name, tool in tools.items() if tool.policy.brings_in}
    outside |= {seen.tool for seen in steps if seen.tool not in tools}
    lines = StepLines(steps, outside, state.summary.dropped)
    made = Window(limit_tokens, bytes_per_token, pins, [], state.summary, tools=len(tools))
    limit, fixed = int(limit_tokens * bytes_per_token), made.size_bytes
    if fixed + lines.size_bytes > FULL * limit:
        lines.drop(int(HALF * limit) - fixed)
    if fixed + lines.size_bytes > FULL * limit:
        made = _to_summarise(made, lines, limit, fixed)
    lines.fit(limit - fixed)
    figures = {
        "dropped": lines.dropped,
        "cut": lines.cut_short,
        "omitted": lines.omitted,
        "forgotten": 0 if state.summary.upto else history.forgotten,
        "unnamed": max(0, len(tools) - MAX_TOOLS),
    }
    condensed = state.summary.model_copy(update={"dropped": lines.dropped_upto})
    return replace(made, steps=lines.texts(), condensed=condensed, figures=figures)


def _to_summarise(made: Window, lines: StepLines, limit: int, fixed: int) -> Window:
    """The window with the steps that a summary should replace, where it is time and worth it."""
    condensed, steps = made.condensed, lines.steps
    if condensed.at and sum(seen.seq > condensed.at for seen in steps) < BETWEEN:
        return made
    over = fixed + lines.size_bytes - int(HALF * limit)
    freed, count = size_of(condensed.text) - SUMMARY_BYTES, 0
    for size in lines.sizes[: lines.old]:
        if freed >= over:
            break
        freed, count = freed + size, count + 1
    if not count or freed < LEAST_FREED * limit:
        return made
    upto, newest = steps[count - 1].seq, steps[-1].seq
    return replace(
        made,
        to_summarise=lines.oldest(count, int(HALF * limit)),
        summarised=Condensed(upto=upto, at=newest, dropped=lines.dropped_upto),
    )


def _pins(
    state: Pinned, tools: Mapping[str, Tool], notes: Sequence[str], kept: Sequence[str]
) -> dict[str, Any]:
    named = [*tools.values()]
    more = [each.name for each in named[MAX_TOOLS:]]
    told = (
        f"There are {len(named)} tools. {len(more)} of them are told by their names alone: "
        f"{', '.join(more)}. find_tool tells what they do, and what they take."
    )
    return {
        "tools": [*map(tool_line, named[:MAX_TOOLS])],
        "goal": state.goal,
        "files": list(state.files_changed),
        "facts": [*state.facts, *kept],
        "rejections": [said.text for said in state.rejections],
        "guidance": [said.text for said in state.guidance],
        "notes": [*notes, told] if more else list(notes),
    }


@functools.lru_cache(maxsize=1_024)  # a schema takes longer than all else of a window
def tool_line(tool: Tool) -> str:
    """A tool as its model reads it: name, arguments, what it does."""
    first = tool.description.partition("\n\n")[0]
    return f"{tool.name}({tool.signature()}) — {one_line(first, _DESCRIPTION_CHARS)}"
