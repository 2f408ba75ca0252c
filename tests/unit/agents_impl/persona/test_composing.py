"""A reply is asked for again with less, where the model's context is too short."""

from reins.llm import ModelError
from tests.unit.agents_impl.persona.talking import Room, reason


def too_long(given: int | None = None, limit: int | None = None) -> ModelError:
    return ModelError(
        "its context is too short",
        kind="context_too_long",
        retryable=False,
        given_tokens=given,
        limit_tokens=limit,
    )


async def test_a_persona_says_something_where_the_context_is_short():
    """Its oldest messages and its summary go first; the newest message stays."""
    room = Room("A summary. " * 20, too_long(1_600, 900), "Short.", "Well, well.")
    persona = room.persona(context_tokens=1_000)
    for number in range(20):
        await room.say(f"Message {number}: " + "it is so because it is so. " * 5)
    result = await room.tick(persona)
    assert reason(result) is None
    assert result.text == "Well, well."
    sent = room.model.last()
    assert sent["messages"][-1]["text"].startswith("Message 19")
    before = next(given for name, given in room.model.asked if name == "PersonaReply")
    assert len(str(sent)) < len(str(before["messages"]))


async def test_a_summary_that_is_too_long_is_asked_for_with_less():
    """The same for the older messages that are to be summed up."""
    room = Room(too_long(), "Short.", "Well, well.")
    persona = room.persona(context_tokens=2_000)
    for _ in range(60):
        await room.say("It is so because it is so. " * 5)
    assert (await room.tick(persona)).text == "Well, well."
    first, second = (a for name, a in room.model.asked if name == "SummarizeConversation")
    assert len(str(second)) < len(str(first))


async def test_guidance_sets_what_is_sent():
    """`set_context_tokens` counts before the configuration."""
    room = Room("Short.", "Well, well.")
    persona = room.persona(context_tokens=5_000)
    await room.guide(persona, {"type": "set_context_tokens", "tokens": 300})
    for _ in range(60):
        await room.say("It is so because it is so. " * 5)
    result = await room.tick(persona)
    assert result.payload["context"]["tokens"] <= 300
