"""The parts of a page that a person sees: scripts, drawings and hidden elements are left out."""

import re

from reins.tools.web.markup import Start

LEFT_OUT = frozenset({
    "script", "style", "template", "svg", "math", "iframe", "noembed", "noframes", "object",
    "canvas", "select", "datalist", "audio", "video",
})  # fmt: skip
_MAY_HIDE = frozenset({
    "div", "span", "section", "article", "aside", "nav", "header", "footer", "ul", "ol", "table",
    "form", "button", "a", "main", "dialog",
})  # fmt: skip
"""Those whose end has to be written; another's end could be missed, and the page's rest with it."""
_HIDES = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)


class Shown:
    """Follows the tags; `here` is False within what is left out."""

    def __init__(self) -> None:
        self._name = ""
        self._depth = 0

    @property
    def here(self) -> bool:
        return self._depth == 0

    def start(self, tag: Start) -> bool:
        """Take a tag that opens; True if it is shown itself."""
        if self._depth:
            self._depth += tag.name == self._name
        elif tag.name in LEFT_OUT or _is_hidden(tag):
            self._name, self._depth = tag.name, 1
        return not self._depth

    def end(self, name: str) -> bool:
        """Take a tag that closes; True if it is shown itself."""
        if not self._depth:
            return True
        self._depth -= name == self._name
        return False


def _is_hidden(tag: Start) -> bool:
    if tag.name not in _MAY_HIDE or not tag.attributes:
        return False
    return "hidden" in tag.attributes or bool(_HIDES.search(tag.attributes.get("style", "")))
