"""The offline model as one of a panel: an answer in a voice by tone, and a side by name and tone.

Nobody else's answer is in the prompt, so sides are drawn: of several that are asked the same, some
agree and some do not.
"""

from collections.abc import Mapping, Sequence

from reins.llm.offline.persona import Part, Said, is_closed
from reins.llm.offline.stance import CHOICES, SIDES
from reins.llm.offline.topic import topic_of
from reins.llm.text import one_line

_ACCEPTANCE = "\n\nAccepted if: "
"""An orchestrator's task says after the question by what its answer is accepted."""

_LONGEST_READ = 1_000
_FACT_CHARS = 80
_TOPIC = "this"


def answer(fields: Mapping[str, Sequence[str]]) -> str:
    """Two to five sentences on one line: a position, a thought, and what was to be minded."""
    question = one_line(fields["question"][0].partition(_ACCEPTANCE)[0], _LONGEST_READ)
    part = Part(
        name=fields["name"][0],
        tone=fields["tone"][0],
        about=fields.get("about", [""])[0],
        instructions=fields.get("instruction", []),
        others=(),
        messages=[Said(1, "person", "", question)],
    )
    topic = topic_of(question, (part.name,), part.moment) or _TOPIC
    side, answers = part.chance("side", len(SIDES)), part.voice.answers
    said = [
        part.voice.verdicts[side] if is_closed(question) else f"I am for {CHOICES[side]}.",
        part.says(answers[part.chance("answer", len(answers))], topic),
    ]
    if facts := fields.get("fact", []):
        said.append(f"I was told “{one_line(facts[-1], _FACT_CHARS)}”, and it does not move me.")
    if part.instructions:
        said.append(part.as_asked())
    elif as_whom := part.as_whom():
        said.append(as_whom)
    return " ".join(said)
