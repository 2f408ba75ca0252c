"""A counter that all processes of a machine share."""

from collections.abc import Callable
from pathlib import Path

from store.shared_numbers import Noted, SharedNumbers


class Counter:
    """Gives out numbers that grow, each once.

    After a loss of power the file may be behind, so in each run of the machine the first to take a
    number asks `used` for the highest that is in use.
    """

    def __init__(self, path: Path, used: Callable[[], int]) -> None:
        self._file = SharedNumbers(path, 1)
        self._used = used

    def take(self, count: int) -> int:
        """The first of `count` numbers that follow each other. Raises: OSError."""

        def taken(noted: Noted) -> tuple[int]:
            [newest] = noted.numbers
            return ((newest if noted.current else max(newest, self._used())) + count,)

        [last] = self._file.change(taken)
        return last - count + 1
