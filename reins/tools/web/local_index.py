"""A search without a network: in a folder of pages, or in a JSON file of them."""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, urljoin

import orjson

from reins.tools.outcome import ToolError
from reins.tools.web.charsets import text_of
from reins.tools.web.engines import Found, line
from reins.tools.web.markdown import write

_KINDS = frozenset({".html", ".htm", ".md", ".txt"})
_MOST_PAGES = 2_000
_PAGE_BYTES = 1 << 20
_FILE_BYTES = 16 << 20
_WORD = re.compile(r"\w+")
_TITLE_WEIGHT = 5
_AROUND = 150
"""Characters that are shown on each side of the first word that was found."""


def look(query: str, most: int, index: Path | None, base: str | None) -> list[Found]:
    """The pages that hold most of the words, the best first. Blocks.

    `index` is a folder of `.html`, `.md` and `.txt`, whose addresses begin with `base`, or a file
    that holds a list of `{"title", "address", "text"}`. Raises: ToolError.
    """
    if index is None:
        raise ToolError("there is no index; a person has to set REINS_SEARCH_INDEX")
    words = set(_WORD.findall(query.lower()))
    rated = []
    for page in _pages(index, base):
        score = _score(words, page)
        if score > (0, 0):
            rated.append((score, page))
    rated.sort(key=lambda each: (each[0], each[1].address), reverse=True)
    return [_shown(words, page) for _, page in rated[:most]]


def _pages(index: Path, base: str | None) -> Iterator[Found]:
    """Each page; its whole text stands for the snippet."""
    try:
        if index.is_dir():
            files = sorted(each for each in index.rglob("*") if each.suffix.lower() in _KINDS)
            for path in files[:_MOST_PAGES]:
                yield _of_file(path, index, base)
        else:
            yield from _of_list(index)
    except (OSError, orjson.JSONDecodeError) as error:
        why = getattr(error, "strerror", None) or error
        raise ToolError(f"REINS_SEARCH_INDEX is {str(index)!r}, and unreadable: {why}") from None


def _of_list(index: Path) -> Iterator[Found]:
    with index.open("rb") as file:
        found = orjson.loads(file.read(_FILE_BYTES))
    if not isinstance(found, list):
        raise ToolError(f"{index} holds no list; expected a list of title, address and text")
    for each in found[:_MOST_PAGES]:
        if isinstance(each, dict):
            said = [str(each.get(name) or "") for name in ("title", "address", "text")]
            yield Found(said[0] or said[1], said[1], said[2])


def _of_file(path: Path, index: Path, base: str | None) -> Found:
    with path.open("rb") as file:
        text = text_of(file.read(_PAGE_BYTES), None)
    title = path.stem
    if path.suffix.lower() in (".html", ".htm"):
        page = write(text, plain=True)
        title, text = page.title or title, page.text
    place = quote(path.relative_to(index).as_posix())
    return Found(title, urljoin(base, place) if base else place, text)


def _score(words: set[str], page: Found) -> tuple[int, int]:
    """How many of the words are there, then how often."""
    found = Counter(_WORD.findall(page.snippet.lower()))
    title = Counter(_WORD.findall(page.title.lower()))
    times = [found[word] + _TITLE_WEIGHT * title[word] for word in words]
    return sum(map(bool, times)), sum(times)


def _shown(words: set[str], page: Found) -> Found:
    places = (re.search(rf"\b{re.escape(w)}\b", page.snippet, re.IGNORECASE) for w in words)
    at = min((place.start() for place in places if place), default=0)
    start = max(0, at - _AROUND)
    part = page.snippet[start : at + _AROUND]
    return Found(line(page.title, 200), page.address, ("…" if start else "") + line(part, 500))
