"""A page as Markdown: headings, lists, links, code, quotes and simple tables, and its title.

Written while the tags go by; nothing recurs, however deep they are nested.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from typing import ClassVar
from urllib.parse import urljoin, urlsplit

from reins.tools.web.lines import Lines
from reins.tools.web.markup import End, Start, Text, pieces
from reins.tools.web.shown import Shown

_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_BLOCKS = frozenset({
    "p", "div", "section", "article", "main", "aside", "header", "footer", "nav", "address",
    "figure", "figcaption", "form", "fieldset", "dl", "dt", "dd", "details", "summary", "hgroup",
    "center", "body", "html", "thead", "tbody", "tfoot", "caption", "option", "legend", "search",
    "dialog", "noscript",
})  # fmt: skip
_SPACE = re.compile(r"\s+")
_TITLE_CHARACTERS = 300
_MOST_PIECES = 200_000
"""Tags and texts that are read: those of a long page several times over."""


@dataclass(slots=True)
class Written:
    """A page's text; `cut` where it has more tags than are read."""

    title: str
    text: str
    cut: bool = False


def write(html: str, address: str = "", *, plain: bool = False) -> Written:
    """The page as Markdown; `plain`: without its marks and links. Links are made whole.

    Blocks for a while where a page is long.
    """
    writer = _Writer(address, plain=plain)
    found = pieces(html)
    for piece in islice(found, _MOST_PIECES):
        if isinstance(piece, Text):
            writer.text(piece)
        elif isinstance(piece, Start):
            writer.start(piece)
        else:
            writer.end(piece)
    written = writer.written()
    written.cut = next(found, None) is not None
    return written


@dataclass(slots=True)
class _Table:
    """The outermost table; those within its cells are text of the cell."""

    depth: int = 0
    rows: int = 0
    cells: list[str] | None = None

    @property
    def is_in_row(self) -> bool:
        return self.cells is not None


