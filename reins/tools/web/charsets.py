"""Bytes of an answer as text: by its mark, its header, its own word, else by a look at it.

**Source**: WHATWG, Encoding and HTML ("determining the character encoding").
"""

import codecs
import re

_HEAD_BYTES = 4_096
_BINARY_HEAD_BYTES = 8_192
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_OWN_WORD = re.compile(
    rb"<(?:meta|\?xml)\b[^>]{0,300}?(?:charset|encoding)\s{0,9}=\s{0,9}[\"']?\s{0,9}([\w.:-]{1,40})",
    re.IGNORECASE,
)
_KNOWN = re.compile(
    r"utf-?8|utf-?16(-?[lb]e)?|(us-)?ascii|latin-?1|iso[-_]?8859-?\d{1,2}|(windows-|cp)?125\d|"
    r"cp866|ibm866|koi8-[ru]|macintosh|gbk|gb2312|gb18030|big5(-hkscs)?|euc-(jp|kr)|"
    r"shift[-_]jis|sjis|iso-2022-jp|tis-620"
)
"""Charsets of pages; the other codecs that Python has are no charsets, or traps."""
_AS_WINDOWS = re.compile(r"(us-)?ascii|latin-?1|iso[-_]?8859-?1")
"""Browsers read these as windows-1252, and so they are meant."""
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff"
    "\U000e0000-\U000e007f]"
)
"""Signs that a person does not see, by which a text says one thing to a model and another to us."""
_TEXTS = re.compile(
    r"text/.*|application/(.*\+)?(json|xml|yaml|toml)|application/(x-)?(ndjson|javascript|"
    r"ecmascript|yaml|toml|sh|sql|graphql|csv|jsonlines|x-www-form-urlencoded|rtf)|"
    r"image/svg\+xml|message/.*"
)


def is_text(content_type: str, body: bytes) -> bool:
    """True for what can be shown as text, by its type, and by a look where that says nothing."""
    if any(body.startswith(mark) for mark, _ in _MARKS):
        return True
    named = content_type not in ("", "application/octet-stream", "binary/octet-stream")
    if named and not _TEXTS.fullmatch(content_type):
        return False
    return b"\0" not in body[:_BINARY_HEAD_BYTES]


def text_of(body: bytes, charset: str | None) -> str:
    """The text, without what nobody sees in it. `charset` is what the header says."""
    return without_unseen(_decoded(body, charset).replace("\r\n", "\n"))


def without_unseen(text: str) -> str:
    return text if text.isascii() and text.isprintable() else _UNSEEN.sub("", text)


def _decoded(body: bytes, charset: str | None) -> str:
    for mark, name in _MARKS:
        if body.startswith(mark):
            return body[len(mark) :].decode(name, "replace")
    own = _OWN_WORD.search(body[:_HEAD_BYTES])
    for said in (charset or "", own[1].decode("ascii", "replace") if own else ""):
        if (codec := _codec(said.strip().lower())) is not None:
            return body.decode(codec, "replace")
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        # An answer that was cut may end in the middle of a character.
        is_cut = error.end >= len(body) and error.reason == "unexpected end of data"
        return body.decode("utf-8" if is_cut else "cp1252", "replace")


def _codec(said: str) -> str | None:
    if _AS_WINDOWS.fullmatch(said):
        return "cp1252"
    if not _KNOWN.fullmatch(said):
        return None
    said = said.replace("windows-", "cp").replace("macintosh", "mac-roman")
    try:
        return codecs.lookup(said).name
    except LookupError:
        return None
