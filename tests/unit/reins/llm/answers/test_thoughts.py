"""A thought is told apart from the answer, in whichever form a model writes it."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reins.llm.answers.harmony import is_harmony
from reins.llm.answers.thoughts import PartingStream, part

THOUGHT = "The user wants a joke. Do not tell the plan."
JOKE = "Two otters walk into a bar."

PARTED = {
    "paired": f"<think>\n{THOUGHT}\n</think>\n\n{JOKE}",
    "after white space": f"\n\n  <think>{THOUGHT}</think>{JOKE}",
    "thinking": f"<thinking>{THOUGHT}</thinking>\n{JOKE}",
    "thought": f"<thought>{THOUGHT}</thought>\n{JOKE}",
    "reasoning": f"<reasoning>{THOUGHT}</reasoning>{JOKE}",
    "in capitals": f"<THINK>{THOUGHT}</Think >{JOKE}",
    "with attributes": f'<think time="3 s">{THOUGHT}</think>{JOKE}',
    "with a prefix": f"<seed:think>{THOUGHT}</seed:think>{JOKE}",
    "names that differ": f"<thinking>{THOUGHT}</think>{JOKE}",
    "Mistral's": f"[THINK]{THOUGHT}[/THINK]{JOKE}",
    "Kimi's": f"◁think▷{THOUGHT}◁/think▷{JOKE}",
    "Cohere's": f"<|START_THINKING|>{THOUGHT}<|END_THINKING|><|START_RESPONSE|>{JOKE}"
    "<|END_RESPONSE|>",
    "of Gemma": f"<|channel>thought\n{THOUGHT}<channel|>{JOKE}",
    "of OpenThinker": f"<|begin_of_thought|>{THOUGHT}<|end_of_thought|><|begin_of_solution|>{JOKE}"
    "<|end_of_solution|>",
    "before an answer in tags": f"<think>{THOUGHT}</think>\n<answer>\n{JOKE}\n</answer>",
    "never opened": f"{THOUGHT}\n</think>\n\n{JOKE}",
    "after the answer": f"{JOKE}\n<think>\n{THOUGHT}\n</think>",
    "after the answer, never closed": f"{JOKE}\n<think>{THOUGHT}",
    "after the answer, on its line": f"{JOKE} <think> {THOUGHT}",
    "one in the other": f"<think>a <think>b</think> {THOUGHT}</think>{JOKE}",
    "one that names its end": f"<think>I end it with `</think>`. {THOUGHT}</think>{JOKE}",
    "one that ends too early": f"<think>x</think> no: {THOUGHT}\n</think>\n{JOKE}",
    "one cut off in its code": f"<think>\n```py\n{THOUGHT}\n</think>\n{JOKE}",
    "never opened, with half a code": f"`{THOUGHT}\n```\nx\n</think>{JOKE}",
    "channels": f"<|channel|>analysis<|message|>{THOUGHT}<|end|><|start|>assistant<|channel|>final"
    f"<|message|>{JOKE}<|return|>",
    "channels, from the start": "<|start|>assistant<|channel|>analysis<|message|>x<|end|>"
    f"<|start|>assistant<|channel|>commentary<|message|>{THOUGHT}<|end|>"
    f"<|start|>assistant<|channel|>final <|constrain|>json<|message|>{JOKE}",
    "channels, with a call": "<|channel|>commentary to=functions.look <|constrain|>json<|message|>"
    f'{{"q": "{THOUGHT}"}}<|call|><|start|>assistant<|channel|>final<|message|>{JOKE}',
    "channels, never opened": f"{THOUGHT}<|end|><|start|>assistant<|channel|>final<|message|>"
    f"{JOKE}",
    "channels without their tokens": f"analysis{THOUGHT}assistantfinal{JOKE}",
    "several channels without tokens": f"analysis{THOUGHT}assistantcommentaryHm.assistantfinal"
    f"{JOKE}",
    "a tag in a channel": f"<|channel|>final<|message|><think>{THOUGHT}</think>{JOKE}",
}
NOTHING_ELSE = {
    "paired": f"<think>{THOUGHT}</think>",
    "never closed": f"<think>\n{THOUGHT}",
    "never opened": f"{THOUGHT}\n</think>\n",
    "cut off in a tag's name": f"<think>{THOUGHT}</thi",
    "channels": f"<|channel|>analysis<|message|>{THOUGHT}",
    "a channel's name": f"<|channel|>analysis<|message|>{THOUGHT}<|end|><|start|>assistant"
    "<|channel|>",
    "channels without their tokens": f"analysis{THOUGHT}",
    "two of them": f"<think>x</think>\n<think>{THOUGHT}</think>",
}
LEFT_ALONE = {
    "a joke": JOKE,
    "empty": "",
    "other tags": "Use <b>bold</b> and <i>italics</i>, or <thinker> and </thinker>.",
    "signs": "I <3 you [x] and 1 < 2 > 0, a[i] ◁ b",
    "a tag in a line of code": "Models write `<think>` before and `</think>` after.",
    "a pair in a line of code": "Write `<think>so</think>` there.",
    "a pair in a fence": "So:\n```xml\n<think>\nhm\n</think>\n```\nThat is all.",
    "a quoted tag": 'The word "<think>" and «</think>» are tags.',
    "a tag in a sentence": "The <think> tag is for thoughts.",
    "whole JSON": '{"text": "<think> or </think>"}',
    "a word": "analysis of cats: they sleep.",
    "German": "Analyse: Katzen. analysiert",
}


@pytest.mark.parametrize("text", PARTED.values(), ids=PARTED)
def test_the_thought_is_no_part_of_the_answer(text: str) -> None:
    """The answer is the answer alone, and nothing of the thought is lost."""
    parted = part(text)
    assert parted.answer.strip() == JOKE
    assert THOUGHT in parted.thought
    assert parted.found


@pytest.mark.parametrize("text", NOTHING_ELSE.values(), ids=NOTHING_ELSE)
def test_nothing_but_a_thought(text: str) -> None:
    """What remains is empty."""
    parted = part(text)
    assert parted.answer.strip() == ""
    assert THOUGHT in parted.thought


@pytest.mark.parametrize("text", LEFT_ALONE.values(), ids=LEFT_ALONE)
def test_what_is_no_thought_stays(text: str) -> None:
    """Code, quotations and talk about tags are an answer's text."""
    assert (part(text).answer, part(text).thought) == (text, "")


