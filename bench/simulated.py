"""A loop on which a wait is over at once: what takes time takes it on the loop's own clock."""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class _Clock(selectors.SelectSelector):
    """Where a loop would wait for its next timer, it is that late already."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[Any]:
        if timeout is not None:
            self.now += max(0.0, timeout)
            timeout = 0
        return super().select(timeout)


class SimulatedLoop(asyncio.SelectorEventLoop):
    """Runs the same way each time, as long as nothing but its own timers is waited for."""

    def __init__(self) -> None:
        self._clock = _Clock()
        super().__init__(self._clock)

    def time(self) -> float:
        return self._clock.now


def run(main: Coroutine[Any, Any, T]) -> T:
    """As asyncio.run, on a loop whose time begins at 0."""
    with asyncio.Runner(loop_factory=SimulatedLoop) as runner:
        return runner.run(main)
