"""The buffer between BAML's thread and the loop: it holds the newest text of a stream."""

import asyncio
import contextlib
import time
from collections.abc import Callable

from reins.llm.text import is_too_long


class StreamBuffer:
    """Holds the text so far of one stream, and ends it when it has grown too long.

    `arrived` is called in a thread of BAML's, everything else on the loop. A loop that is busy
    gets the newest text and skips the ones before: the cost is bounded by the loop's turns.
    """

    def __init__(self, on_text: Callable[[str], None]) -> None:
        self._on_text = on_text
        self._loop = asyncio.get_running_loop()
        self._given = ""
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

    def finish(self) -> None:
        """Hand on the whole text.

        Raises: whatever the listener raises.
        """
        if self.text != self._given:
            self._given = self.text
            self._on_text(self.text)

    def _deliver(self) -> None:
        self._waking = False
        text = self.text
        if self.ended.done() or text == self._given:
            return
        if is_too_long(text):
            self.too_long = True
            self.ended.set_result(None)
            return
        self._given = text
        try:
            self._on_text(text)
        except Exception as error:  # noqa: BLE001 - raised again for whoever awaits the stream
            self.ended.set_exception(error)
