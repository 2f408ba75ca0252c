"""Episodes of causes: each is told once, however often its sessions try again in between."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

OVER_S = 60.0
"""Seconds without the cause after which its episode is over: a resume that fails again at once is
the same episode."""
Name = tuple[str, str]
"""Kind and key of a cause."""


@dataclass(slots=True)
class Episode:
    """A cause from when it was first seen; `call_id` once it was told. **Units**: seconds."""

    began: float
    seen: float
    call_id: str | None = None


class Episodes:
    """The episodes of the causes that one webhook wants, by the looks at them."""

    def __init__(self, told: Mapping[Name, str], now: float) -> None:
        """`told` are those that a worker before has told of, and that were not over."""
        self._open = {name: Episode(now, now, call_id) for name, call_id in told.items()}

    def look(self, causes: Collection[Name], now: float, after_s: float) -> list[Name]:
        """Take in the causes that there are now; returns those of which is to be told."""
        for name in causes:
            self._open.setdefault(name, Episode(now, now)).seen = now
        return [
            name
            for name in causes
            if (episode := self._open[name]).call_id is None and now - episode.began >= after_s
        ]

    def told(self, name: Name, call_id: str) -> None:
        self._open[name].call_id = call_id

    def over(self, now: float) -> list[str]:
        """Forget what is over; returns the calls that told of it."""
        gone = [name for name, episode in self._open.items() if now - episode.seen > OVER_S]
        ended = [self._open.pop(name).call_id for name in gone]
        return [call_id for call_id in ended if call_id is not None]
