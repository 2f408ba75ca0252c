"""A thought: the call and its one repair, summaries on the way, what is learned of the route."""

import json
import threading

import pytest

from agents_impl.task.prompting import decide, think
from agents_impl.task.reading import UnreadableError
from agents_impl.task.window import window
from reins.llm import Completion, Model, ModelError
from tests.unit.agents_impl.task.thinking import TOOLS, State, steps

GOOD = '{"thought": "t", "tool": "read_file", "arguments": {"path": "a"}}'
LIMIT = 6_000


class Scripted(Model):
    """Answers from a list; keeps what it was asked."""

    def __init__(self, *answers, tokens_in=500):
        self.answers, self.asked, self.tokens_in = list(answers), [], tokens_in

    async def stream(self, function, schema=None, **arguments):
        assert function == "Think", "only a thought is watched"
        return await self._answer(function, arguments)

    async def call(self, function, schema=None, **arguments):
        assert function == "Summarise"
        return await self._answer(function, arguments)

    async def _answer(self, function, arguments):
        self.asked.append((function, arguments))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return Completion(answer, self.tokens_in, 4, 1.0, 1, "m", demonstration=False, route="main")


def failed(kind):
    return ModelError("it failed", kind=kind, retryable=False)


async def test_a_readable_answer_takes_one_call():
    """It says what was decided, and on what."""
    model, state = Scripted(GOOD), State()
    thought = await decide(model, state, steps(2), TOOLS, LIMIT)
    assert thought.decided.tool == "read_file"
    assert thought.window.figures["dropped"] == 0
    assert (thought.model, thought.repaired) == ("m", False)
    assert len(model.asked) == 1
    assert "problem" not in model.asked[0][1]


@pytest.mark.parametrize(("size", "here"), [(1_000, True), (100_000, False)])
async def test_a_long_answer_is_read_beside_the_loop(size, here):
    """Other sessions go on meanwhile."""
    checked = []

    class Watched(type(TOOLS["read_file"])):
        def check(self, arguments):
            checked.append(threading.get_ident())
            return super().check(arguments)

    def look(path: str) -> str:
        return path

    watched = Watched(look, "watched", "Look.", TOOLS["read_file"].policy, "")
    answer = json.dumps({"tool": "watched", "arguments": {"path": "x" * size}})
    thought = await decide(Scripted(answer), State(), steps(2), {"watched": watched}, LIMIT)
    assert thought.decided.tool == "watched"
    assert [each == threading.get_ident() for each in checked] == [here]


async def test_an_unreadable_answer_is_sent_back_once():
    """With what was wrong; the same material stands before it."""
    model = Scripted("Let me think.", GOOD)
    thought = await decide(model, State(), steps(2), TOOLS, LIMIT)
    assert thought.repaired
    (_, first), (_, second) = model.asked
    assert second == first | {"answer": "Let me think.", "problem": second["problem"]}
    assert "no JSON object" in second["problem"]
    model = Scripted("No.", '{"tool": "fly"}')
    with pytest.raises(UnreadableError, match="no tool 'fly'"):
        await think(model, window(State(), steps(1), TOOLS, LIMIT, 3.0), TOOLS)
    assert len(model.asked) == 2


async def test_an_answer_that_broke_off_is_asked_for_shorter():
    """Once; other failures are raised as they are."""
    model = Scripted(failed("truncated"), GOOD)
    assert (await decide(model, State(), steps(1), TOOLS, LIMIT)).repaired
    assert "write less" in model.asked[1][1]["problem"]
    with pytest.raises(UnreadableError, match="twice"):
        await decide(
            Scripted(failed("truncated"), failed("too_long")), State(), steps(1), TOOLS, LIMIT
        )
    for answers in ([failed("auth")], ["No.", failed("auth")]):
        with pytest.raises(ModelError):
            await decide(Scripted(*answers), State(), steps(1), TOOLS, LIMIT)


async def test_a_context_that_is_too_long_is_halved():
    """And what fitted is kept to."""
    model, state = Scripted(failed("context_too_long"), GOOD), State()
    await decide(model, state, steps(12), TOOLS, LIMIT)
    assert state.fits_tokens == LIMIT // 2
    (_, first), (_, second) = model.asked
    assert sum(map(len, second["steps"])) < sum(map(len, first["steps"]))
    assert state.summary.dropped


async def test_steps_are_summarised_once_per_need():
    """Before the thought, with what they gave as far as it fits; then it is left alone."""
    model, state = Scripted("They were read.", GOOD, GOOD), State()
    history = steps(100, size=180)
    await decide(model, state, history, TOOLS, LIMIT)
    assert [name for name, _ in model.asked] == ["Summarise", "Think"]
    assert "result 1 x" in model.asked[0][1]["steps"][0]
    assert model.asked[1][1]["summary"] == "They were read."
    await decide(model, state, history, TOOLS, LIMIT)
    assert [name for name, _ in model.asked] == ["Summarise", "Think", "Think"]


async def test_the_route_teaches_how_long_a_token_is():
    """Its own count of what was sent sets how much is sent next."""
    state = State()
    made = window(state, steps(2), TOOLS, LIMIT, 3.0)
    await decide(Scripted(GOOD, tokens_in=made.size_bytes // 4), state, steps(2), TOOLS, LIMIT)
    assert state.bytes_per_token["main"] == pytest.approx(4.0, abs=0.05)
    thought = await decide(Scripted(GOOD), state, steps(2), TOOLS, LIMIT)
    assert thought.window.bytes_per_token == pytest.approx(4.0, abs=0.05)
