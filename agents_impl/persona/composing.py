"""A reply asked of the model, with less where its context is too short."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from agent_core.conversations.conversation import Conversation
from agents_impl.persona.context import Context, cut, gather
from agents_impl.persona.models import PersonaConfig, PersonaState
from reins.llm import Completion, Model, ModelError

LEAST_TOKENS = 100
BESIDE_TOKENS = 700
"""Sent beside the messages: the rules of the prompt, and who it is."""

SHARE = 0.9
"""Of what would have fitted, as estimates differ."""

_OTHERS = 50
_SPEAK = "Say something now: do not pass."

T = TypeVar("T")


async def within(limit_tokens: int, state: PersonaState, send: Callable[[int], Awaitable[T]]) -> T:
    """Send within the limit; where that is more than the model takes, twice more with less.

    What fitted in the end is kept to from then on. Raises: whatever `send` raises in the end.
    """
    tokens = min(limit_tokens, state.fits_tokens or limit_tokens)
    try:
        return await send(tokens)
    except ModelError as error:
        tokens = shorter(tokens, error)
    try:
        sent = await send(tokens)
    except ModelError as error:
        tokens = shorter(tokens, error)
        sent = await send(tokens)
    state.fits_tokens = tokens
    return sent


def shorter(tokens: int, error: ModelError) -> int:
    """The tokens to send where up to so many were too many.

    Raises: the error, where sending less mends nothing.
    """
    if error.kind != "context_too_long" or tokens <= LEAST_TOKENS:
        raise error
    given, limit = error.given_tokens, error.limit_tokens
    if given is None:
        return max(LEAST_TOKENS, tokens // 2)
    # There may have been less to send than was allowed.
    sent = min(tokens + BESIDE_TOKENS, given)
    fits = sent // 2 if limit is None else min(sent * limit // given, limit)
    return max(LEAST_TOKENS, min(int(fits * SHARE) - BESIDE_TOKENS, tokens * 3 // 4))


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
