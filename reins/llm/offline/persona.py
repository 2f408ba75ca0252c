"""How the offline model plays a person in a conversation: a voice by tone, a topic by message.

It keeps nothing between calls. What was said is in the prompt, and so is what not to say again.
A person's question stays the topic until a person says something else; each keeps a position.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from zlib import crc32

from reins.llm.offline.lines import filled, pieces, recognised, touched, voice_of
from reins.llm.offline.stance import AGREE, DIFFER, EVERY_TURNS, HOLD, Stances, summed_up
from reins.llm.offline.topic import topic_of
from reins.llm.offline.voices import Voice
from reins.llm.text import one_line
from reins.names.hearing import is_named

NOTHING_TO_ADD = "PASS"
"""The word that the prompt asks for."""
PASSES_ONE_IN = 25
WINDOW = 30
"""Messages that are looked at; older ones do not change an answer."""
LONGEST_READ = 1000
LONGEST_NAME = 40
OWN_LAST = 3

YES_OR_NO = re.compile(
    r"\b(?:should|can|could|would|will|shall|may|must|do|does|did|is|are|was|were|have|has)"
    r"(?:n't)?\s[^?.!]*\?\s*$",
    re.IGNORECASE,
)
OPEN = re.compile(r"\b(?:what|why|how|who|which|when|where)\b[^?.!]*\?\s*$", re.IGNORECASE)


def number_of(text: str) -> int:
    """The same for the same text. Mixed: checksums of like texts differ by the same few bits."""
    return (crc32(text.encode()) * 2_654_435_761 & 0xFFFFFFFF) >> 8


@dataclass(frozen=True, slots=True)
class Said:
    """A message. `kind` and `speaker` say whose it is; the text never does."""

    number: int
    kind: str
    speaker: str
    text: str


@dataclass(frozen=True)
class Part:
    """The speaker, and the newest messages before its turn, the oldest first."""

    name: str
    tone: str
    about: str
    instructions: Sequence[str]
    others: Sequence[str]
    messages: Sequence[Said]

    @cached_property
    def voice(self) -> Voice:
        return voice_of(self.tone)

    @cached_property
    def everybody(self) -> list[str]:
        return sorted({self.name, *self.others})

    @cached_property
    def own(self) -> list[str]:
        """The speaker's own newest messages."""
        return [said.text for said in self.messages if said.kind == "you"][-OWN_LAST:]

    @cached_property
    def asked(self) -> Said | None:
        """The newest message of a person: what they all talk about."""
        people = (said for said in reversed(self.messages) if said.kind == "person")
        return next(people, None)

    @cached_property
    def theme(self) -> str:
        """The subject of a person's newest message; empty where none is found."""
        if self.asked is None:
            return ""
        number = number_of(self.asked.text)
        return topic_of(self.asked.text, (*self.everybody, self.asked.speaker), number)

    @cached_property
    def stances(self) -> Stances | None:
        """The positions on what a person has asked; None where nobody asked anything."""
        if self.asked is None or "?" not in self.asked.text:
            return None
        text = self.asked.text
        return Stances(tuple(self.everybody), number_of(text), is_closed(text))

    @cached_property
    def moment(self) -> int:
        """A number that all who take part have in common after the same message."""
        last = [f"{said.number}\0{said.text}" for said in self.messages[-1:]]
        return number_of("\0".join((*last, *self.everybody)))

    def chance(self, of: str, one_in: int) -> int:
        """A number below `one_in` that depends on who speaks, how, after what, and on `of`."""
        return number_of(f"{of}\0{self.name}\0{self.tone}\0{self.moment}") % one_in

    def says(self, line: str, topic: str, other: str = "", **more: str) -> str:
        who = self.messages[-1].speaker if self.messages else ""
        tone = f"“{one_line(self.tone, LONGEST_NAME)}”"
        other = one_line(other, LONGEST_NAME)
        return filled(line, {"t": topic, "tone": tone, "who": who, "other": other, **more})

    def as_asked(self) -> str:
        """A sentence on the newest instruction, of which there is one."""
        return f"They asked me for “{one_line(self.instructions[-1], 60)}”, so I try."

    def as_whom(self) -> str:
        """A sentence on who it is, where that is told as "a baker" is; else none."""
        about = one_line(self.about, 80).rstrip(".")
        told = re.match(r"(?:an?|the) ", about, re.IGNORECASE)
        return f"I say that as {about[0].lower()}{about[1:]}." if told else ""


def part_of(fields: Mapping[str, Sequence[str]], objects: Sequence[Mapping[str, Any]]) -> Part:
    """The part that a prompt gives, from its lines by tag and its messages."""
    return Part(
        name=fields.get("name", ["Somebody"])[0],
        tone=fields.get("tone", [""])[0],
        about=fields.get("about", [""])[0],
        instructions=fields.get("instruction", []),
        others=fields.get("other", []),
        messages=said_in(objects[-WINDOW:]),
    )


def said_in(objects: Iterable[Mapping[str, Any]]) -> list[Said]:
    """Messages as they are worked with: each on one line, and bounded."""
    found = []
    for given in objects:
        number, kind = given.get("number"), str(given.get("kind", ""))
        speaker = one_line(str(given.get("speaker", ""))[:LONGEST_READ], LONGEST_NAME)
        text = one_line(str(given.get("text", ""))[: 2 * LONGEST_READ], LONGEST_READ)
        found.append(Said(number if isinstance(number, int) else 0, kind, speaker, text))
    return found


