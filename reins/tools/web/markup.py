"""HTML as a row of tags and texts, in one pass whose time grows with the length alone.

Not by a parser that makes a tree as browsers have it: by the rules for it, 30 kB of tags that are
never closed become 5 million elements (lexbor: 22 s, 1.8 GB), and 250 kB of nested ones take 17 s,
in which nothing else runs. Nobody vouches for a page, so none may do that. What is asked here is
only which text stands in which tag.
"""

import re
from collections.abc import Iterator, Mapping
from html import unescape
from typing import NamedTuple

_OPENS = re.compile(r"<(?=[a-zA-Z/!?])")
_TAG = re.compile(r"<(/?)([a-zA-Z][^\s/>]{0,60})[^\s/>]*+")
_ATTRIBUTE = re.compile(
    r"[\s/]*+(?:([^\s/>=][^\s/>=]*+)(?:\s*+=\s*+(?:\"([^\"]*+)\"|'([^']*+)'|([^\s>\"'][^\s>]*+)))?+)"
)
_END = re.compile(r"[^>]*+>")
_RAW = ("script", "style", "textarea", "title", "iframe", "noembed", "noframes", "xmp")
_END_OF_RAW = {name: re.compile(rf"</{name}(?=[\s/>])", re.IGNORECASE) for name in _RAW}
_KEPT_ATTRIBUTES = frozenset({"href", "src", "alt", "style", "hidden", "start"})
_MOST_ATTRIBUTES = 100
_VALUE_CHARACTERS = 8_000


_NOTHING: Mapping[str, str] = {}


class Start(NamedTuple):
    """A tag that opens; `name` in small letters."""

    name: str
    attributes: Mapping[str, str] = _NOTHING


class End(NamedTuple):
    """A tag that closes."""

    name: str


class Text(NamedTuple):
    """Text between tags, its signs in place of their names; in `raw` there are no tags."""

    text: str
    raw: str = ""


Piece = Start | End | Text


def pieces(html: str) -> Iterator[Piece]:
    """The tags and texts, in order. What is no tag is text; a tag that never ends ends the page."""
    at = 0
    while (opens := _OPENS.search(html, at)) is not None:
        opened = opens.start()
        if opened > at:
            yield Text(_meant(html[at:opened]))
        tag = _TAG.match(html, opened)
        if tag is None:
            at = _after_comment(html, opened)
        else:
            attributes, at = _attributes(html, tag.end())
        if at < 0:
            return
        if tag is None:
            continue
        name = tag[2].lower()
        if tag[1]:
            yield End(name)
            continue
        yield Start(name, attributes)
        if name in _END_OF_RAW:
            end = _END_OF_RAW[name].search(html, at)
            stop = len(html) if end is None else end.start()
            yield Text(_meant(html[at:stop]), name)
            at = stop
    if at < len(html):
        yield Text(_meant(html[at:]))


def _meant(text: str) -> str:
    return unescape(text) if "&" in text else text


def _after_comment(html: str, at: int) -> int:
    """The place after a comment and its like; -1 where it never ends."""
    if html.startswith(("<!-->", "<!--->"), at):
        return html.index(">", at) + 1
    comment = html.startswith("<!--", at)
    end = html.find("-->" if comment else ">", at + (4 if comment else 2))
    return -1 if end < 0 else end + (3 if comment else 1)


def _attributes(html: str, at: int) -> tuple[Mapping[str, str], int]:
    """The attributes that are asked for, and the place after the tag; -1 where it never ends."""
    if html.startswith(">", at):
        return _NOTHING, at + 1
    found: dict[str, str] = {}
    for _ in range(_MOST_ATTRIBUTES):
        each = _ATTRIBUTE.match(html, at)
        if each is None:
            break
        at = each.end()
        name = each[1].lower()
        if name in _KEPT_ATTRIBUTES:
            value = next((value for value in each.groups()[1:] if value is not None), "")
            found.setdefault(name, _meant(value[:_VALUE_CHARACTERS]))
    end = _END.match(html, at)
    return found, -1 if end is None else end.end()
