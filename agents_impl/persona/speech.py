"""A model's answer as the persona's own words: no label, no other's lines, and all ways to pass."""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

import orjson

from reins.names.folding import name_key, normal
from reins.names.looks import id_form

_FENCED = re.compile(r"(`{3,}|~{3,})[^\n`]*\n(?P<inside>.*?)\n?[ \t]*\1\s*", re.DOTALL)
_COLON = re.compile("[:\uff1a\ufe55\ufe13\u0589]")
_LONGEST_LABEL = 120
_OPENER = re.compile(r"[*_~`]+")
_MARKUP = " \t*_~`#>•\u2013\u2014()[]{}<>\"'“”„«»\u2039\u203a「」『』【】-"
_ASIDE = re.compile(r"\s*[(\[\uff08].*[)\]\uff09]$")
_BRACKETED = re.compile(r"[<\[【](?P<who>[^>\]】\n]+)[>\]】]\s*(?P<rest>.*)")
_DASHED = re.compile(r"(?P<mark>\*+|_+)(?P<who>[^*_\n]+)(?P=mark)\s+[-\u2013\u2014]\s+(?P<rest>.*)")
_TAGGED = re.compile(r"(?:\[\w+\]\s*)?(?P<object>\{.*\})")
_OWN_ROLES = frozenset(("you", "assistant"))
_OTHER_ROLES = frozenset(("user", "human"))

_HTML = re.compile(r"</?(?!pass\b)\w{1,10}/?>", re.IGNORECASE)
_PASSING = frozenset(("pass", "passes", "passed"))
_AROUND = frozenset(
    (
        "i",
        "ll",
        "will",
        "my",
        "next",
        "final",
        "answer",
        "reply",
        "response",
        "message",
        "boxed",
        "text",
    )
)
_FIRST = re.compile(r"\W*PASS(?![\w\u2019']|[-/&+]\w)(?:\s+(?P<word>\w+))?")
_REASON = frozenset(("i", "i'm", "because", "since", "as", "for", "no", "nothing", "there", "we"))
_FIRST_IN_ANY_CASE = re.compile(
    r"\W*pass\W*(?:[.!\u3002\uff01\u2026]|\n|\s[-\u2013\u2014]\s|\s\()", re.IGNORECASE
)
_LAST = re.compile(r"(?:^|[.!?)\]\u3002\uff01\uff1f\u2026\n])\W*PASS\W*$")


@dataclass(frozen=True, slots=True)
class Speech:
    """The words that the persona says; None: nothing, and why."""

    text: str | None
    why: str = "it passed"


def speech_of(answer: str, name: str, others: Collection[str]) -> Speech:
    """An answer as a message of a conversation: the persona's own words, unless it passes."""
    said = own_words(answer, name, others)
    if said is None:
        return Speech(None, "it wrote the lines of others")
    if not said or is_pass(said, name) or is_pass(_Labels(name, others).after_any(said), name):
        return Speech(None)
    return Speech(said)


def own_words(answer: str, name: str, others: Collection[str]) -> str | None:
    """An answer without the persona's own name before it and without the lines of `others`.

    A name before the answer's only line addresses somebody, and stays. None: all lines are others'.
    """
    own = _Labels(name, others).own_lines(_unfenced(answer.strip()))
    return None if own is None else _unfenced("\n".join(own).strip())


def is_pass(text: str, name: str) -> bool:
    """True for the word PASS alone, repeated, in any markup or punctuation, or with a reason."""
    plain = id_form(normal(_HTML.sub("", text)))
    words = [word.casefold() for word in re.findall(r"[^\W_]+", plain)]
    around = _AROUND.union(re.findall(r"[^\W_]+", name_key(name)))
    if not _PASSING.isdisjoint(words) and around.union(_PASSING).issuperset(words):
        return True
    first = _FIRST.match(plain)
    reason = first and (first["word"] is None or first["word"].casefold() in {*_REASON, *around})
    if reason and not plain.isupper():
        return True
    return bool(_FIRST_IN_ANY_CASE.match(plain) or _LAST.search(plain))


def _unfenced(text: str) -> str:
    """The inside of a fence that is the whole text."""
    fenced = _FENCED.fullmatch(text)
    return fenced["inside"].strip() if fenced else text


class _Labels:
    """The names before lines, as in a play: whose a line is, and what it says."""

    def __init__(self, name: str, others: Collection[str]) -> None:
        self._others = {name_key(other) for other in others} - {name_key(name)}
        words = {word for word in name_key(name).split(" ") if len(word) > 1}
        self._own = ({name_key(name)} | words) - self._others

    def own_lines(self, text: str) -> list[str] | None:
        """The first of the persona's own lines that stand together; None: there are only others'.

        What bears no name belongs to whoever was named last, and at first to the persona.
        """
        lines = [
            (self._label(line, first=not at), line) for at, line in enumerate(text.split("\n"))
        ]
        named = [label for label, _ in lines if label is not None]
        if len(named) == 1 and lines[0][0] is not None and not named[0][0]:
            return [line for _, line in lines]
        own: list[str] = []
        mine = True
        for label, line in lines:
            if label is not None:
                mine = label[0]
                if not mine and any(map(str.strip, own)):
                    break
            if mine:
                own.append(line if label is None else label[1])
        return own if any(map(str.strip, own)) or not named or named[0][0] else None

    def after_any(self, text: str) -> str:
        """The text without a name before it, whosever it is."""
        first, *more = text.split("\n")
        label = self._label(first, first=True)
        return text if label is None else "\n".join([label[1], *more])

    def _label(self, line: str, *, first: bool) -> tuple[bool, str] | None:
        """True for its own line, and the rest of it; None where no speaker is named."""
        for who, rest in _parted(line.strip()):
            keys = {name_key(who.strip(_MARKUP)), name_key(_ASIDE.sub("", who).strip(_MARKUP))}
            if keys & self._own or (first and keys & _OWN_ROLES):
                return True, rest.strip()
            if keys & self._others or keys & _OTHER_ROLES:
                return False, rest.strip()
        return None


def _parted(line: str) -> Iterator[tuple[str, str]]:
    """All that may be a speaker's name before a line, with the rest of the line."""
    tagged = _TAGGED.fullmatch(line)
    if tagged:
        yield from _as_object(tagged["object"])
    opener = _OPENER.match(line)
    for colon in _COLON.finditer(line, 0, _LONGEST_LABEL):
        yield line[: colon.start()], _closed(opener, line[: colon.start()], line[colon.end() :])
    for form in (_BRACKETED, _DASHED):
        if found := form.fullmatch(line):
            yield found["who"], found["rest"]
    if line.startswith("#") or opener:
        yield line if line.strip(_MARKUP) else "", ""


def _closed(opener: re.Match[str] | None, label: str, rest: str) -> str:
    """The rest of a line without the end of the emphasis that began before the label."""
    if opener is None or label.endswith(opener[0]):
        return rest
    if rest.startswith(opener[0][::-1]):
        return rest.removeprefix(opener[0][::-1])
    return rest.rstrip().removesuffix(opener[0][::-1])


def _as_object(text: str) -> Iterator[tuple[str, str]]:
    """A line in the form in which the model is sent messages."""
    try:
        said = orjson.loads(text)
    except orjson.JSONDecodeError:
        return
    if isinstance(said.get("text"), str):
        who = "you" if said.get("kind") == "you" else said.get("speaker", "you")
        yield str(who), said["text"]
