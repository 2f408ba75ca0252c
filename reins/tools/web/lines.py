"""Lines of Markdown as they are written: indented by lists and quotes, with gaps between."""

import re
from dataclasses import dataclass, field

_MOST_LEVELS = 8
"""Levels of lists and quotes that are indented; deeper ones stand where these do."""


@dataclass(slots=True)
class Lines:
    """The lines so far. `mark` stands before the next one; `lists` are those that are open, each
    with its next number, or None where it counts nothing.
    """

    plain: bool = False
    lines: list[str] = field(default_factory=list)
    mark: str = ""
    lists: list[int | None] = field(default_factory=list)
    quotes: int = 0

    def put(self, text: str) -> None:
        """Write a line, or several; of blanks alone, none."""
        if not text.strip():
            return
        lines = [" ".join(line.split()) for line in text.split("\n")]
        for line in lines:
            if line or len(lines) > 1:
                self.lines.append(self._indent() + line)
                self.mark = ""

    def as_they_are(self, lines: list[str]) -> None:
        indent = self._indent()
        self.mark = ""
        self.lines += [indent + lines[0], *(self._indent() + line for line in lines[1:])]

    def gap(self) -> None:
        """An empty line, where there is none yet; within a list none at all."""
        if self.lines and self.lines[-1] and not self.lists:
            self.lines.append("")

    def item(self) -> None:
        """The next line is one of a list."""
        number = self.lists[-1] if self.lists else None
        if number is None:
            self.mark = "- "
        else:
            self.lists[-1] = number + 1
            self.mark = f"{number}. "

    def text(self) -> str:
        return re.sub(r"\n{3,}", "\n\n", "\n".join(self.lines)).strip("\n")

    def _indent(self) -> str:
        levels = min(len(self.lists), _MOST_LEVELS)
        inner = max(0, levels - bool(self.mark))
        mark = "" if self.plain and self.mark.startswith("#") else self.mark
        return "> " * min(self.quotes, _MOST_LEVELS) + "  " * inner + mark