class _Writer:
    def __init__(self, address: str, *, plain: bool) -> None:
        self._base = address
        self._plain = plain
        self._lines = Lines(plain=plain)
        self._inline: list[str] = []
        self._title = ""
        self._link: tuple[str, int] | None = None
        self._shown = Shown()
        self._code: list[str] | None = None
        self._table = _Table()

    def written(self) -> Written:
        self._end_code()
        self._end_row()
        self._flush()
        return Written(self._title, self._lines.text())

    def text(self, piece: Text) -> None:
        if not self._shown.here:
            return
        if piece.raw == "title":
            self._title = self._title or _SPACE.sub(" ", piece.text).strip()[:_TITLE_CHARACTERS]
        elif self._code is not None:
            self._code.append(piece.text)
        else:
            self._inline.append(_SPACE.sub(" ", piece.text))

    def start(self, tag: Start) -> None:
        name = tag.name
        if not self._shown.start(tag):
            return
        if self._code is not None:
            self._code.append("\n" * (name == "br"))
        elif name in self._STARTS:
            self._STARTS[name](self, tag)
        elif name in _HEADINGS:
            self._flush(apart=True)
            self._lines.mark = "#" * _HEADINGS[name] + " "
        elif name in _BLOCKS:
            self._flush(apart=name in ("p", "section", "article", "dl"))

    def end(self, tag: End) -> None:
        name = tag.name
        if not self._shown.end(name):
            return
        if self._code is not None:
            if name == "pre":
                self._end_code()
        elif name in self._ENDS:
            self._ENDS[name](self)
        elif name in _HEADINGS:
            self._flush(apart=True)
            self._lines.mark = ""
            self._gap()
        elif name in _BLOCKS:
            self._flush()
            if name == "p":
                self._gap()

    def _flush(self, *, apart: bool = False) -> None:
        """End the line that is being written; within a table's row it goes on."""
        self._end_link()
        if self._table.is_in_row:
            self._inline.append(" ")
            return
        text = "".join(self._inline)
        self._inline = []
        self._lines.put(text)
        if apart:
            self._gap()

    def _gap(self) -> None:
        if not self._table.is_in_row:
            self._lines.gap()

    def _start_list(self, tag: Start) -> None:
        self._flush(apart=True)
        first = tag.attributes.get("start", "1")
        number = int(first) if re.fullmatch(r"[0-9]{1,6}", first) else 1
        self._lines.lists.append(number if tag.name == "ol" else None)

    def _end_list(self) -> None:
        self._flush()
        if self._lines.lists:
            self._lines.lists.pop()
        self._lines.mark = ""
        self._gap()

    def _item(self, _tag: Start) -> None:
        self._flush()
        self._lines.item()

    def _end_item(self) -> None:
        self._flush()
        self._lines.mark = ""

    def _start_quote(self, _tag: Start) -> None:
        self._flush(apart=True)
        self._lines.quotes += 1

    def _end_quote(self) -> None:
        self._flush()
        self._lines.quotes = max(0, self._lines.quotes - 1)
        self._gap()

    def _break(self, _tag: Start) -> None:
        self._inline.append(" " if self._table.is_in_row else "\n")

    def _rule(self, _tag: Start) -> None:
        self._flush(apart=True)
        if not self._plain:
            self._lines.put("---")
            self._gap()

    def _start_link(self, tag: Start) -> None:
        self._end_link()
        address = self._whole(tag.attributes.get("href", ""))
        if address and not self._plain:
            self._link = address, len(self._inline)

    def _end_link(self) -> None:
        if self._link is None:
            return
        address, at = self._link
        self._link = None
        said = "".join(self._inline[at:])
        if text := said.strip():
            before, after = " " * said[0].isspace(), " " * said[-1].isspace()
            self._inline[at:] = [f"{before}[{text}]({address}){after}"]

    def _picture(self, tag: Start) -> None:
        if alt := _SPACE.sub(" ", tag.attributes.get("alt", "")).strip():
            self._inline.append(f"[picture: {alt[:200]}]")

    def _tick(self, _tag: object = None) -> None:
        if not self._plain:
            self._inline.append("`")

    def _start_code(self, _tag: Start) -> None:
        self._flush(apart=True)
        self._code = []

    def _end_code(self) -> None:
        if self._code is None:
            return
        code = "".join(self._code).strip("\n")
        self._code = None
        if self._table.is_in_row:
            self._inline.append(_SPACE.sub(" ", code))
            return
        longest = max((len(each) for each in re.findall(r"`{3,}", code)), default=2)
        fence = [] if self._plain else ["`" * (longest + 1)]
        self._lines.as_they_are([*fence, *code.split("\n"), *fence])
        self._gap()

    def _start_table(self, _tag: Start) -> None:
        self._flush(apart=True)
        self._table.depth += 1
        self._table.rows = 0 if self._table.depth == 1 else self._table.rows

    def _end_table(self) -> None:
        if self._table.depth <= 1:
            self._end_row()
            self._gap()
        self._table.depth -= self._table.depth > 0

    def _start_row(self, _tag: Start) -> None:
        if self._table.depth == 1:
            self._end_row()
            self._flush()
            self._table.cells = []

    def _start_cell(self, _tag: Start) -> None:
        if self._table.depth != 1:
            self._inline.append(" ")
            return
        if self._table.cells is None:
            self._start_row(_tag)
        self._end_cell()

    def _end_cell(self) -> None:
        self._end_link()
        said = _SPACE.sub(" ", "".join(self._inline)).strip()
        if self._table.cells is None or self._table.depth > 1:
            return
        self._inline = []
        if said:
            self._table.cells.append(said if self._plain else said.replace("|", "\\|"))

    def _end_row(self) -> None:
        if self._table.depth > 1 or self._table.cells is None:
            return
        self._end_cell()
        cells, self._table.cells = self._table.cells, None
        if not cells:
            return
        self._lines.put(" ".join(cells) if self._plain else f"| {' | '.join(cells)} |")
        if self._table.rows == 0 and not self._plain:
            self._lines.put("|" + " --- |" * len(cells))
        self._table.rows += 1

    def _set_base(self, tag: Start) -> None:
        self._base = self._whole(tag.attributes.get("href", "")) or self._base

    def _whole(self, address: str) -> str:
        """The whole address of a link to a page; empty for all else, and within this page."""
        address = "".join(address.split())
        if not address or address.startswith("#"):
            return ""
        try:
            whole = urljoin(self._base, address)
            is_page = urlsplit(whole).scheme in ("http", "https")
        except ValueError:
            return ""
        return whole.replace("(", "%28").replace(")", "%29") if is_page else ""

    _STARTS: ClassVar[dict[str, Callable[["_Writer", Start], None]]] = {
        "ul": _start_list, "ol": _start_list, "menu": _start_list, "li": _item,
        "blockquote": _start_quote, "br": _break, "hr": _rule, "a": _start_link, "img": _picture,
        "code": _tick, "pre": _start_code, "table": _start_table, "tr": _start_row,
        "td": _start_cell, "th": _start_cell, "base": _set_base,
    }  # fmt: skip
    _ENDS: ClassVar[dict[str, Callable[["_Writer"], None]]] = {
        "ul": _end_list, "ol": _end_list, "menu": _end_list, "li": _end_item,
        "blockquote": _end_quote, "a": _end_link, "code": _tick, "table": _end_table,
        "tr": _end_row, "td": _end_cell, "th": _end_cell,
    }  # fmt: skip
