"""The thought of a task: its window is sent, the answer read, and sent back once if unreadable."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from agents_impl.fitting import within
from agents_impl.task.answer_schema import schema_for
from agents_impl.task.history import History
from agents_impl.task.reading import Decided, UnreadableError, read
from agents_impl.task.window import SUMMARY_BYTES, Condensed, Pinned, Window, window
from reins.llm import Completion, Model, ModelError
from reins.llm.tokens import BYTES_PER_TOKEN, learned
from reins.tools.outcome import bounded
from reins.tools.tool import Tool

_SENT_BACK_BYTES = 4_096
_READ_AT_ONCE_CHARS = 32 * 1024
"""A longer answer is read in a thread, while other sessions go on."""
_BROKEN_OFF = {
    "truncated": "it broke off at the most that you may write in one answer",
    "too_long": "it is longer than an answer may be",
}
"""Answers that a shorter one mends. Told to the model, they are not made again as they were."""


class Thinking(Pinned, Protocol):
    """A task's state, as far as thinking changes it.

    `bytes_per_token` is what each route has counted, by its name; `fits_tokens` what its model
    takes, where that is less than was allowed.
    """

    summary: Condensed
    fits_tokens: int | None
    bytes_per_token: dict[str, float]


@dataclass(frozen=True, slots=True)
class Thought:
    """A decided call, and the window that it was decided on."""

    decided: Decided
    window: Window
    model: str
    demonstration: bool
    repaired: bool


async def decide(
    model: Model,
    state: Thinking,
    history: History,
    tools: Mapping[str, Tool],
    limit_tokens: int,
    *,
    notes: Sequence[str] = (),
    kept: Sequence[str] = (),
) -> Thought:
    """Decide on the next call; where the model's context is too short, with less.

    `kept` is what it remembers, told with the facts.
    What is condensed on the way, and what was learned of the route, is kept in the state.
    Raises: UnreadableError, ModelError.
    """

    async def send(tokens: int) -> Thought:
        made = await _window(model, state, history, tools, tokens=tokens, notes=notes, kept=kept)
        return await _thought(model, made, tools, state)

    return await within(limit_tokens, state, send)


async def think(model: Model, made: Window, tools: Mapping[str, Tool]) -> Decided:
    """Decide on the next call, in view of this window. Raises: UnreadableError, ModelError."""
    return (await _thought(model, made, tools, None)).decided


async def _window(
    model: Model,
    state: Thinking,
    history: History,
    tools: Mapping[str, Tool],
    *,
    tokens: int,
    notes: Sequence[str],
    kept: Sequence[str],
) -> Window:
    """The window, once what it asks for is summarised."""
    known = min(state.bytes_per_token.values(), default=BYTES_PER_TOKEN)
    made = window(state, history, tools, tokens, known, notes=notes, kept=kept)
    if made.summarised is not None:
        answer = await model.call(
            "Summarise", goal=state.goal, summary=state.summary.text, steps=made.to_summarise
        )
        text = bounded(answer.text, SUMMARY_BYTES)
        state.summary = made.summarised.model_copy(update={"text": text})
        made = window(state, history, tools, tokens, known, notes=notes, kept=kept)
    state.summary = made.condensed
    return made


async def _thought(
    model: Model, made: Window, tools: Mapping[str, Tool], state: Thinking | None
) -> Thought:
    first: Completion | None = None
    schema = schema_for(tools)
    try:
        first = await model.stream("Think", schema, **made.arguments())
        _learn(state, made, first)
        return _as_thought(await _read(first.text, tools), made, first, repaired=False)
    except UnreadableError as error:
        problem = str(error)
    except ModelError as error:
        if error.kind not in _BROKEN_OFF:
            raise
        problem = f"{_BROKEN_OFF[error.kind]}; write less at once, in several calls"
    answer = "[not shown]" if first is None else bounded(first.text, _SENT_BACK_BYTES)
    try:
        arguments = made.arguments() | {"answer": answer, "problem": problem}
        second = await model.stream("Think", schema, **arguments)
    except ModelError as error:
        if error.kind not in _BROKEN_OFF:
            raise
        raise UnreadableError(f"{_BROKEN_OFF[error.kind]}, twice") from None
    return _as_thought(await _read(second.text, tools), made, second, repaired=True)


async def _read(answer: str, tools: Mapping[str, Tool]) -> Decided:
    if len(answer) <= _READ_AT_ONCE_CHARS:
        return read(answer, tools)
    return await asyncio.to_thread(read, answer, tools)


def _learn(state: Thinking | None, made: Window, answer: Completion) -> None:
    if state is not None:
        known = state.bytes_per_token.get(answer.route)
        state.bytes_per_token[answer.route] = learned(known, made.size_bytes, answer.tokens_in)


def _as_thought(decided: Decided, made: Window, answer: Completion, *, repaired: bool) -> Thought:
    return Thought(decided, made, answer.model, answer.demonstration, repaired)
