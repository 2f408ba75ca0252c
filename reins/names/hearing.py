"""Names heard in a text: names in every script, with their endings, inside Markdown."""

import functools
import itertools
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from reins.names.folding import fold, name_key, normal, same_case
from reins.names.scripts import (
    DIGIT,
    OPEN,
    cuts_syllable_after,
    cuts_syllable_before,
    in_word,
    is_mark,
    script_of,
)

_SHORT = 3
"""Letters: what is shorter takes no endings in scripts with case, where they make other words."""
_WITH_CASE = frozenset(("LATIN", "GREEK", "CYRILLIC", "ARMENIAN"))
_TEXTS = 4
_NAMES = 1024
_JOINTS = re.compile("[\u200b\u200c]")

_Whole = Callable[[str], object]


@dataclass(frozen=True, slots=True)
class _Stem:
    """A form of a name, and what may stand around it within its word."""

    find: re.Pattern[str]
    before: _Whole
    after: _Whole
    capital: bool = False


@dataclass(frozen=True, slots=True)
class _Text:
    """A text twice: as it was written, in normal form, and folded."""

    written: str
    folded: str

    def is_capital(self, at: int) -> bool:
        """True if the folded letter at this place was a capital."""
        if len(self.written) == len(self.folded):
            return self.written[at].isupper()
        length = 0  # a few letters fold to two, a few marks to none
        for letter in self.written:
            length += len(same_case(letter))
            if length > at:
                return letter.isupper()
        return False


def is_named(text: str, name: str, others: Iterable[str] = ()) -> bool:
    """True if a text names somebody.

    The name stands for itself: no part of another word, and no part of a longer name of `others`.
    """
    heard = _text(text)
    spans = list(_spans(heard, name))
    if not spans:
        return False
    key = name_key(name)
    longer = [other for other in others if len(name_key(other)) > len(key)]
    covering = [span for other in longer for span in _spans(heard, other)]
    return any(not any(s <= start and end <= e for s, e in covering) for start, end in spans)


def _spans(text: _Text, name: str) -> Iterator[tuple[int, int]]:
    """Where a text has the name, without its endings."""
    hint, stems = _stems(name)
    if hint not in text.folded and not _JOINTS.search(text.folded):
        return  # most often so, and far quicker
    for stem in stems:
        for found in stem.find.finditer(text.folded):
            start, end = found.span()
            if (
                _begins(text.folded, start, stem.before)
                and _ends(text.folded, end, stem.after)
                and (not stem.capital or text.is_capital(start))
            ):
                yield start, end


@functools.lru_cache(maxsize=_TEXTS)
def _text(text: str) -> _Text:
    written = normal(text)
    return _Text(written, same_case(written))


@functools.lru_cache(maxsize=_NAMES)
def _stems(name: str) -> tuple[str, list[_Stem]]:
    """The forms in which a name is heard, its own first; before them, how all of them begin."""
    key = name_key(name)
    if not key:
        return "", []
    affixes = _affixes()
    before = _whole(affixes.get(script_of(key[0]), {}).get("before"))
    last = script_of(key[-1])
    own = affixes.get(last, {})
    takes_endings = last not in _WITH_CASE or len(key) >= _SHORT
    after = _whole(own.get("after") if takes_endings else None)
    forms = [key]
    stems = [_Stem(_pattern(key), before, after)]
    for rule in own.get("rules", ()) if takes_endings else ():
        form, fits = re.subn(f"{rule['end']}$", rule["stem"], key)
        if fits and len(form) > 1:
            ending = _needed(rule["after"])
            stems.append(_Stem(_pattern(form), before, ending, rule.get("capital", False)))
            forms.append(form)
    return _beginning(forms).split(" ")[0], stems


def _beginning(forms: list[str]) -> str:
    """The letters with which all of them begin."""
    first, last = min(forms), max(forms)
    same = itertools.takewhile(lambda pair: pair[0] == pair[1], zip(first, last, strict=False))
    return "".join(letter for letter, _ in same)


def _pattern(form: str) -> re.Pattern[str]:
    """Finds it with any blanks between its words, and with joints within them that nobody sees."""
    words = ("[\u200b\u200c]*".join(map(re.escape, word)) for word in form.split(" "))
    return re.compile(r"[\s\u200b\u200c]+".join(words))


def _whole(pattern: str | None) -> _Whole:
    """Fits nothing at all, and what the pattern fits."""
    return re.compile(f"(?:{pattern})?" if pattern else "").fullmatch


def _needed(pattern: str) -> _Whole:
    return re.compile(pattern).fullmatch


def _begins(text: str, start: int, before: _Whole) -> bool:
    """True if a word begins here, or the name within it, after what `before` fits."""
    at = start
    while at and text[at - 1] == "_":  # Markdown's, unless it joins two words
        at -= 1
    if not at or not in_word(text[at - 1]) or not in_word(text[start]):
        return True
    if at < start:
        return False
    script = script_of(text[start])
    if script in OPEN:
        return not cuts_syllable_before(text[start - 1])
    return bool(before(_rest(text, range(start - 1, -1, -1), script)[::-1]))


def _ends(text: str, end: int, after: _Whole) -> bool:
    """True if a word ends here, or the name within it, before what `after` fits."""
    at = end
    while at < len(text) and text[at] == "_":
        at += 1
    if at == len(text) or not in_word(text[at]) or not in_word(text[end - 1]):
        return bool(after(""))
    if at > end:
        return False
    script = script_of(text[end - 1])
    if script in OPEN:
        return not cuts_syllable_after(text[end : end + 2])
    return bool(after(_rest(text, range(end, len(text)), script)))


def _rest(text: str, places: Iterable[int], script: str) -> str:
    """The letters, marks and digits of the script that stand in a row at these places."""
    found = []
    for at in places:
        letter = text[at]
        if not in_word(letter) or not (is_mark(letter) or script_of(letter) in (script, DIGIT)):
            break
        found.append(letter)
    return "".join(found)


@functools.cache
def _affixes() -> dict[str, Any]:
    """`affixes.toml`, folded as names are."""
    text = files(__package__).joinpath("affixes.toml").read_text(encoding="utf-8")
    return {script: _folded(own) for script, own in tomllib.loads(text).items()}


def _folded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _folded(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_folded(each) for each in value]
    return fold(value) if isinstance(value, str) else value
