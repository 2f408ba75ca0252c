"""The joke agent's own part: what guidance means to it."""

import time
from types import SimpleNamespace

import pytest

from agent_core.agent.guidance import GuidanceRejectedError
from agent_core.agent.services import Services
from agents_impl.joke import JokeAgent, JokeConfig, JokeGuidance
from reins.llm import Completion, Model, ModelError


class ScriptedModel(Model):
    """Answers from a list, and keeps what it was asked."""

    def __init__(self, *answers):
        self.answers, self.asked, self.streamed = list(answers), [], []

    async def stream(self, function, schema=None, **arguments):
        self.streamed.append(function)
        return await self.call(function, **arguments)

    async def call(self, function, schema=None, **arguments):
        self.asked.append((function, arguments))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return Completion(answer, 3, 4, 1.0, 1, "scripted", demonstration=False)


def agent(*answers, subject="cats"):
    model = ScriptedModel(*answers)
    services = Services()
    services._services = {Model: model}
    made = JokeAgent(
        session=SimpleNamespace(), config=JokeConfig(subject=subject), services=services
    )
    return made, model


async def test_other_texts_go_to_the_model():
    """What no pattern catches is asked of the model; quotes and stops around it go."""
    joker, model = agent('"dogs".')
    await joker.guide("I would rather hear of my old dog and what he did")
    assert joker.state.subject == "dogs"
    assert model.asked[0][0] == "ExtractSubject"


@pytest.mark.parametrize("answer", ["NONE", "none.", "moles", ""])
async def test_what_the_model_does_not_find_in_the_words_is_asked_back(answer):
    """Neither is a subject that nobody has named taken."""
    joker, _ = agent(answer)
    with pytest.raises(GuidanceRejectedError, match=r"^What should the jokes be about\?"):
        await joker.guide("I would rather hear of my old dog and what he did")
    assert joker.state.subject == "cats"


async def test_a_model_that_fails_is_a_rejection_that_says_the_other_way():
    """Guidance that could not be understood changes nothing and names the dict."""
    joker, _ = agent(ModelError("429", kind="rate_limited", retryable=True))
    with pytest.raises(GuidanceRejectedError, match=r'[Gg]ive it as \{"subject": "dogs"\}'):
        await joker.guide("hmm, dunno")
    assert joker.state.subject == "cats"


async def test_a_dict_is_taken_as_it_is():
    """Structured guidance sets the subject."""
    joker, _ = agent()
    understood = await joker.guide(JokeGuidance(subject="tea"))
    assert joker.state.subject == "tea"
    assert understood.line == "subject: cats → tea"
    assert understood.undo == {"subject": "cats"}


async def test_a_tick_remembers_the_last_jokes():
    """The model is told what was told, five at the most; a joke can be followed as it comes."""
    joker, model = agent(*(f"joke {n}" for n in range(7)))
    results = [await joker.tick() for _ in range(7)]
    assert model.asked[-1] == (
        "TellAJoke", {"subject": "cats", "told": [f"joke {n}" for n in range(1, 6)]},
    )  # fmt: skip
    assert results[0].text == "joke 0"
    assert model.streamed == ["TellAJoke"] * 7
    assert results[0].tokens_in == 0, "the session's account counts what calls take"
    assert results[0].payload["demonstration"] is False


async def test_an_empty_subject_from_the_model_is_rejected():
    """A model that answers with nothing but quotes does not empty the subject."""
    joker, _ = agent('""')
    with pytest.raises(GuidanceRejectedError):
        await joker.guide("well, you know")
    assert joker.state.subject == "cats"


async def test_a_joke_in_a_short_context_is_told_without_the_others():
    """Where the jokes that were told are too much for the model, one is told without them."""
    too_long = ModelError("too long", kind="context_too_long", retryable=False)
    joker, model = agent(too_long, "A new one.")
    with pytest.raises(ModelError):
        await joker.tick()
    joker.state.told = ["An old one."]
    model.answers.insert(0, too_long)
    assert (await joker.tick()).text == "A new one."
    assert [arguments["told"] for _, arguments in model.asked[1:]] == [["An old one."], []]


async def test_a_long_text_does_not_hold_the_loop():
    """A text made to keep a pattern busy goes to the model at once."""
    joker, model = agent("dogs")
    started = time.perf_counter()
    await joker.guide(joker.parse_guidance("about dogs " + "please " * 30_000 + "?"))
    await_s = time.perf_counter() - started
    assert model.asked
    assert await_s < 0.5
