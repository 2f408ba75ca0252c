"""The next messages of a subscriber: pure rules over cursors, so that they can be tried alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from pydantic import BaseModel


class Bad(BaseModel):
    """The message that a subscriber could not use, and when it is given again.

    **Units**: `again_at` is microseconds since 1970, UTC.
    """

    topic: str
    number: int
    attempts: int
    error: str
    again_at: int


class Span(NamedTuple):
    """Messages of one topic to deliver: so many of those numbered above `after`."""

    topic: str
    after: int
    limit: int


@dataclass(frozen=True, slots=True)
class Place:
    """A message's place: its topic, and its number there."""

    topic: str
    number: int


def next_spans(
    newest: Mapping[str, int],
    cursors: Mapping[str, int],
    *,
    batch: int,
    served: str = "",
    bad: Place | None = None,
) -> Sequence[Span]:
    """The messages of one tick, `batch` at the most, by topic.

    A bad message comes alone. Topics take turns: the one after `served` is first, and each gives
    its share, so that a busy one keeps no other waiting.
    """
    if bad is not None:
        return [Span(bad.topic, bad.number - 1, 1)]
    waiting = {name: upto - cursors.get(name, 0) for name, upto in newest.items()}
    names = sorted(name for name, count in waiting.items() if count > 0)
    turn = [name for name in names if name > served] + [name for name in names if name <= served]
    spans: list[Span] = []
    for at, name in enumerate(turn):
        share = -(-batch // (len(turn) - at))  # rounded up: the last ones may get none
        take = min(share, waiting[name], batch)
        batch -= take
        if take:
            spans.append(Span(name, cursors.get(name, 0), take))
    return spans
