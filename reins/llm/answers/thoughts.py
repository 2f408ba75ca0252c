"""A model's thoughts told apart from its answer, once for all who read answers."""

import re
from dataclasses import replace

import orjson

from reins.llm.answers.harmony import is_harmony, may_be_harmony, part_channels
from reins.llm.answers.tags import NAME, TAG, Parted, joined, part_tags

SIGNS = ("<", "[", "◁")
"""Every tag begins with one of these."""

ENDS = (">", "]", "▷", "final")
"""Every end of a thought holds one of these."""

MARKS = (*SIGNS, *ENDS, '"', "'", "`")

UNFINISHED = re.compile(
    rf"(?:<(?:[/|]?\s?[A-Za-z_:|]{{0,24}}|{NAME}\s[^<>]{{0,100}})"
    r"|\[/?[A-Za-z]{0,5}|◁[^▷]{0,6}|[\"'`])$",
    re.IGNORECASE,
)
"""The end of a text that still comes, where it may become a tag, or quotes one."""

LONGEST_TAG = 140
LONGEST_END = 5
MAX_THOUGHT_CHARS = 1 << 20
"""The longest text with its thoughts; an answer itself is bounded by what a step may hold."""

LONGEST_START = 40
"""Characters in which a text that begins with tokens has shown whether it has channels."""


def part(text: str) -> Parted:
    """The answer and the thought in a text. JSON that is whole has no thought around it."""
    if is_harmony(text):
        channels = part_channels(text)
        tags = part_tags(channels.answer)
        thought = joined([channels.thought, tags.thought])
        return replace(channels, answer=tags.answer, thought=thought)
    if not any(map(text.__contains__, SIGNS)) or _is_json(text):
        return Parted(text)
    return part_tags(text)


def _is_json(text: str) -> bool:
    bare = text.strip()
    if not (bare.startswith(("{", "[")) and bare.endswith(("}", "]"))):
        return False
    try:
        orjson.loads(bare)
    except orjson.JSONDecodeError:
        return False
    return True


class PartingStream:
    """The answer in a text that still comes, without what may yet turn out to be a thought.

    `begins_in_thought`: the model is known to leave out the tag that opens its thought.
    """

    __slots__ = ("_begins_in_thought", "_given", "_held", "_is_plain", "_parted")

    def __init__(self, *, begins_in_thought: bool = False) -> None:
        self._begins_in_thought = begins_in_thought
        self._is_plain = not begins_in_thought
        self._parted = Parted("", is_open=begins_in_thought)
        self._given = 0
        self._held = False

    def answer(self, text: str) -> str:
        """The answer in the text so far."""
        since, self._given = self._given, len(text)
        new = text[since:]
        if self._is_plain:
            at = max(0, since - LONGEST_TAG)
            tokens = may_be_harmony(text) or "<|" in text[at:]
            if not tokens and not _has_tag(text, at):
                return UNFINISHED.sub("", text) if self._may_end_in_tag(text) else text
            self._is_plain = False
        elif self._parted.is_open:
            if not any(end in text[max(0, since - LONGEST_END) :] for end in ENDS):
                return self._parted.answer
        elif not (self._held or may_be_harmony(text) or any(sign in new for sign in MARKS)):
            self._parted = replace(self._parted, answer=self._parted.answer + new)
            return self._parted.answer
        return self._part(text)

    def _part(self, text: str) -> str:
        if len(text) < LONGEST_START and may_be_harmony(text) and not is_harmony(text):
            self._held = True
            return ""
        whole = UNFINISHED.sub("", text)
        # The text of a channel has no white space at its end: what follows is not put to it.
        self._held = len(whole) < len(text) or is_harmony(whole)
        self._parted = part(whole)
        if self._begins_in_thought and (self._parted.is_open or not self._parted.found):
            self._parted = Parted("", is_open=True)
        return self._parted.answer

    @staticmethod
    def _may_end_in_tag(text: str) -> bool:
        return any(map(text[-LONGEST_TAG:].__contains__, MARKS))


def _has_tag(text: str, at: int) -> bool:
    # The pattern alone takes as long as all else that is done with a piece of a stream.
    return any(map(text[at:].__contains__, SIGNS)) and TAG.search(text, at) is not None
