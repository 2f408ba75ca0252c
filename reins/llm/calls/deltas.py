"""The text of a stream as deltas for the caller, each safe to show."""

from collections.abc import Callable

from reins.llm.caller import Caller, Delta
from reins.llm.text import CONTROL, encodable
from reins.redaction import Passage


class DeltaEmitter:
    """Turns "the whole text so far" into deltas, for one call and its attempts."""

    __slots__ = ("_attempt", "_caller", "_passage", "_raw", "_shown", "call_id")

    def __init__(self, caller: Caller) -> None:
        self._caller = caller
        self._attempt = 0
        self._raw = ""
        self._shown = 0
        self._passage = Passage()
        self.call_id = ""

    def attempt(self, number: int) -> Callable[[str], None]:
        """Start an attempt; returns the function that takes the whole text so far."""
        self._attempt, self._raw, self._shown = number, "", 0
        self._passage = Passage()
        return self._so_far

    def end(self) -> None:
        """The attempt's text has come to its end."""
        self._show(self._passage.end())

    def _so_far(self, text: str) -> None:
        new = text[len(self._raw) :]
        if not text.startswith(self._raw):
            # Seldom: what came before was something else.
            new, self._shown, self._passage = text, 0, Passage()
        self._raw = text
        # As `clean` does it, but for the space at the end, after which more may come.
        self._show(self._passage.feed(CONTROL.sub("", encodable(new))))

    def _show(self, shown: str) -> None:
        if not self._shown:
            shown = shown.lstrip()
        if shown:
            self._caller.streamed(Delta(self.call_id, self._attempt, self._shown, shown))
            self._shown += len(shown)
