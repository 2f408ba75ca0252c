"""A reply asked of the model, with less where its context is too short."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from agent_core.conversations.conversation import Conversation
from agents_impl.persona.context import Context, cut, gather
from agents_impl.persona.models import PersonaConfig, PersonaState
from reins.llm import Completion, Model, ModelError

LEAST_TOKENS = 100
SHARE = 0.9
"""Of what would have fitted, as estimates differ."""

_OTHERS = 50
_SPEAK = "Say something now: do not pass."

T = TypeVar("T")


class Fitting:
    """Finds how much a model takes, and keeps to it until the limit is set anew."""

    def __init__(self) -> None:
        self._limit_tokens = 0
        self._fits_tokens = 0

    async def ask(self, limit_tokens: int, send: Callable[[int], Awaitable[T]]) -> T:
        """Send within the limit; where that is more than the model takes, twice more with less.

        Raises: whatever `send` raises in the end.
        """
        known = self._limit_tokens == limit_tokens
        tokens = self._fits_tokens if known else limit_tokens
        try:
            sent = await send(tokens)
        except ModelError as error:
            tokens = shorter(tokens, error)
            try:
                sent = await send(tokens)
            except ModelError as again:
                tokens = shorter(tokens, again)
                sent = await send(tokens)
        self._limit_tokens, self._fits_tokens = limit_tokens, tokens
        return sent


def shorter(tokens: int, error: ModelError) -> int:
    """The tokens to send where so many were too many.

    Raises: the error, where sending less mends nothing.
    """
    if error.kind != "context_too_long" or tokens <= LEAST_TOKENS:
        raise error
    half = tokens // 2
    if error.sent_tokens is not None and error.fits_tokens is not None:
        over = error.sent_tokens - int(error.fits_tokens * SHARE)
        half = min(tokens - over, tokens * 3 // 4)
    return max(LEAST_TOKENS, half)


async def compose(
    conversation: Conversation,
    model: Model,
    *,
    me: str,
    config: PersonaConfig,
    state: PersonaState,
    tokens: int,
) -> tuple[Completion, Context]:
    """Gather what fits into `tokens`, and ask for a reply. Raises: ModelError."""
    context = await gather(
        conversation,
        model,
        me=me,
        budget_tokens=tokens,
        about=config.about,
        instructions=state.instructions,
        summary=state.summary,
    )
    state.summary = context.summary
    others = [name for who, name in conversation.present.items() if who != me]
    answer = await model.stream(
        "PersonaReply",
        name=config.name,
        tone=state.tone,
        about=context.about,
        instructions=context.instructions + [_SPEAK] * state.asked,
        others=others[:_OTHERS],
        # One that was made when more was sent may be too long by now.
        summary="" if context.summary is None else cut(context.summary.text, tokens // 8),
        messages=[message.to_model() for message in context.messages],
    )
    return answer, context
