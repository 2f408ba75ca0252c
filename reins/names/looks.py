"""Names and ids that look the same: letters of other scripts, l and I, O and 0.

**Source**: Unicode Technical Standard 39, confusable detection; the letters are in
`confusables.txt`. It goes less far than the standard's skeletons: `rn` is no `m`.
"""

import functools
import unicodedata
from collections.abc import Iterable
from importlib.resources import files

from reins.names.folding import name_key, normal

_ALIKE_IN_ASCII = str.maketrans("I1|0", "lllO")


def id_form(text: str) -> str:
    """The same for ids that look the same and are not both ASCII.

    Made ids differ in l and I, or O and 0, and case tells ids apart: those stay as they are.
    """
    return text if text.isascii() else normal(text).translate(_letters())


def name_forms(name: str) -> set[str]:
    """Of two names that people take for the same, or that look the same, one form is common."""
    shown = normal(name).translate(_letters()).translate(_ALIKE_IN_ASCII)
    return {name_key(name), f"looks like {name_key(shown)}"}


def told_apart(text: str, other: str) -> str:
    """The letters of `text` that `other`, which looks the same, has others for; empty: none.

    For errors: printed, both would look the same.
    """
    text, other = (unicodedata.normalize("NFC", each) for each in (text, other))
    known = {*other, *other.lower(), *other.upper()}
    apart = [letter for letter in dict.fromkeys(text) if letter not in known]
    named = [f"U+{ord(letter):04X} {unicodedata.name(letter, '')}".strip() for letter in apart]
    return ", ".join(named[:3])


def look_alike(text: str, others: Iterable[str]) -> str | None:
    """The first of the other ids that looks the same as this one."""
    form, plain = id_form(text), text.isascii()
    for other in others:
        if plain and other.isascii():
            continue
        if other != text and id_form(other) == form:
            return other
    return None


@functools.cache
def _letters() -> dict[int, str]:
    """ASCII by the letters of other scripts that look like it."""
    text = files(__package__).joinpath("confusables.txt").read_text(encoding="utf-8")
    rows = [line.split(" ", 1) for line in text.splitlines() if not line.startswith("#")]
    return {ord(letter): ascii_one for ascii_one, letters in rows for letter in letters}
