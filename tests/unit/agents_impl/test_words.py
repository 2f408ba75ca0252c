"""Words as guidance: what each type reads in a phrase, and what it asks back."""

import pytest

from agent_core.agent.guidance import GuidanceRejectedError
from agents_impl.joke import JokeAgent
from agents_impl.panelist.agent import PanelistAgent
from agents_impl.persona.agent import PersonaAgent
from agents_impl.subject_words import is_said_in
from agents_impl.task.agent import TaskAgent

TYPES = [JokeAgent, PersonaAgent, PanelistAgent, TaskAgent]


def fields(kind, text):
    found = kind.parse_guidance(text)
    return found if isinstance(found, str) else found.model_dump(exclude_none=True)


@pytest.mark.parametrize(
    ("text", "subject"),
    [
        ("dogs", "dogs"),
        ("Hunde", "Hunde"),
        ("the stock market please", "the stock market"),
        ("dogs, cats and owls", "dogs, cats and owls"),
        ("about dogs, cats and owls", "dogs, cats and owls"),
        ("tell some about dogs", "dogs"),
        ("Tell me a joke about the sea, please", "the sea"),
        ("about tax law now!", "tax law"),
        ("switch to jokes on owls", "owls"),
        ("how about the moon?", "the moon"),
        ("what about bees", "bees"),
        ("subject: tea", "tea"),
        ("change the subject to rain", "rain"),
        ('talk about "tax law" instead', "tax law"),
        ("enough of cats, tell some about the sea", "the sea"),
        ("stop talking about cats and tell about dogs", "dogs"),
        ("don't talk about tea but about coffee", "coffee"),
        ("forget about cats, now about dogs", "dogs"),
        ("dogs instead of cats", "dogs"),
        ("instead of cats, dogs", "dogs"),
        ("no, about dogs", "dogs"),
        ('{"subject": "dogs"}', "dogs"),
        ('  {"subject":\n "dogs"}\n', "dogs"),
    ],
)
def test_a_joke_reads_the_subject(text, subject):
    """Plain words, and a JSON object that was typed or pasted, are fields."""
    assert fields(JokeAgent, text) == {"subject": subject}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("stop talking about my uncle", "says what to leave"),
        ("no more cats", "says what to leave"),
        ("not about dogs", "says what to leave"),
        ("anything but cats", "says what to leave"),
        ("please, less about tea", "says what to leave"),
        ("quit the uncle jokes", "says what to leave"),
        ("nicht über Hunde", "says what to leave"),
        ("be funnier", "names no subject"),
        ("shorter please", "names no subject"),
        ("change the subject", "names no subject"),
        ("hello", "names no subject"),
        ("pause", "names no subject"),
        ("tell some about something", "is no subject"),
        ("why do you always talk about cats?", "is a question"),
    ],
)
def test_a_joke_asks_back_what_names_no_subject(text, says):
    """Nothing is guessed: the question says why, and how to say it."""
    with pytest.raises(GuidanceRejectedError) as asked:
        JokeAgent.parse_guidance(text)
    assert str(asked.value).startswith("What should the jokes be about?")
    assert says in str(asked.value)
    assert '{"subject": "dogs"}' in str(asked.value)


@pytest.mark.parametrize(
    "text",
    [
        "I would rather hear of man's best friend",
        "\u043d\u0435 \u043e \u0441\u043e\u0431\u0430\u043a\u0430\u0445",
        "about dogs " * 60,
    ],
)
def test_what_is_not_plain_is_left_to_a_model(text):
    """It is handed on whole."""
    assert JokeAgent.parse_guidance(text) == text.strip()


@pytest.mark.parametrize(
    ("subject", "text", "said"),
    [
        ("dogs", "my dog, for a change", True),
        ("man's best friend", "I would rather hear of man's best friend", True),
        ("Sea", "more of the SEA", True),
        ("cats", "I would rather hear of man's best friend", False),
        ("", "anything", False),
    ],
)
def test_a_models_subject_is_one_that_was_said(subject, text, said):
    """One that has no word of what was typed is a guess."""
    assert is_said_in(subject, text) is said


@pytest.mark.parametrize(
    ("text", "order"),
    [
        ("mute", {"type": "mute"}),
        ("Please be quiet.", {"type": "mute"}),
        ("unmute", {"type": "unmute"}),
        ("speak now!", {"type": "speak_now"}),
        ("cooldown 5 s", {"type": "set_cooldown", "seconds": 5.0}),
        ("set the cooldown to 0.5", {"type": "set_cooldown", "seconds": 0.5}),
        ("talkativeness 0.3", {"type": "set_talkativeness", "value": 0.3}),
        ("tone: noir", {"type": "set_tone", "tone": "noir"}),
        ('{"type": "set_tone", "tone": "dry"}', {"type": "set_tone", "tone": "dry"}),
        ("stop talking about my uncle", "stop talking about my uncle"),
        ("speak now and then of bread", "speak now and then of bread"),
    ],
)
def test_a_persona_reads_orders_and_keeps_other_words(text, order):
    """Other words are an instruction: whoever plays it knows what they mean."""
    assert fields(PersonaAgent, text) == order


@pytest.mark.parametrize(
    ("text", "order"),
    [
        ("Tone: noir!", {"type": "set_tone", "tone": "noir"}),
        ("be brief", "be brief"),
        ("mute", "mute"),
    ],
)
def test_a_panelist_reads_a_tone_and_keeps_other_words(text, order):
    """What only a conversation knows is words to it, as any other."""
    assert fields(PanelistAgent, text) == order


@pytest.mark.parametrize(
    ("text", "order"),
    [
        ("goal: write the notes", {"type": "set_goal", "goal": "write the notes"}),
        ("tools: files, commands", {"type": "set_tools", "tools": ["files", "commands"]}),
        ('{"type": "set_goal", "goal": "x"}', {"type": "set_goal", "goal": "x"}),
        ("leave the tests alone", "leave the tests alone"),
        ("do not touch the tests", "do not touch the tests"),
    ],
)
def test_a_task_reads_orders_and_keeps_other_words(text, order):
    """The same for a task."""
    assert fields(TaskAgent, text) == order


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"subject": ', "is no JSON object"),
        ("{“subject”: “dogs”}", "straight quotation marks"),
        ('{"moon": 1}', "does not fit agents of type"),
    ],
)
def test_json_that_fits_no_field_is_refused(kind, text, says):
    """It is never kept as words."""
    with pytest.raises(GuidanceRejectedError, match=says):
        kind.parse_guidance(text)


@pytest.mark.parametrize("kind", TYPES)
def test_a_types_examples_are_guidance(kind):
    """What the composer invites to is understood."""
    assert kind.words.placeholder
    assert kind.words.examples
    for each in kind.words.examples:
        assert kind.parse_guidance(each)
