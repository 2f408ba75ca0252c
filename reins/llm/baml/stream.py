"""The buffer between BAML's thread and the loop: it holds the newest text of a stream."""

import asyncio
import contextlib
import time
from collections.abc import Callable

from reins.llm.answers.thoughts import MAX_THOUGHT_CHARS, PartingStream
from reins.llm.text import is_too_long


class StreamBuffer:
    """Holds the text so far of one stream, and ends it when it has grown too long.

    `arrived` is called in a thread of BAML's, everything else on the loop. A loop that is busy
    gets the newest text and skips the ones before: the cost is bounded by the loop's turns.
    """

    def __init__(self, on_text: Callable[[str], None], *, begins_in_thought: bool = False) -> None:
        self._on_text = on_text
        self._parting = PartingStream(begins_in_thought=begins_in_thought)
        self._loop = asyncio.get_running_loop()
        self._given = ""
        """The answer that the listener has."""
        self._waking = False
        self.text = ""
        self.first_text_at: float | None = None
        self.too_long = False
        self.ended: asyncio.Future[None] = self._loop.create_future()

    def arrived(self, text: str) -> None:
        """Take the text so far. Thread-safe."""
        if not text or self.ended.done():
            return
        if self.first_text_at is None:
            self.first_text_at = time.perf_counter()
        # In this order, and in `_deliver` the other way round: no text is left lying.
        self.text = text
        if not self._waking:
            self._waking = True
            # Without a loop nobody listens any more.
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._deliver)

    def end(self, _done: object = None) -> None:
        """The stream has ended, or is not to go on: nothing more is taken or handed on."""
        if not self.ended.done():
            self.ended.set_result(None)
        elif not self.ended.cancelled():
            self.ended.exception()  # seen, whoever else looks

    def finish(self, answer: str) -> None:
        """Hand on the whole answer.

        Raises: whatever the listener raises.
        """
        if answer != self._given:
            self._given = answer
            self._on_text(answer)

    def _deliver(self) -> None:
        self._waking = False
        text = self.text
        if self.ended.done():
            return
        answer = self._parting.answer(text)
        if len(text) > MAX_THOUGHT_CHARS or is_too_long(answer):
            self.too_long = True
            self.ended.set_result(None)
            return
        if answer == self._given:
            return
        self._given = answer
        try:
            self._on_text(answer)
        except Exception as error:  # noqa: BLE001 - raised again for whoever awaits the stream
            self.ended.set_exception(error)
