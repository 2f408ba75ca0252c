"""A model that answers as it did before: from a session's record, with nothing sent."""

from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from agent_core.session.node import node
from reins.llm.baml.prompts import PROMPTS, read_prompts
from reins.llm.baml.runtime import Compiled
from reins.llm.caller import Caller
from reins.llm.calls.answer_schema import AnswerSchema
from reins.llm.calls.structured import Shape, Structured, ask
from reins.llm.completion import Completion
from reins.llm.errors import ModelError, summed_up
from reins.llm.model import Model
from reins.llm.redact import SHAPES
from reins.llm.text import clean, safe_argument
from reins.llm.wire.failures import RETRYABLE, lengths_told
from reins.redaction import HIDDEN

Messages = tuple[tuple[str, str], ...]
"""A prompt: role and text of each message."""
_Key = tuple[str, str | None, Messages | None]


class NotRecordedError(Exception):
    """A call is not on record: the session asks what it did not ask then."""


@dataclass(frozen=True, slots=True)
class RecordedCall:
    """A call as it was made: its prompt, and its attempts as rows of the record, in order.

    One that was never sent, or whose prompt was cut on record, is taken for any prompt.
    """

    function: str
    messages: Messages | None
    attempts: Sequence[Mapping[str, Any]]
    node: str | None = None
    """The piece of work between ticks that asked."""
    is_charged: bool = False
    """A row before that of the piece's end tells of its tokens: they are charged there."""


class Recording:
    """Calls on record, each to be asked once, under the prompts of `baml_src` as they are now."""

    def __init__(self, calls: Sequence[RecordedCall], *, prompts: Path = PROMPTS) -> None:
        """Compile the prompts. Raises: ModelConfigError."""
        self.compiled = Compiled(read_prompts(prompts), {})
        self._waiting: dict[_Key, deque[RecordedCall]] = defaultdict(deque)
        for call in calls:
            self._waiting[call.function, call.node, call.messages].append(call)

    def take(self, function: str, *prompts: Messages) -> RecordedCall:
        """The oldest call of one of these prompts that was not asked yet.

        Raises: NotRecordedError.
        """
        by = node.get()
        asked = (self._waiting.get((function, by, each)) for each in (*prompts, None))
        waiting = next(filter(None, asked), None)
        if not waiting:
            others = sum(
                len(calls) for (name, *_), calls in self._waiting.items() if name == function
            )
            raise NotRecordedError(
                f"{function} was called with a prompt that is not on record; {others} recorded "
                "calls of it are left. The agent or its prompt has changed."
            )
        return waiting.popleft()

    def unasked(self) -> list[RecordedCall]:
        """Recorded calls that were not asked for."""
        return [call for calls in self._waiting.values() for call in calls]

    def for_caller(self, caller: Caller) -> "RecordedModel":
        return RecordedModel(self, caller)


class RecordedModel(Model):
    """Answers each call from a recording, and charges it to its caller as it was charged then."""

    def __init__(self, recording: Recording, caller: Caller) -> None:
        self._recording = recording
        self._caller = caller

    async def call(
        self, function: str, schema: AnswerSchema | None = None, /, **arguments: object
    ) -> Completion:
        """Answer as the same call was answered. Raises: ModelError as then; NotRecordedError."""
        further = schema.arguments if schema is not None else {}
        recorded = self._recording.take(
            function, *(self._prompt(function, {**arguments, **each}) for each in ({}, further))
        )
        for attempt in () if recorded.is_charged else recorded.attempts:
            self._charge(attempt)
        last = recorded.attempts[-1]
        if last["error_kind"] is not None:
            raise _failure(recorded.attempts)
        return Completion(
            text=clean(last["answer"] or ""),
            tokens_in=last["tokens_in"],
            tokens_out=last["tokens_out"],
            latency_ms=last["latency_ms"] or 0.0,
            attempts=len(recorded.attempts),
            model=last["model"],
            demonstration=last["demonstration"],
            cost_usd=last["cost_usd"],
            route=last["route"],
            call_id=last["call_id"],
        )

    def _prompt(self, function: str, arguments: Mapping[str, object]) -> Messages:
        safe = {name: safe_argument(value) for name, value in arguments.items()}
        rendered = self._recording.compiled.messages(function, safe)
        return without_keys(tuple((each["role"], each["content"]) for each in rendered))

    async def stream(
        self, function: str, schema: AnswerSchema | None = None, /, **arguments: object
    ) -> Completion:
        """As `call`: nobody watches."""
        return await self.call(function, schema, **arguments)

    async def structured(
        self, function: str, shape: type[Shape], **arguments: object
    ) -> Structured[Shape]:
        """As it was answered, in one turn or two. Raises: as `call`."""
        safe = {name: safe_argument(value) for name, value in arguments.items()}
        return await ask(self, self._recording.compiled, function, shape, safe)

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """Raises: NotRecordedError. Vectors are not recorded."""
        raise NotRecordedError(
            f"{len(texts)} embeddings were asked for; embeddings are not on record."
        )

    def _charge(self, attempt: Mapping[str, Any]) -> None:
        tokens_in, tokens_out, cost_usd = (
            attempt["tokens_in"], attempt["tokens_out"], attempt["cost_usd"],
        )  # fmt: skip
        reserved = self._caller.reserve(tokens_in + tokens_out, cost_usd)
        self._caller.settle(reserved, tokens_in, tokens_out, cost_usd)
        if attempt["error_kind"] is None:
            self._caller.note_answer(demonstration=bool(attempt["demonstration"]))


def without_keys(messages: Messages) -> Messages:
    """A prompt as it would be on record, where what looks like a key is taken out."""
    return tuple((role, SHAPES.sub(HIDDEN, text)) for role, text in messages)


def _failure(attempts: Sequence[Mapping[str, Any]]) -> ModelError:
    """The error that these attempts led to: of each route, in order, its last one."""
    failed = []
    for route, tried in groupby(attempts, key=lambda attempt: attempt["route"]):
        *_, last = tried
        kind = last["error_kind"]
        message = last["error"] or ""
        error = ModelError(message, kind=kind, retryable=kind in RETRYABLE)
        error.given_tokens, error.limit_tokens = lengths_told(message)
        failed.append((route, error))
    return summed_up(failed)
