"""Answers of a declared type: text first, then a guard, the parser, and the caller's own model.

A typed BAML function is never called as such: its parser can hang or crash the process (see
`reins.llm.baml.parse_guard`). Its prompt goes out as messages, and an answer that does not fit is
sent back once.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Generic, Protocol, TypeVar

from pydantic import BaseModel, ValidationError

from reins.llm.answers.objects import objects_in
from reins.llm.baml.errors import BamlError
from reins.llm.baml.parse_guard import UnreadableError, guarded
from reins.llm.calls.answer_schema import AnswerSchema
from reins.llm.completion import Completion
from reins.llm.errors import ModelError
from reins.llm.wire.failures import ADVICE, RETRYABLE

CONVERSE = "Converse"
MAX_SHOWN_CHARS = 4000
MAX_PROBLEMS = 8

Shape = TypeVar("Shape", bound=BaseModel)

Messages = list[dict[str, str]]
Mend = Callable[[Messages, Callable[[str], object]], Awaitable[Completion]]
"""Asks for an answer that fits; the function it gets raises UnfitError for one that does not."""


class Asks(Protocol):
    """A model as far as it is needed here."""

    async def call(
        self, function: str, schema: AnswerSchema | None = None, /, **arguments: object
    ) -> Completion: ...


class Reads(Protocol):
    """Compiled prompts as far as they are needed here."""

    def messages(self, function: str, arguments: Mapping[str, object]) -> list[dict[str, str]]: ...

    def parse(self, function: str, text: str) -> Any: ...


@dataclass(frozen=True, slots=True)
class Structured(Generic[Shape]):
    """A value of the type asked for.

    `completion` holds the text that it was read from, and what all turns took together;
    `repaired` says that the first text did not fit.
    """

    value: Shape
    completion: Completion
    repaired: bool


class UnfitError(Exception):
    """A text does not fit. `feedback` is for the model that wrote it; `message` quotes no text."""

    def __init__(self, feedback: str, message: str) -> None:
        super().__init__(message)
        self.feedback = feedback
        self.message = message


async def ask(
    model: Asks,
    wire: Reads,
    function: str,
    shape: type[Shape],
    arguments: Mapping[str, object],
    *,
    mend: Mend | None = None,
    schema: AnswerSchema | None = None,
) -> Structured[Shape]:
    """Call a typed function and read its answer as `shape`; one that does not fit is sent back.

    `mend` is asked for the second answer; without it, the model as for the first.

    Raises: ModelError, of kind "unfit" where the second answer does not fit either;
    ModelConfigError when there is no such function or its arguments are wrong.
    """
    messages = wire.messages(function, arguments)
    first = await model.call(CONVERSE, schema, messages=messages)
    try:
        return Structured(read(wire, function, shape, first.text), first, repaired=False)
    except UnfitError as error:
        feedback = error.feedback
    turns = [
        *messages,
        {"role": "assistant", "content": first.text[:MAX_SHOWN_CHARS]},
        {
            "role": "user",
            "content": f"That cannot be used: {feedback}. Answer again, as was asked.",
        },
    ]
    if mend is None:
        second = await model.call(CONVERSE, schema, messages=turns)
    else:
        second = await mend(turns, lambda text: read(wire, function, shape, text))
    try:
        value = read(wire, function, shape, second.text)
    except UnfitError as error:
        message = f"{second.model}: {unfit(function, shape, error)}. {ADVICE['unfit']}"
        raise ModelError(message, kind="unfit", retryable="unfit" in RETRYABLE) from None
    return Structured(value, both(first, second), repaired=True)


def unfit(function: str, shape: type[BaseModel], error: UnfitError) -> str:
    """The failure of a second answer in words that quote nothing of it."""
    return f"its second answer to {function} is not a {shape.__name__} either: {error.message}"


def read(wire: Reads, function: str, shape: type[Shape], text: str) -> Shape:
    """The value that a text holds; of several objects the last that fits.

    Raises: UnfitError.
    """
    unfit: UnfitError | None = None
    for piece in _pieces(text):
        try:
            value = parsed(wire, function, piece)
            if isinstance(value, list) and piece.startswith("{"):
                value = parsed(wire, function, text)  # a list is asked for, and these are its parts
            return shape.model_validate(value)
        except (UnreadableError, BamlError, ValidationError) as error:
            unfit = unfit or _unfit(error)
    raise unfit or UnfitError("it is empty", "nothing at all")


def _pieces(text: str) -> list[str]:
    """The parts of a text that its value may be read from, the likeliest first."""
    pieces = objects_in(text)
    if not pieces or (len(pieces) == 1 and pieces[0].startswith("{")):
        return [text]  # BAML finds it among words, and mends it
    try:
        guarded(text)  # all of them together, too
    except UnreadableError:
        return [text]
    return pieces[::-1]


def _unfit(error: UnreadableError | BamlError | ValidationError) -> UnfitError:
    if isinstance(error, UnreadableError):
        return UnfitError(str(error), str(error))
    if isinstance(error, BamlError):
        return UnfitError(
            "it does not have the shape that was asked for", "not of the type that it declares"
        )
    problems = error.errors(include_url=False, include_input=False, include_context=False)
    feedback = "; ".join(
        f"{'.'.join(map(str, problem['loc'])) or 'all of it'}: {problem['msg']}"
        for problem in problems[:MAX_PROBLEMS]
    )
    message = ", ".join(sorted({problem["type"] for problem in problems[:MAX_PROBLEMS]}))
    return UnfitError(feedback[:MAX_SHOWN_CHARS], message)


def parsed(wire: Reads, function: str, text: str) -> Any:
    """The value that BAML parses from a text.

    Raises: UnreadableError; BamlError.
    """
    readable = guarded(text)
    value = wire.parse(function, readable)
    if isinstance(value, dict) and readable.lstrip().startswith("["):
        # BAML would silently take the first of them.
        raise UnreadableError("it is a list, and a single object was asked for")
    return value


def both(first: Completion, second: Completion) -> Completion:
    """The second completion, with what the two took."""
    return replace(
        second,
        tokens_in=first.tokens_in + second.tokens_in,
        tokens_out=first.tokens_out + second.tokens_out,
        cost_usd=first.cost_usd + second.cost_usd,
        latency_ms=first.latency_ms + second.latency_ms,
        attempts=first.attempts + second.attempts,
    )
