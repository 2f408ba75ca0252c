"""The offline model as one of a panel: in its voice, with a side, and with what is to be minded."""

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reins.llm.offline.answers import Answers

ANY_TEXT = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=300)


def answer(question="Should cats vote?", *, name="Mara", tone="noir", about="", said=(), facts=()):
    who = [("name", name), ("tone", tone), *([("about", about)] if about else [])]
    who += [("instruction", text) for text in said]
    asked = [("question", question), *(("fact", fact) for fact in facts)]
    rules, material = (
        "\n".join(f"[{tag}] {orjson.dumps(text).decode()}" for tag, text in lines)
        for lines in (who, asked)
    )
    found = Answers().to([("system", f"You are …\n{rules}"), ("user", material)])
    assert found.isprintable()
    assert "no language model" not in found
    return found


def test_it_answers_in_its_voice_and_always_the_same():
    """A closed question has a verdict in the voice's own words, and the topic is in the answer."""
    assert answer().startswith(("Yes, the way", "No, and I", "Ask me at dawn"))
    assert "cats" in answer()
    assert answer() == answer()
    assert answer(tone="pirate").startswith(("Aye", "Nay"))


def test_name_and_tone_decide_on_the_side():
    """Of many who are asked the same, each side has some."""
    verdicts = {answer(name=f"M{n}").split(".")[0] for n in range(40)}
    assert len(verdicts) == 3
    assert len({answer(tone=f"tone {n}").split(" ")[0] for n in range(40)}) >= 3


def test_an_open_question_has_a_choice():
    """Neither yes nor no is an answer to it."""
    assert answer("Why do cats vote?").startswith("I am for ")


def test_what_it_is_told_shows():
    """An instruction, the newest fact, and who it is."""
    told = answer(facts=["Cats sleep.", "Cats pay no tax."], about="A detective.")
    assert "“Cats pay no tax.”" in told
    assert told.endswith("I say that as a detective.")
    assert answer(said=["be brief", "be kind"]).endswith("They asked me for “be kind”, so I try.")


def test_what_an_answer_is_accepted_by_is_no_part_of_the_question():
    """An orchestrator says so after the question."""
    assert answer("Should cats vote?\n\nAccepted if: it takes a position") == answer()


@pytest.mark.parametrize("of", ["question", "name", "tone", "about"])
@given(text=ANY_TEXT)
def test_whatever_is_written_has_an_answer(of, text):
    """In one printable line."""
    assert len(answer(**{of: text})) < 700
