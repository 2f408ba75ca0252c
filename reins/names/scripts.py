"""Scripts of letters, as far as it matters where a word ends in them."""

import functools
import unicodedata

OPEN = frozenset(
    {
        "BALINESE", "BOPOMOFO", "CHAM", "CJK", "HIRAGANA", "JAVANESE", "KHMER", "LAO", "MYANMAR",
        "TAI", "THAI", "TIBETAN", "YI",
    }
)  # fmt: skip
"""Scripts that set no spaces between words: any letter may follow a name."""

DIGIT = "DIGIT"
_ALIASES = {"IDEOGRAPHIC": "CJK", "KATAKANA-HIRAGANA": "KATAKANA", "NEW": "TAI"}
_LEADING_VOWELS = "\u0e40\u0e41\u0e42\u0e43\u0e44\u0ec0\u0ec1\u0ec2\u0ec3\u0ec4"
_FOLLOWING_VOWELS = "\u0e30\u0e32\u0e33\u0e45\u0eb0\u0eb2\u0eb3"
_ASAT = "\u103a"


@functools.lru_cache(maxsize=4096)
def script_of(letter: str) -> str:
    """The script of a letter, the first word of its name: Python has no other table of them."""
    if letter.isdecimal():
        return DIGIT
    first = unicodedata.name(letter, "").partition(" ")[0]
    return _ALIASES.get(first, first)


@functools.lru_cache(maxsize=4096)
def is_mark(letter: str) -> bool:
    """True for what belongs to the letter before it: an accent, a vowel sign."""
    return unicodedata.category(letter).startswith("M")


def in_word(letter: str) -> bool:
    """True for what words are made of; an underscore is Markdown's."""
    return letter.isalnum() or is_mark(letter)


def cuts_syllable_before(letter: str) -> bool:
    """True if what follows `letter` belongs to it: in Thai and Lao a vowel may be written first."""
    return letter in _LEADING_VOWELS


def cuts_syllable_after(after: str) -> bool:
    """True if the text `after` goes on with the syllable before it."""
    return after[:1] in _FOLLOWING_VOWELS or after[1:2] == _ASAT or is_mark(after[0])
