"""One form for names and words, in which what people take for the same is the same.

Normal form KC and case folding of Unicode, and what these leave apart: signs that nobody sees,
hyphens and apostrophes of all kinds, and marks that writers leave out at will.
"""

import re
import unicodedata

from reins.names.letters import FREE_LETTERS, INVISIBLE, SIGNS

_JOINTS = re.compile("[\u200b\u200c]")


def normal(text: str) -> str:
    """The text in normal form KC, one sign for each kind of hyphen and apostrophe, nothing unseen.

    Two texts that differ in this form differ to the eye, save for letters that look alike.
    """
    if text.isascii():
        return text
    return unicodedata.normalize("NFKC", text.translate(SIGNS)).translate(INVISIBLE)


def same_case(text: str) -> str:
    """`text`, in normal form, without case, the dots of i, and the marks that are free."""
    if text.isascii():
        return text.lower()
    folded = unicodedata.normalize("NFKC", text.casefold())
    return folded.translate(FREE_LETTERS).replace("i\u0307", "i")


def fold(text: str) -> str:
    """The text as search and comparison take it: `normal`, then `same_case`."""
    return same_case(normal(text))


def name_key(name: str) -> str:
    """The same for names that are the same: also with other blanks between their words."""
    return " ".join(_JOINTS.sub("", fold(name)).split())
