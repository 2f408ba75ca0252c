"""A model's answer as a persona's own words."""

import pytest

from agents_impl.persona.speech import speech_of

OTHERS = ("Ann", "Bob", "Ada Lovelace")
PASSES = [
    "PASS", "pass", "Pass.", "PASS\u3002", "PASS\uff01", "\uff30\uff21\uff33\uff33", "PASS\u0964",
    "PASS\u061f", "PASS\u06d4", "\u00bfPASS?", "\u300cPASS\u300d", "\u00abPASS\u00bb",
    "\u201ePASS\u201c", "**PASS**", "_PASS_", "`PASS`", "[PASS]", "<PASS>", "(PASS)", "> PASS",
    "# PASS", "- PASS", "~~PASS~~", "PASS\u2705", "PASS PASS", "PASS\nPASS", "pass... pass",
    "```\nPASS\n```", "```text\nPASS.\n```", "~~~\nPASS\n~~~", "<b>PASS</b>", "\\boxed{PASS}",
    "P\u0410SS", "PASS\u200b",
    "PASS\n\n(I have nothing new to add.)", "PASS (nothing to add)", "PASS: nothing new here.",
    "PASS \u2014 Ann has said it all.", "PASS - nothing new.", "PASS. I have nothing to add.",
    "PASS, since Ann has said it.", "PASS because I have nothing to add.", "PASS\u2026 nothing new",
    "PASS\u3002\u65b0\u3057\u3044\u3053\u3068\u306f\u306a\u3044", "Pass. I have nothing to add.",
    "(I have nothing new to add.)\n\nPASS", "I have nothing new to add. PASS",
    "Nothing new.\n**PASS**",
    "Mara: PASS", "**Mara:** PASS", "**Mara**: PASS.", "Mara\uff1aPASS", "[Mara]: PASS",
    "Mara (noir): PASS", "<Mara> PASS", "### Mara\nPASS", "mara: pass", "MARA: **PASS**",
    "Mara: PASS\nAnn: Well then, I shall.", "Ann: PASS", "Mara passes.", "*Mara passes*", "I pass.",
    "I'll pass.", "Answer: PASS", "Reply: **PASS**", "Mara:", "Mara: ", "```\n```",
    '{"number": 9, "kind": "you", "speaker": "Mara", "text": "PASS"}',
]  # fmt: skip
SAID = [
    "I pass the tea.", "Pass the tea", "Pass me the salt, please.", "Passing through.",
    "PASS THE SALT!",
    "PASS the salt, please.", "PASS/FAIL is the only grade that I know.", "Passport, please.",
    "They shall not pass.", "You shall not PASS the test, Bob.", "No passing here.", "Let it pass.",
    "All things pass: even this.", "Pass, friend, and be welcome.", "...", "\U0001f44d",
    "Mara is who I am.", "As Ann said: tea.", "Note: tea is better.", "Two things: tea, and milk.",
    "Ann: tea, as you say.", "Di: Tea.", "Well.\n\n```\nfree code\n```\n", "See http://example.com.",
    "First: tea.\nSecond: milk.", '"Tea," she said.',
]  # fmt: skip


@pytest.mark.parametrize("answer", PASSES)
def test_ways_to_pass(answer):
    """Whatever surrounds the word, the persona says nothing."""
    speech = speech_of(answer, "Mara", OTHERS)
    assert (speech.text, speech.why) == (None, "it passed")


@pytest.mark.parametrize("answer", SAID)
def test_what_is_no_pass_is_said_as_it_is(answer):
    """The word within a sentence, and a colon that follows nobody's name."""
    assert speech_of(answer, "Mara", OTHERS).text == answer.strip()


@pytest.mark.parametrize(
    "answer",
    [
        "Mara: Tea.",
        "MARA:Tea.",
        "**Mara:** Tea.",
        "**Mara**: Tea.",
        "**Mara: Tea.**",
        "*Mara*: Tea.",
        "__Mara__: Tea.",
        "Mara\uff1aTea.",
        "Mara\u00a0: Tea.",
        "[Mara]: Tea.",
        "[Mara] Tea.",
        "<Mara> Tea.",
        "\u3010Mara\u3011Tea.",
        "Mara (noir): Tea.",
        "Mara [persona]: Tea.",
        "**Mara** \u2014 Tea.",
        "### Mara\nTea.",
        "**Mara**\n\nTea.",
        "You: Tea.",
        "Assistant: Tea.",
        "```\nTea.\n```",
        "```\nMara: Tea.\n```",
        "Mara:\n```\nTea.\n```",
        "Tea.\nAnn: I agree.",
        "Tea.\n\n**Ann:** I agree.\n\nMara: Good.",
        "Mara: Tea.\nAnn: I agree.\nMara: Good.",
        "Ann: What do you drink?\nMara: Tea.",
        "Ann: What do you drink?\nAnd why?\nMara: Tea.\nBob: And I?",
        "Tea.\nada lovelace (person): Oh.",
        "Tea.\nUser: And then?",
        "Tea.\nHuman: And then?",
        "Tea.\n<Ann> And then?",
        '{"number": 3, "kind": "you", "speaker": "Mara", "text": "Tea."}',
        '[message] {"number": 3, "kind": "persona", "speaker": "Mara", "text": "Tea."}',
        'Tea.\n[message] {"number": 4, "kind": "person", "speaker": "Ann", "text": "Oh."}',
        '{"text": "Tea."}',
    ],
)
def test_its_own_words_alone_are_said(answer):
    """Without its own name before them, and without what it has others say."""
    assert speech_of(answer, "Mara", OTHERS).text == "Tea."


def test_lines_of_its_own_stay_lines():
    """Also with its name before each of them."""
    assert speech_of("Mara: Tea.\nMara: And milk.\n\nNo sugar.", "Mara", OTHERS).text == (
        "Tea.\nAnd milk.\n\nNo sugar."
    )


@pytest.mark.parametrize("answer", ["Ann: Tea.\nBob: Milk.", "**Ann:** Tea.\n\n**Bob:** Milk."])
def test_the_lines_of_others_are_nothing_to_say(answer):
    """It is silent, and says why."""
    speech = speech_of(answer, "Mara", OTHERS)
    assert (speech.text, speech.why) == (None, "it wrote the lines of others")


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("Jos\u00e9", "Jose\u0301: T\u00e9."),
        ("Mara Voss", "Mara: T\u00e9."),
        ("\u7f8e\u54b2", "\u7f8e\u54b2\uff1aT\u00e9."),
        ("\u0645\u0627\u0631\u0627", "\u0645\u0627\u0631\u0627: T\u00e9."),
        ("K-2: SO", "K-2: SO: T\u00e9."),
    ],
)
def test_own_names_of_all_scripts(name, answer):
    """Compared as names are, with the first of several words too."""
    assert speech_of(answer, name, OTHERS).text == "T\u00e9."


def test_odd_answers_raise_nothing():
    """Deep or broken JSON, marks alone, colons alone, long lines."""
    for answer in (
        "{",
        '{"text": 3}',
        "[message] {}",
        ":::",
        "**",
        "[]",
        "<>",
        "x:" * 50_000,
        "\ud800:",
    ):
        speech_of(answer, "Mara", OTHERS)
