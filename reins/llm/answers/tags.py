"""Thoughts in tags: `<think>…</think>` and its like, a lone closing tag, an unclosed one."""

import re
from bisect import bisect_right
from collections import Counter
from dataclasses import dataclass

NAME = r"(?:[a-z]+:)?(?:think(?:ing)?|antthinking|thoughts?|reasoning|reflection|scratchpad)"
OPENS = (
    rf"<{NAME}(?:\s[^<>]{{0,100}})?>|\[THINK\]|◁think▷|<\|START_THINKING\|>"
    r"|<\|begin_of_thought\|>|<\|channel>thought\b"
)
CLOSES = rf"</\s*{NAME}\s*>|\[/THINK\]|◁/think▷|<\|END_THINKING\|>|<\|end_of_thought\|>|<channel\|>"
TAG = re.compile(f"(?P<opens>{OPENS})|(?P<closes>{CLOSES})", re.IGNORECASE)
FENCE = re.compile(r"^[ \t]*(```|~~~)([^\n]*)$", re.MULTILINE)
IN_LINE = re.compile(r"`[^`\n]+`")
QUOTES = frozenset("`\"'“”„«»\u2018\u2019\u2039\u203a")
SENTENCE_ENDS = tuple(".!?…:;)]}\"'”»*_`>。\u2019\uff01\uff1f")
# Around the answer, where a thought stood before it.
WRAPS = r"answer|output|response|final|final_answer"
BEGUN = re.compile(
    rf"\s*<(?:{WRAPS}|\|START_RESPONSE\||\|begin_of_solution\||\|begin_of_box\|)>", re.IGNORECASE
)
ENDED = re.compile(
    rf"(?:</(?:{WRAPS})>|<\|(?:END_RESPONSE|end_of_solution|end_of_box)\|>)\s*$", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Parted:
    """A text in two: the answer and the thought.

    `found`: there was a thought, if only an empty one. `lone`: the tag that closes it had none that
    opened it. `is_open`: the thought has not ended.
    """

    answer: str
    thought: str = ""
    found: bool = False
    lone: bool = False
    is_open: bool = False


def part_tags(text: str) -> Parted:
    """The thoughts in tags apart from the rest.

    A closing tag without an opening one ends a thought that began with the text: some templates
    put the opening tag into the prompt. A tag that is quoted or shown in code is no tag.
    """
    answers: list[str] = []
    thoughts: list[str] = []
    lone, opened, at = False, None, 0
    tags = _tags(text)
    for tag in tags:
        if tag["closes"] is None:
            if opened is None:
                answers.append(text[at : tag.start()])
                opened, at = tag, tag.end()
            continue
        if opened is None:
            lone = True
            thoughts += answers
            answers = []
        thoughts.append(text[at : tag.start()])
        opened, at = None, tag.end()
    if opened is not None and _is_spoken_of(text, opened):
        at, opened = opened.start(), None
    (answers if opened is None else thoughts).append(text[at:])
    answer = "".join(answers)
    return Parted(
        _unwrapped(answer) if tags else answer,
        joined(thoughts),
        found=bool(thoughts),
        lone=lone,
        is_open=opened is not None,
    )


def joined(pieces: list[str]) -> str:
    return "\n\n".join(filter(None, map(str.strip, pieces)))


def _tags(text: str) -> list[re.Match[str]]:
    """The tags of a text, but for those that it quotes, and those of code that has them in pairs.

    A tag alone in what looks like code counts: thoughts are often cut off in their code.
    """
    tags = [tag for tag in TAG.finditer(text) if not _is_quoted(text, tag)]
    if not tags or not ("`" in text or "~~~" in text):
        return tags
    code = _code(text)
    starts = [start for start, _ in code]
    inside = [_span_at(tag.start(), code, starts) for tag in tags]
    closing = Counter(at for at, tag in zip(inside, tags, strict=True) if tag["closes"] is not None)
    counted = Counter(inside)
    return [
        tag
        for at, tag in zip(inside, tags, strict=True)
        if at is None or closing[at] * 2 != counted[at]
    ]


def _code(text: str) -> list[tuple[int, int]]:
    """The pieces of code, in order: between fences, and in lines outside of them."""
    fenced: list[tuple[int, int]] = []
    begun: re.Match[str] | None = None
    for fence in FENCE.finditer(text):
        if begun is None:
            begun = fence
        elif fence[1] == begun[1] and not fence[2].strip("`~ \t"):
            fenced.append((begun.start(), fence.end()))
            begun = None
    in_line = [code.span() for code in IN_LINE.finditer(text)]
    starts = [start for start, _ in fenced]
    alone = [span for span in in_line if _span_at(span[0], fenced, starts) is None]
    return sorted([*fenced, *alone])


def _span_at(at: int, spans: list[tuple[int, int]], starts: list[int]) -> int | None:
    """The number of the span that holds a place; `starts` are those of the spans, in order."""
    number = bisect_right(starts, at) - 1
    return number if number >= 0 and at < spans[number][1] else None


def _is_quoted(text: str, tag: re.Match[str]) -> bool:
    before, after = text[: tag.start()][-1:], text[tag.end() :][:1]
    return before in QUOTES and after in QUOTES


def _is_spoken_of(text: str, tag: re.Match[str]) -> bool:
    """True of a tag in the middle of a sentence that never closes: one that is talked about."""
    before = text[text.rfind("\n", 0, tag.start()) + 1 : tag.start()].rstrip()
    after = text[tag.end() : tag.end() + 1]
    return bool(before) and not before.endswith(SENTENCE_ENDS) and after in set(" ,.?!")


def _unwrapped(answer: str) -> str:
    if begun := BEGUN.match(answer):
        return ENDED.sub("", answer[begun.end() :])
    return answer
