"""A panelist's own part: what it asks the model, what it reports, and what guidance does to it."""

import asyncio
from types import SimpleNamespace

import pytest
from pydantic import ValidationError

from agent_core.agent.guidance import GuidanceRejectedError, problems
from agent_core.agent.services import Services
from agent_core.session.controls import Interrupt
from agents_impl.panelist.agent import PanelistAgent
from agents_impl.panelist.models import PanelistConfig
from reins.llm import Model, ModelError
from tests.unit.agents_impl.persona.talking import ScriptedModel

GOOD = {"name": "Mara", "goal": "Should cats vote?"}


def panelist(*answers, **config):
    """One of which only the tick is tested, and its model."""
    model, aborts = ScriptedModel(*answers), []
    services = Services()
    services._services[Model] = model
    session = SimpleNamespace(scope=SimpleNamespace(abort=aborts.append), aborts=aborts)
    made = PanelistAgent(session=session, config=PanelistConfig(**GOOD | config), services=services)
    return made, model


async def guide(agent, raw):
    return await agent.guide(agent.parse_guidance(raw))


async def test_it_answers_once_and_reports_by_contract():
    """One call as a stream; the answer is the row's text, the result, and the summary."""
    agent, model = panelist(
        "Mara: “Let them.”", tone="noir", about="a detective", facts=["Cats sleep."]
    )
    result = await agent.tick()
    assert model.streamed == ["PanelistAnswer"]
    assert model.asked == [
        ("PanelistAnswer", {
            "name": "Mara", "tone": "noir", "about": "a detective", "instructions": [],
            "question": "Should cats vote?", "facts": ["Cats sleep."],
        }),
    ]  # fmt: skip
    assert (result.text, result.done) == ("“Let them.”", True)
    assert result.payload["tone"] == "noir"
    assert result.payload["demonstration"] is False
    assert agent.report() == {
        "status": "done", "goal": "Should cats vote?", "summary": "“Let them.”", "files": [],
        "facts": [],
    }  # fmt: skip


async def test_it_reports_nothing_before_it_has_answered():
    """As a task without a result."""
    agent, _ = panelist()
    assert agent.report() is None


async def test_the_word_that_a_persona_passes_with_may_be_an_answer():
    """Nobody offered it to pass."""
    agent, _ = panelist("Pass.", goal="Will it pass or fail?")
    assert (await agent.tick()).text == "Pass."


@pytest.mark.parametrize("answer", ["Mara:", "User: Should cats vote?\nUser: Well?", "```\n\n```"])
async def test_an_answer_without_words_of_its_own_is_a_failure(answer):
    """It ends all the same, and whoever has asked reads so."""
    agent, _ = panelist(answer)
    result = await agent.tick()
    assert result.done
    assert (agent.report()["status"], agent.report()["summary"]) == ("failed", result.text)
    assert "no answer" in result.text


async def test_guidance_counts_before_the_answer():
    """A tone and instructions reach the model, and can be taken back."""
    agent, model = panelist("Aye.")
    for raw in ("be brief", "tone: pirate", "think of those who pay"):
        understood = await guide(agent, raw)
    await guide(agent, understood.undo)
    result = await agent.tick()
    _, arguments = model.asked[-1]
    assert (arguments["tone"], arguments["instructions"]) == ("pirate", ["be brief"])
    assert (result.payload["tone"], result.payload["instructions"]) == ("pirate", ["be brief"])


@pytest.mark.parametrize(
    ("raw", "aborts"),
    [
        ("be brief", ["guidance"]),
        ({"type": "set_tone", "tone": "dry"}, ["guidance"]),
        ({"type": "set_budget", "scope": "session", "cost_usd": 1.0}, []),
    ],
)
async def test_a_call_in_flight_is_given_up_for_guidance(raw, aborts):
    """No later tick could heed it; what means no other answer waits for this one."""
    agent, _ = panelist()
    agent.on_control(Interrupt("act_1", "ann", asyncio.Future(), raw, "steer"))
    assert agent.session.aborts == aborts


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        ({"type": "mute"}, "'set_tone', 'set_instructions'"),
        ({"type": "set_tone", "tone": "a\nb"}, "one line"),
        ("x" * 1_001, "has 1001 characters; expected 1000 at the most"),
    ],
)
async def test_guidance_that_means_nothing_to_it_is_refused(raw, says):
    """What belongs to a conversation is none of its own."""
    agent, _ = panelist()
    with pytest.raises(GuidanceRejectedError, match=says):
        await guide(agent, raw)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"goal": ...}, "goal: Field required"),
        ({"goal": " "}, "goal"),
        ({"name": ...}, "name: Field required"),
        ({"name": "Cy\nSYSTEM"}, "one line"),
        ({"tone": ""}, "tone"),
        ({"about": "x" * 2_001}, "at most 2000"),
        ({"facts": ["x" * 1_001]}, "at most 1000"),
        ({"facts": ["x"] * 41}, "at most 40"),
        ({"conversation_id": "c"}, "conversation_id: Extra"),
    ],
)
def test_a_panelist_that_cannot_be_is_refused(given, says):
    """The field is named, and what was expected."""
    config = {name: value for name, value in (GOOD | given).items() if value is not ...}
    with pytest.raises(ValidationError) as refused:
        PanelistConfig.model_validate(config)
    assert says in problems(refused.value)


async def test_a_prompt_that_is_too_long_is_sent_with_less():
    """The oldest facts go first, and the question stays."""
    too_long = ModelError("too long", kind="context_too_long", retryable=False)
    agent, model = panelist(
        too_long, too_long, "Yes.", facts=[f"Fact {n}. " + "x " * 400 for n in range(40)]
    )
    assert (await agent.tick()).text == "Yes."
    sent = [arguments for _, arguments in model.asked]
    assert [each["question"] for each in sent] == ["Should cats vote?"] * 3
    facts = [each["facts"] for each in sent]
    assert len(facts[0]) > len(facts[1]) > len(facts[2]) > 0
    assert facts[2][-1].startswith("Fact 39.")


@pytest.mark.parametrize("character", ["\U0001f600", '"', "\x01"])
async def test_the_largest_state_there_can_be_fits_a_snapshot(character):
    """Instructions, question and answer as long as they may be, of what is widest as JSON."""
    agent, _ = panelist(character * 60_000, goal=f".{character * 3_998}.")
    for _ in range(5):
        await guide(agent, f".{character * 998}.")
    await agent.tick()
    assert PanelistAgent.State.model_validate_json(agent.save_state()) == agent.state
