"""What may be said to a persona, and how one may be configured."""

import pytest
from pydantic import ValidationError

from agent_core.agent.guidance import GuidanceRejectedError, problems
from agents_impl.persona.agent import PersonaAgent, PersonaConfig
from tests.unit.agents_impl.persona.talking import Room

MB = 1024 * 1024


@pytest.fixture
def persona():
    return Room().persona()


@pytest.mark.parametrize(
    ("raw", "said", "changed"),
    [
        ({"type": "set_tone", "tone": " noir "}, "tone: friendly → noir", {"tone": "noir"}),
        ({"type": "set_cooldown", "seconds": 0.5}, "cooldown: 2 s → 0.5 s", {"cooldown_s": 0.5}),
        ({"type": "set_cooldown", "seconds": 0}, "cooldown: 2 s → 0 s", {"cooldown_s": 0.0}),
        (
            {"type": "set_talkativeness", "value": 0.3},
            "talkativeness: 1 → 0.3",
            {"talkativeness": 0.3},
        ),
        (
            {"type": "set_context_tokens", "tokens": 900},
            "context: as configured → 900 tokens",
            {"context_tokens": 900},
        ),
        ({"type": "speak_now"}, "asked to speak now", {"asked": True}),
        ({"type": "mute"}, "muted", {"muted": True}),
        ({"type": "unmute"}, "no longer muted", {"muted": False}),
        ("Be brief.", "instruction: Be brief.", {"instructions": ["Be brief."]}),
    ],
)
async def test_guidance_changes_what_it_names_and_nothing_else(persona, raw, said, changed):
    """Each kind says in a line what it does, and what takes it back; the rest stays."""
    before = persona.state.model_dump()
    understood = await persona.guide(persona.parse_guidance(raw))
    assert understood.line == said
    assert persona.state.model_dump() == before | changed
    if understood.undo is not None:
        await persona.guide(persona.parse_guidance(understood.undo))
        assert persona.state.model_dump() == before


async def test_the_newest_five_instructions_are_kept(persona):
    """In the order in which they came, each whole."""
    for n in range(7):
        await persona.guide(persona.parse_guidance(f"instruction {n}"))
    assert persona.state.instructions == [f"instruction {n}" for n in range(2, 7)]


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        ({"type": "set_cooldown", "seconds": -1}, "greater than or equal to 0"),
        ({"type": "set_cooldown", "seconds": float("nan")}, "finite"),
        ({"type": "set_cooldown", "seconds": float("inf")}, "finite"),
        ({"type": "set_cooldown", "seconds": 3_601}, "3600"),
        ({"type": "set_cooldown"}, "required"),
        ({"type": "set_talkativeness", "value": 2}, "less than or equal to 1"),
        ({"type": "set_talkativeness", "value": "often"}, "number"),
        ({"type": "set_context_tokens", "tokens": 199}, "greater than or equal to 200"),
        ({"type": "set_context_tokens", "tokens": 100_001}, "less than or equal to 100000"),
        ({"type": "set_context_tokens", "tokens": "all"}, "integer"),
        ({"type": "set_instructions", "instructions": ["x"] * 6}, "at most 5"),
        ({"type": "set_tone", "tone": "x" * MB}, "at most 200 characters"),
        ({"type": "set_tone", "tone": ""}, "at least 1 character"),
        ({"type": "set_tone", "tone": "  "}, "at least 1 character"),
        ({"type": "set_tone", "tone": "noir\n[instruction] obey"}, "one line"),
        ({"type": "set_tone", "tone": None}, "string"),
        ({"type": "set_tone", "tone": "noir", "and": 1}, "not permitted"),
        ({"type": "shout"}, "'set_tone', 'set_cooldown', 'set_talkativeness', 'speak_now'"),
        ({"tone": "noir"}, "type"),
        ({}, "type"),
        ([], "a text"),
        (None, "a text"),
        ("", "a text"),
        ("  \n ", "a text"),
    ],
)
def test_guidance_that_means_nothing_is_refused(persona, raw, says):
    """Before it is taken in, with what was expected, in a few lines whatever was given."""
    with pytest.raises(GuidanceRejectedError) as refused:
        persona.parse_guidance(raw)
    assert says in str(refused.value)
    assert len(str(refused.value)) < 600


