"""A reply asked of the model."""

from dataclasses import replace

from agent_core.conversations.conversation import Conversation
from agents_impl.persona.context import Context, cut, gather
from agents_impl.persona.models import PersonaConfig, PersonaState
from reins.llm import Completion, Model
from reins.llm.tokens import tokens_of

BESIDE_TOKENS = 700
"""Sent beside the messages: the rules of the prompt, and who it is."""
MEMORIES = 4
"""Memories take one part of so many of what is sent."""

_OTHERS = 50
_SPEAK = "Say something now: do not pass."


async def compose(
    conversation: Conversation,
    model: Model,
    *,
    me: str,
    config: PersonaConfig,
    state: PersonaState,
    tokens: int,
    memories: list[str],
) -> tuple[Completion, Context]:
    """Gather what fits into `tokens`, and ask for a reply. Memories that would take more than a
    quarter of them are left out. Raises: ModelError.
    """
    kept = memories if sum(map(tokens_of, memories)) <= tokens // MEMORIES else []
    found = await gather(
        conversation,
        model,
        me=me,
        budget_tokens=tokens - sum(map(tokens_of, kept)),
        about=config.about,
        instructions=state.instructions,
        summary=state.summary,
    )
    context = replace(found, memories=kept)
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
        memories=context.memories,
    )
    return answer, context
