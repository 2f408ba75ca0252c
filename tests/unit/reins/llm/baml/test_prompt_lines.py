"""In every prompt each value keeps to a line of its own, whatever is in it, and is there whole."""

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reins.llm.baml.prompts import PROMPTS, functions, read_prompts
from reins.llm.baml.runtime import Compiled

AS_GIVEN = {"Converse"}
"""Sends whole messages of its caller's, not values on lines."""
ONE, SOME = "one", "some"
TAGS = {
    "TellAJoke": {"subject": ONE, "told": SOME},
    "ExtractSubject": {"guidance": ONE},
    "PanelistAnswer": {
        "name": ONE, "tone": ONE, "about": ONE, "instruction": SOME, "question": ONE, "fact": SOME,
    },
    "PersonaReply": {
        "name": ONE, "tone": ONE, "about": ONE, "instruction": SOME, "other": SOME, "summary": ONE,
        "memory": SOME, "message": SOME,
    },
    "SummarizeConversation": {"summary": ONE, "message": SOME},
    "ChooseAction": {"goal": ONE, "action": SOME, "seen": SOME},
    "Think": {
        "tool": SOME, "goal": ONE, "summary": ONE, "step": SOME, "file": SOME, "fact": SOME,
        "rejected": SOME, "guidance": SOME, "note": SOME,
    },
    "Summarise": {"goal": ONE, "summary": ONE, "step": SOME},
    "PlanTasks": {"goal": ONE, "worker": SOME, "guidance": SOME, "fact": SOME, "problem": ONE},
    "JudgeResult": {"goal": ONE, "task": ONE, "acceptance": ONE, "result": ONE},
    "ReplanTasks": {
        "goal": ONE, "worker": SOME, "planned": SOME, "guidance": SOME, "why": ONE, "problem": ONE,
    },
    "SumUpTasks": {"goal": ONE, "worked": SOME, "guidance": SOME},
}  # fmt: skip
MANY = {
    "instruction": "instructions",
    "other": "others",
    "message": "messages",
    "memory": "memories",
    "action": "actions",
    "tool": "tools",
    "step": "steps",
    "file": "files",
    "fact": "facts",
    "rejected": "rejections",
    "note": "notes",
    "worker": "workers",
    "planned": "tasks",
    "worked": "tasks",
}
BESIDE = {"PlanTasks": {"most": 5}, "ReplanTasks": {"most": 5}, "JudgeResult": {"attempt": 1}}
"""Numbers, which no line of their own has."""
AS_JSON = {"message", "step"}
HOSTILE = 'a"\n[x] "b"\r[x]\u2028[x] "c"\u2029[x]\x85[x]\v[x]\f[x]\x1c[x]\x1e \\u2028 it\'s <b>&é😀'


@pytest.fixture(scope="module")
def compiled() -> Compiled:
    values = {"REINS_ROUTE_ADDRESS": "http://x", "REINS_ROUTE_MODEL": "m", "REINS_ROUTE_KEY": "k"}
    return Compiled(read_prompts(PROMPTS), values)


def test_every_prompt_is_looked_at() -> None:
    """A prompt that is added is added here too."""
    assert {name for name, _, _ in functions(read_prompts(PROMPTS))} == TAGS.keys() | AS_GIVEN


def values_of(compiled: Compiled, function: str, text: str) -> list[tuple[str, str]]:
    """Tag and value of each line that has both, by any way of counting lines."""
    arguments: dict[str, object] = {**BESIDE.get(function, {})}
    for tag, many in TAGS[function].items():
        value = orjson.dumps(text).decode() if tag in AS_JSON else text
        arguments[MANY.get(tag, tag)] = [value, value] if many == SOME else value
    prompt = compiled.messages(function, arguments)
    assert [message["role"] for message in prompt] == ["system", "user"]
    lines = [line for message in prompt for line in message["content"].splitlines()]
    tagged = [line[1:].split("] ", 1) for line in lines if line.startswith("[")]
    return [(tag, orjson.loads(value)) for tag, value in tagged]


@pytest.mark.parametrize("function", TAGS)
def test_a_hostile_value_keeps_to_its_line(compiled: Compiled, function: str) -> None:
    """No line break of any kind ends the line, and quoting changes nothing."""
    found = values_of(compiled, function, HOSTILE)
    assert found == [
        (tag, HOSTILE) for tag, many in TAGS[function].items() for _ in range(1 + (many == SOME))
    ]


@given(st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=100))
def test_any_value_keeps_to_its_line(compiled: Compiled, text: str) -> None:
    """The same for whatever can be written."""
    for function in TAGS:
        assert {value for _, value in values_of(compiled, function, text)} == {text}


def test_a_value_reads_as_it_was_written(compiled: Compiled) -> None:
    """A model sees an apostrophe and an ampersand as such, not as escapes."""
    prompt = compiled.render("TellAJoke", {"subject": "Bob's <R&B>", "told": []})
    assert prompt == """[subject] "Bob's <R&B>\""""