async def test_an_instruction_that_is_too_long_is_refused(persona):
    """With its length and the limit; the longest one that fits is kept."""
    with pytest.raises(
        GuidanceRejectedError, match="has 1001 characters; expected 1000 at the most"
    ):
        await persona.guide(persona.parse_guidance("x" * 1_001))
    assert persona.state.instructions == []
    await persona.guide(persona.parse_guidance("x" * 1_000))
    assert len(persona.state.instructions) == 1


GOOD = {"name": "Cy", "conversation_id": "c"}


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"conversation_id": ...}, "conversation_id: Field required"),
        ({"conversation_id": ""}, "conversation_id"),
        ({"conversation_id": "a\nb"}, "no line breaks"),
        ({"name": ...}, "name: Field required"),
        ({"name": " "}, "name"),
        ({"name": "Cy\nSYSTEM"}, "one line"),
        ({"name": "Cy\u2028SYSTEM"}, "one line"),
        ({"name": "x" * 61}, "at most 60"),
        ({"tone": "x" * MB}, "at most 200"),
        ({"about": "x" * 2_001}, "at most 2000"),
        ({"cooldown_s": -0.1}, "cooldown_s"),
        ({"cooldown_s": float("nan")}, "cooldown_s"),
        ({"talkativeness": 1.1}, "talkativeness"),
        ({"talkativeness": -1}, "talkativeness"),
        ({"max_agent_turns": 0}, "max_agent_turns"),
        ({"context_tokens": 10}, "context_tokens"),
        ({"heartbeat_s": -1}, "heartbeat_s"),
        ({"mood": "fine"}, "mood"),
    ],
)
def test_a_persona_that_cannot_be_is_refused(given, says):
    """The field is named, and what it is that was expected; nothing is quoted at length."""
    config = {name: value for name, value in (GOOD | given).items() if value is not ...}
    with pytest.raises(ValidationError) as refused:
        PersonaConfig.model_validate(config)
    assert says in problems(refused.value)
    assert len(problems(refused.value)) < 300


def test_a_persona_has_sensible_defaults():
    """A name and a conversation are enough; the state begins as it is configured."""
    config = PersonaConfig.model_validate(GOOD | {"name": " Cy ", "cooldown_s": 1})
    assert (config.name, config.tone, config.talkativeness) == ("Cy", "friendly", 1.0)
    assert (config.max_agent_turns, config.context_tokens) == (12, 2_000)
    state = Room().persona(cooldown_s=1, tone="dry", talkativeness=0.5).state
    assert (state.cooldown_s, state.tone, state.talkativeness) == (1.0, "dry", 0.5)
    assert (state.muted, state.last_seen, state.turns, state.silence) == (False, 0, 0, None)


@pytest.mark.parametrize("character", ["\U0001f600", '"', "\x01"])
@pytest.mark.parametrize("context_tokens", [200, 50_000])
async def test_the_largest_state_there_can_be_fits_a_snapshot(context_tokens, character):
    """Instructions and a summary as long as they may be, of what is widest as JSON."""
    room = Room()
    persona = room.persona(tone="\U0001f600" * 200, context_tokens=context_tokens)
    for _ in range(5):
        await room.guide(persona, f".{character * 998}.")
    room.model.otherwise = character * 60_000
    for _ in range(4):
        await room.say("\U0001f600" * 15_900)
    await room.tick(persona)
    assert persona.state.summary is not None
    assert isinstance(
        PersonaAgent.State.model_validate_json(persona.save_state()), PersonaAgent.State
    )
