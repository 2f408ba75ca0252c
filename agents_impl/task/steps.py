"""Steps as lines of JSON for a model: whole, with a cut result, or without one, to fit a room."""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from agents_impl.task.history import Seen
from reins.llm.text import one_line
from reins.llm.tokens import size_of
from reins.tools.outcome import bounded

KEEP = 6
"""Newest results that are not left out."""
_SHORT = 200
"""Bytes of a result that is not worth leaving out."""
_LEAST_RESULT = 300
_LINE_CHARS = 400
_OUTSIDE = ', "from_outside": true'


class StepLines:
    """The steps that a window may show. What is left out of them goes in order, oldest first."""

    def __init__(self, steps: Sequence[Seen], outside: set[str], dropped_upto: int) -> None:
        """`outside`: tools whose results nobody vouches for; of the steps up to `dropped_upto` the
        results are left out.
        """
        self.steps = list(steps)
        self.dropped_upto = dropped_upto
        self.omitted = 0
        """Oldest steps that are not shown at all."""
        self.cut_short = 0
        """Results that are shown in part."""
        self._outside = outside
        self._texts = [self._text(seen) for seen in steps]
        self.sizes = [*map(size_of, self._texts)]

    @property
    def size_bytes(self) -> int:
        return sum(self.sizes)

    @property
    def dropped(self) -> int:
        """Results that are left out."""
        return sum(self._drops(seen) for seen in self.steps)

    @property
    def old(self) -> int:
        """Steps before the newest, which stay as they are."""
        return max(0, len(self.steps) - KEEP)

    def texts(self) -> list[str]:
        return list(self._texts)

    def drop(self, room: int) -> None:
        """Leave out the oldest results until the steps fit; never the newest."""
        size = self.size_bytes
        for at, seen in enumerate(self.steps[: self.old]):
            if size <= room:
                break
            self.dropped_upto = max(self.dropped_upto, seen.seq)
            size += self._put(at, self._text(seen))

    def fit(self, room: int) -> None:
        """Cut what is left, the largest results the most; then leave out the oldest steps."""
        size = self.size_bytes
        shown = [at for at, seen in enumerate(self.steps) if not self._drops(seen)]
        results = {at: size_of(self.steps[at].result) for at in shown}
        most = max(results.values(), default=0)
        while size > room and most > _LEAST_RESULT:
            most = max(_LEAST_RESULT, most * 3 // 4)
            for at in (at for at in shown if results[at] > most):
                seen = self.steps[at]
                size += self._put(at, self._text(replace(seen, result=bounded(seen.result, most))))
        self.cut_short = sum(each > most for each in results.values())
        while size > room and len(self._texts) > 1:
            size -= self.sizes.pop(0)
            self._texts.pop(0)
            self.omitted += 1

    def oldest(self, count: int, room: int) -> list[str]:
        """So many of the oldest, with as much of each result as fits into the room."""
        most = max(_SHORT, room // max(1, count) - 2 * _LINE_CHARS)
        cut = [replace(each, result=bounded(each.result, most)) for each in self.steps[:count]]
        return [self._whole(seen) for seen in cut]

    def _put(self, at: int, text: str) -> int:
        """Put another text in the place of one; returns by how many bytes it is longer."""
        before, self._texts[at], self.sizes[at] = self.sizes[at], text, size_of(text)
        return self.sizes[at] - before

    def _drops(self, seen: Seen) -> bool:
        return seen.seq <= self.dropped_upto and size_of(seen.result) > _SHORT

    def _text(self, seen: Seen) -> str:
        if not self._drops(seen):
            return self._whole(seen)
        arguments = seen.arguments
        if len(arguments) > _LINE_CHARS:
            arguments = _dumped({"arguments_cut": one_line(arguments, _LINE_CHARS)})
        left_out = f"[{size_of(seen.result):,} bytes left out]"
        return self._whole(replace(seen, thought="", arguments=arguments, result=left_out))

    def _whole(self, seen: Seen) -> str:
        thought = f'"thought": {_dumped(seen.thought)}, ' if seen.thought else ""
        return (
            f'{{"seq": {seen.seq}, {thought}"tool": {_dumped(seen.tool)}, "arguments": '
            f'{seen.arguments}, "ok": {_dumped(seen.ok)}, "result": {_dumped(seen.result)}'
            f"{_OUTSIDE if seen.tool in self._outside else ''}}}"
        )


def _dumped(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