def reply(part: Part) -> str:
    """One to three sentences on one line, or NOTHING_TO_ADD."""
    if not part.messages:
        return part.says(part.voice.begin, "")
    if passes(part):
        return NOTHING_TO_ADD
    last = part.messages[-1]
    topic = _topic(part, last)
    if last.kind == "person" and last.text.endswith("?"):
        said = [_verdict(part, last), part.says(_unheard(part.voice.answers, part), topic)]
    else:
        said = [_position(part, last), part.says(_unheard(part.voice.lines, part), topic)]
    return " ".join(_dressed(part, last, [sentence for sentence in said if sentence], topic))


def _position(part: Part, last: Said) -> str:
    """The speaker's side of what a person asked, beside the last one's; at times, all sides."""
    stances = part.stances
    if stances is None or last is part.asked or part.asked is None:
        return ""
    since = len(part.messages) - 1 - part.messages.index(part.asked)
    if since % EVERY_TURNS == EVERY_TURNS - 1:
        others = [name for name in part.everybody if name != part.name]
        return summed_up(stances, part.name, others)
    mine, theirs = stances.word(part.name), stances.word(last.speaker)
    lines: Sequence[str] = AGREE if mine == theirs else DIFFER
    if last.kind == "you" or last.speaker not in part.everybody:
        lines = HOLD
    return part.says(_fresh(lines, part), "", mine=mine, theirs=theirs)


def passes(part: Part) -> bool:
    """Rarely, and never after a person's message or one with one's name in it."""
    last = part.messages[-1]
    if last.kind != "persona" or is_named(last.text, part.name):
        return False
    return part.chance("pass", PASSES_ONE_IN) == 0


def _topic(part: Part, last: Said) -> str:
    """The thing that a person asked about; where nobody did, the subject of the last message,
    and now and then a thing that it only touched.
    """
    if part.theme:
        return part.theme
    line, topic = recognised(last.text)
    things = touched(line)
    if things and part.chance("drift", 4) == 0:
        return things[0]
    return topic or topic_of(last.text, (*part.everybody, last.speaker), part.moment) or "this"


def is_closed(text: str) -> bool:
    """True for a question that takes a yes or a no."""
    return bool(YES_OR_NO.search(text)) and not OPEN.search(text)


def _verdict(part: Part, last: Said) -> str:
    """Yes, no or neither, where that was the question: the position that it keeps."""
    if part.stances is None or not is_closed(last.text):
        return ""
    return part.voice.verdicts[part.stances.of(part.name)]


def _unheard(lines: Sequence[str], part: Part) -> str:
    """The line that was not heard for longest, and that is none of one's own last.

    Who answers the same message counts from the same place, each by the rank of the name: so two
    of one voice do not say the same.
    """
    heard = {recognised(said.text)[0]: at for at, said in enumerate(part.messages, 1)}
    own = [recognised(text)[0] for text in part.own]
    start, rank = part.moment % len(lines), part.everybody.index(part.name) % len(lines)
    ranked = sorted((*lines[start:], *lines[:start]), key=lambda line: heard.get(line, 0))
    return next((line for line in (*ranked[rank:], *ranked[:rank]) if line not in own), ranked[0])


def _dressed(part: Part, last: Said, said: list[str], topic: str) -> list[str]:
    """Three sentences or so: with who is meant before them, or one more thought after them."""
    often = 2 if last.kind == "person" else 3
    if last.kind != "you" and last.speaker and len(said) == 1 and not part.chance("name", often):
        return [part.says(_fresh(part.voice.addresses, part), topic), *said]
    after = _afterthought(part, last, topic)
    return said if not after or any(after in text for text in part.own) else [*said, after]


def _fresh(lines: Sequence[str], part: Part) -> str:
    """One of the lines; not one that is in what one said last."""
    start = part.chance("line", len(lines))
    for line in (*lines[start:], *lines[:start]):
        if not any(max(pieces(line), key=len) in text for text in part.own):
            return line
    return lines[start]


def _afterthought(part: Part, last: Said, topic: str) -> str:
    """A line on the operators' wish, the speaker, or the next speaker."""
    if part.instructions and not part.chance("instruction", 5):
        return part.as_asked()
    if (as_whom := part.as_whom()) and not part.chance("about", 6):
        return as_whom
    if (other := _quietest(part, last)) and not part.chance("hand over", 6):
        return part.says(part.voice.hand_over, topic, other)
    return ""


def _quietest(part: Part, last: Said) -> str:
    """The one of the others that has been silent for longest."""
    heard = {said.speaker: at for at, said in enumerate(part.messages, 1)}
    others = [name for name in part.others if name not in (part.name, last.speaker)]
    return min(others, key=lambda name: heard.get(name, 0), default="")


def summary(earlier: str, objects: Iterable[Mapping[str, Any]]) -> str:
    """A count, and it says no more: who spoke how often, and what the last ones were about."""
    messages = said_in(objects)
    spoke = Counter(said.speaker or "somebody" for said in messages).most_common(6)
    rest = len(messages) - sum(times for _, times in spoke)
    counts = [f"{name} {times}" for name, times in spoke] + ([f"others {rest}"] if rest else [])
    speakers = [said.speaker for said in messages]
    about = [
        recognised(said.text)[1] or topic_of(said.text, speakers, 0) for said in messages[-12:]
    ]
    parts = [f"Before: {one_line(earlier, 300)}"] if earlier else []
    if messages:
        first, last = messages[0].number, messages[-1].number
        parts.append(f"Messages {first} to {last}, by speaker: {', '.join(counts)}.")
    if topics := list(dict.fromkeys(filter(None, about)))[-4:]:
        parts.append(f"The last were about {', '.join(topics)}.")
    return " ".join(parts) or "Nothing was said."
