"""How long the loops of the index rest between two rounds."""

import time
from collections.abc import Callable

LOOK_S = 1.0
"""A search looks through what came since by itself."""
_REST = 20
"""Parts of rest to one of work while the sessions need the machine."""
_LONGEST_S = 60.0
"""A round may have waited, and not worked."""


class Rest:
    """The rest of one loop: as long as its round took while there is more to do, and twenty times
    as long, a minute at the most, while the sessions are `busy`; that ends as soon as they are not.
    """

    def __init__(
        self, busy: Callable[[], bool], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._busy = busy
        self._clock = clock
        self._until = self._began = 0.0

    def begin(self) -> bool:
        """Begin a round; false if it is to wait and look again after `LOOK_S`."""
        self._began = self._clock()
        return not (self._busy() and self._began < self._until)

    def end(self, *, more: bool) -> float:
        """End it; returns the seconds until the next."""
        now = self._clock()
        worked_s = now - self._began
        self._until = now + min(_LONGEST_S, _REST * worked_s)
        return worked_s if more and not self._busy() else LOOK_S