def shown(text: str, step: int, *, begins_in_thought: bool = False) -> list[str]:
    """The answer so far, after each piece of a text."""
    stream = PartingStream(begins_in_thought=begins_in_thought)
    return [stream.answer(text[:at]) for at in range(step, len(text) + step, step)]


OPENED = {name: text for name, text in PARTED.items() if not part(text).lone}


@pytest.mark.parametrize("step", [1, 2, 3, 7, 1000])
@pytest.mark.parametrize("text", OPENED.values(), ids=OPENED)
def test_a_thought_is_not_shown_while_it_comes(text: str, step: int) -> None:
    """Of a thought with a beginning not a word is shown, wherever the pieces end."""
    for so_far in shown(text, step):
        assert so_far.strip() in JOKE
    assert shown(text, step)[-1].strip().startswith(JOKE[:-1])


LONE = {name: text for name, text in PARTED.items() if part(text).lone and "<think>" not in text}


@pytest.mark.parametrize("text", LONE.values(), ids=LONE)
def test_a_thought_without_a_beginning_is_held_back_once_it_is_known(text: str) -> None:
    """It is taken back when its end comes; of a model that is known for it, it is not shown."""
    assert shown(text, 5)[-1].strip().startswith(JOKE[:-1])
    for so_far in shown(text, 5, begins_in_thought=True):
        assert THOUGHT not in so_far
    assert shown(JOKE, 5, begins_in_thought=True)[-1] == "", "it is shown at the end, as a whole"


@pytest.mark.parametrize("text", LEFT_ALONE.values(), ids=LEFT_ALONE)
def test_what_is_no_thought_is_shown(text: str) -> None:
    """What may become a tag is held back for a moment, and nothing else is lost."""
    for at, so_far in enumerate(shown(text + " And so on, for a long while.", 3)):
        assert len(so_far) >= 3 * at - 140
    assert shown(text + "\nAnd so on, for a long while.", 4)[-1].endswith("a long while.")


PIECES = st.sampled_from([
    "<think>", "</think>", "[THINK]", "[/THINK]", "<|channel|>", "analysis", "final", "<|message|>",
    "<|start|>", "<|end|>", "assistant", "`", "```\n", "\n", "<", "{", "}", '"', "word ",
    "<answer>", "</answer>", "◁", "<|channel>thought", "<channel|>", "é",
])  # fmt: skip


@given(st.lists(PIECES, max_size=30), st.integers(1, 9), st.booleans())
def test_whatever_comes_is_parted(pieces: list[str], step: int, known: bool) -> None:  # noqa: FBT001
    """Nothing raises, and no word is lost or doubled, but for the names of channels."""
    text = "".join(pieces)
    parted = part(text)
    told = parted.answer.count("word") + parted.thought.count("word")
    assert told == text.count("word") or (is_harmony(text) and told < text.count("word"))
    for so_far in shown(text, step, begins_in_thought=known):
        assert so_far.count("word") <= text.count("word")


@pytest.mark.parametrize(
    "text",
    ["```a\n" * 13_000, "<think>" * 9_000, "`<think>`" * 7_000, "<think>a</think>" * 4_000,
     "<" * 64_000, "<|channel|>" * 6_000, "<think " + "x" * 64_000, "[" * 64_000, "`" * 64_000],
)  # fmt: skip
def test_hostile_texts_take_no_time(text: str) -> None:
    """The longest answer of nothing but marks is parted at once, and in pieces soon."""
    began = time.process_time()
    part(text)
    assert time.process_time() - began < 1
    shown(text, 2_000)
    assert time.process_time() - began < 3
