"""The context of a persona's model: the newest messages whole, the older ones as a summary."""

from dataclasses import dataclass, field, replace
from typing import Any

import orjson
from pydantic import BaseModel

from agent_core.conversations.conversation import Conversation
from agent_core.conversations.message import Message
from reins.llm import Model
from reins.llm.tokens import BYTES_PER_TOKEN, tokens_of

_FRAME_TOKENS = 20  # a message's number, kind and speaker
_FIRST_READ = 50  # messages
_SUMMARY_TOKENS = 1_000  # it is kept in each snapshot, and was asked for in 150 words
_CUT = "… [cut]"


class Summary(BaseModel):
    """A summary of the messages up to number `upto`."""

    text: str
    upto: int


@dataclass(frozen=True, slots=True)
class Sent:
    """One message as the model gets it: who speaks is a field, never part of the text."""

    number: int
    kind: str
    speaker: str
    text: str
    cut: bool = False

    @property
    def tokens(self) -> int:
        return tokens_of(self.text) + _FRAME_TOKENS

    def to_model(self) -> str:
        fields = {name: getattr(self, name) for name in ("number", "kind", "speaker", "text")}
        return orjson.dumps(fields).decode()

    def within(self, limit_tokens: int) -> "Sent":
        if self.tokens <= limit_tokens:
            return self
        return replace(self, text=cut(self.text, limit_tokens - _FRAME_TOKENS), cut=True)


@dataclass(frozen=True, slots=True)
class Context:
    """The material of one call."""

    about: str
    instructions: list[str]
    summary: Summary | None
    messages: list[Sent]
    memories: list[str] = field(default_factory=list)

    @property
    def tokens(self) -> int:
        """An estimate, rather too high than too low."""
        summary = self.summary.text if self.summary else ""
        texts = [self.about, *self.instructions, summary, *self.memories]
        return sum(map(tokens_of, texts)) + sum(message.tokens for message in self.messages)

    @property
    def speakers(self) -> set[str]:
        """The others whose messages it holds."""
        return {message.speaker for message in self.messages if message.kind != "you"}

    def shown(self) -> dict[str, Any]:
        """Its figures for the log; the messages themselves are in the transcript."""
        return {
            "first": self.messages[0].number if self.messages else None,
            "last": self.messages[-1].number if self.messages else None,
            "messages": len(self.messages),
            "memories": len(self.memories),
            "cut": sum(message.cut for message in self.messages),
            "tokens": self.tokens,
            "summary": None if self.summary is None else self.summary.text,
            "summary_upto": None if self.summary is None else self.summary.upto,
            "instructions": self.instructions,
        }


async def gather(
    conversation: Conversation,
    model: Model,
    *,
    me: str,
    budget_tokens: int,
    about: str,
    instructions: list[str],
    summary: Summary | None,
) -> Context:
    """The context that fits into `budget_tokens`. Older messages are summarised, half a budget at a
    time, so that not each message needs a summary. Raises: ModelError.
    """
    about = cut(about, budget_tokens // 8)
    instructions = newest_texts(instructions, budget_tokens // 4)
    context = Context(about, instructions, summary, [])
    room = budget_tokens - budget_tokens // 8 - sum(map(tokens_of, [about, *instructions]))
    upto = 0 if summary is None else summary.upto
    read = [_sent(each, me) for each in await _read(conversation, upto, room + room // 2)]
    complete = not read or read[0].number == upto + 1
    if complete and sum(message.tokens for message in read) <= room:
        return replace(context, messages=read)
    kept = _newest(read, room // 2)
    older = _newest(read[: len(read) - len(kept)], room)
    if not older:
        return replace(context, messages=kept)
    answer = await model.call(
        "SummarizeConversation",
        summary="" if summary is None else cut(summary.text, budget_tokens // 8),
        messages=[message.to_model() for message in older],
    )
    return replace(
        context,
        summary=Summary(
            text=cut(answer.text, min(budget_tokens // 8, _SUMMARY_TOKENS)), upto=older[-1].number
        ),
        messages=kept,
    )


async def _read(conversation: Conversation, after: int, enough: int) -> list[Message]:
    """The newest messages numbered above `after`, until they hold `enough` tokens."""
    limit = _FIRST_READ
    while True:
        found = list(await conversation.read(after, limit))
        held = sum(tokens_of(message.text) + _FRAME_TOKENS for message in found)
        if held >= enough or len(found) < limit:
            return found
        limit *= 2


def _newest(messages: list[Sent], limit_tokens: int) -> list[Sent]:
    """The newest that fit, one at least, cut if need be."""
    kept: list[Sent] = []
    left = limit_tokens
    for message in reversed(messages):
        if kept and message.tokens > left:
            break
        kept.append(message.within(left))
        left -= kept[-1].tokens
    return kept[::-1]


def newest_texts(texts: list[str], limit_tokens: int) -> list[str]:
    """The newest texts within a number of tokens, the oldest of them cut if need be."""
    kept: list[str] = []
    left = limit_tokens
    for text in reversed(texts):
        if left <= 0:
            break
        kept.append(cut(text, left))
        left -= tokens_of(kept[-1])
    return kept[::-1]


def _sent(message: Message, me: str) -> Sent:
    kind = "persona" if message.session_id else "person"
    return Sent(
        message.number, "you" if message.session_id == me else kind, message.author, message.text
    )


def cut(text: str, limit_tokens: int) -> str:
    """The beginning of a text, within a number of tokens."""
    limit_bytes = max(0, limit_tokens) * BYTES_PER_TOKEN
    encoded = text.encode()
    if len(encoded) <= limit_bytes:
        return text
    kept = encoded[: max(0, limit_bytes - len(_CUT.encode()))].decode(errors="ignore")
    return (kept + _CUT).encode()[:limit_bytes].decode(errors="ignore")
