"""Tables of single characters, for `folding`."""

import unicodedata

_HYPHENS = "\u2010\u2011\u2012\u2013\u2212\ufe58\ufe63\uff0d\u05be"
_APOSTROPHES = "`\u00b4\u02b9\u02bb\u02bc\u02bd\u2018\u2019\u201b\u2032\u055a\u05f3\uff07"
SIGNS = {ord(sign): "-" for sign in _HYPHENS} | {ord(sign): "'" for sign in _APOSTROPHES}
"""Before normal form KC, which makes a blank of some."""

# Default_Ignorable_Code_Point (UAX 44) and marks of direction. Two of them part words: the zero
# width space and the non-joiner, before a suffix in Persian.
_INVISIBLE = (
    (0x00AD, 0x00AD), (0x034F, 0x034F), (0x061C, 0x061C), (0x115F, 0x1160), (0x17B4, 0x17B5),
    (0x180B, 0x180F), (0x200D, 0x200F), (0x202A, 0x202E), (0x2060, 0x206F), (0x3164, 0x3164),
    (0xFE00, 0xFE0F), (0xFEFF, 0xFEFF), (0xFFA0, 0xFFA0), (0xE0000, 0xE0FFF),
)  # fmt: skip
INVISIBLE = {code: None for first, last in _INVISIBLE for code in range(first, last + 1)}


def _without_marks() -> dict[int, str | None]:
    """Letters whose marks are free: Greek capitals have no accents; Arabic and Hebrew are written
    without vowels, and Arabic's alef without its hamza.
    """
    found: dict[int, str | None] = {}
    for first, last in ((0x0370, 0x03FF), (0x1F00, 0x1FFF), (0x0622, 0x0626)):
        for code in range(first, last + 1):
            base = unicodedata.normalize("NFD", chr(code))[0]
            if base != chr(code) and base.isalpha():
                found[code] = base
    for first, last in (
        (0x0591, 0x05BD), (0x05BF, 0x05C7), (0x0610, 0x061A), (0x0640, 0x0640), (0x064B, 0x065F),
        (0x0670, 0x0670), (0x06D6, 0x06ED),
    ):  # fmt: skip
        found |= dict.fromkeys(range(first, last + 1))
    return found


FREE_LETTERS = _without_marks() | {
    0x0131: "i",  # Turkish: its two i in capitals, where others write one
    0x0649: "\u064a", 0x06CC: "\u064a", 0x06A9: "\u0643", 0x0671: "\u0627",  # of keyboards
}  # fmt: skip
"""After case folding; None: it goes."""
