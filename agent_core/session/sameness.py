"""How like what a session says is to what it said before, as its snapshot keeps it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Sameness:
    """The `figure`, from 0 to 1, where 1 is the same again and again.

    `circles`: it is beyond the limit from which on a session is said to go in circles.
    """

    figure: float
    circles: bool

    def stored(self) -> dict[str, Any]:
        """Its form in a snapshot."""
        return asdict(self)


def restored_sameness(stored: Mapping[str, Any] | None) -> Sameness | None:
    """As another process stored it."""
    return None if stored is None else Sameness(**stored)
