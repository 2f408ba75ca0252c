"""Evidence for and against claims: rows that are only ever added, and rows that undo others."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from pydantic import ConfigDict

from reins.mind.errors import MindError, TooLargeError
from reins.mind.lineage import NOWHERE, Lineage
from reins.mind.reading import check_text, check_time

MAX_WEIGHT = 6.0
"""Nats that one piece may weigh, and that all together may move a belief from its prior."""
MAX_ID_CHARS, MAX_TEXT_CHARS, MAX_UNDONE = 400, 1_000, 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One piece: how likely it was to be seen if the claim is true, and if it is not.

    **Units**: `at` is microseconds since 1970; the likelihoods lie above 0 and at most at 1,
    `reliability` from 0 to 1. Pieces of one `source` are not independent. Raises: MindError.
    """

    id: str
    claim: str
    at: int
    p_if_true: float
    p_if_false: float
    source: str
    reliability: float = 1.0
    text: str = ""
    lineage: Lineage = NOWHERE
    kind: Literal["evidence"] = "evidence"

    __pydantic_config__ = ConfigDict(extra="forbid")

    def __post_init__(self) -> None:
        for name in ("id", "claim", "source"):
            check_text(getattr(self, name), f"the {name} of the evidence", MAX_ID_CHARS)
        check_text(self.text, f"the text of evidence {self.id!r}", MAX_TEXT_CHARS, empty=True)
        check_time(self.at, f"the time of evidence {self.id!r}")
        for name in ("p_if_true", "p_if_false"):
            if not 0 < getattr(self, name) <= 1:
                raise MindError(
                    f"{name} of evidence {self.id!r} is {getattr(self, name)!r}; expected more "
                    f"than 0 and at most 1, for 'never' a small number such as 0.01"
                )
        if not 0 <= self.reliability <= 1:
            raise MindError(
                f"reliability of evidence {self.id!r} is {self.reliability!r}; expected 0 to 1"
            )

    @property
    def weight(self) -> float:
        """Nats that it adds to the log-odds of its claim, taken by itself; below 0 it opposes."""
        ratio = self.reliability * (math.log(self.p_if_true) - math.log(self.p_if_false))
        return max(-MAX_WEIGHT, min(MAX_WEIGHT, ratio))

    @property
    def supports(self) -> bool:
        """True where it makes the claim likelier."""
        return self.weight > 0

    @property
    def opposes(self) -> bool:
        """True where it makes the claim less likely."""
        return self.weight < 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Undo:
    """Takes back evidence, or earlier undos, by their ids: a fold leaves them out.

    Taken back itself, it has never been. Raises: MindError.
    """

    id: str
    at: int
    undoes: tuple[str, ...]
    text: str = ""
    lineage: Lineage = NOWHERE
    kind: Literal["undo"] = "undo"

    __pydantic_config__ = ConfigDict(extra="forbid")

    def __post_init__(self) -> None:
        check_text(self.id, "the id of the undo", MAX_ID_CHARS)
        check_text(self.text, f"the text of undo {self.id!r}", MAX_TEXT_CHARS, empty=True)
        check_time(self.at, f"the time of undo {self.id!r}")
        if not self.undoes:
            raise MindError(f"undo {self.id!r} undoes nothing; name the ids of what it takes back")
        if len(self.undoes) > MAX_UNDONE:
            raise TooLargeError(
                f"undo {self.id!r} takes back {len(self.undoes):,} rows of at most {MAX_UNDONE:,}; "
                f"make one for each part"
            )


Row: TypeAlias = Evidence | Undo


def likelihoods(strength: float) -> tuple[float, float]:
    """Those of a witness whose word weighs `strength` nats: right as often as their odds say.

    1 is right three times of four, 3 in 19 of 20; below 0 it speaks against. Raises: MindError.
    """
    if not -MAX_WEIGHT <= strength <= MAX_WEIGHT:
        raise MindError(f"the strength is {strength!r}; expected -{MAX_WEIGHT:g} to {MAX_WEIGHT:g}")
    return 1 / (1 + math.exp(-strength)), 1 / (1 + math.exp(strength))


def order(row: Row) -> tuple[int, str]:
    """Rows are folded by their time; of one moment, by their id."""
    return row.at, row.id


def undone(rows: Iterable[Row]) -> frozenset[str]:
    """The ids of all that is taken back, undos included.

    An undo takes back evidence of any time, and only undos before it: no two take back each other.
    """
    undos = sorted((row for row in rows if isinstance(row, Undo)), key=order, reverse=True)
    places = {row.id: order(row) for row in undos}
    found: set[str] = set()
    for row in undos:
        if row.id not in found:
            found.update(
                each for each in row.undoes if each not in places or places[each] < order(row)
            )
    return frozenset(found)


def in_force(rows: Iterable[Row]) -> list[Evidence]:
    """The evidence that is not taken back, each piece once, in its order.

    Raises: MindError for two rows of one id that differ.
    """
    known: dict[str, Row] = {}
    for row in rows:
        before = known.setdefault(row.id, row)
        if before is not row and before != row:
            raise MindError(f"two different rows have the id {row.id!r}; each needs its own")
    left_out = undone(known.values())
    kept = (row for row in known.values() if isinstance(row, Evidence) and row.id not in left_out)
    return sorted(kept, key=order)


def resting_on(
    rows: Iterable[Row], place: Lineage | None = None, *, source: str | None = None
) -> list[Evidence]:
    """The evidence in force of a source, or that rests on a tick, a call, a message or a document.

    With both it must meet both. Raises: MindError where neither is named.
    """
    if source is None and (place is None or place == NOWHERE):
        raise MindError("name a source, or a place such as Lineage(session_id='a1', seq=1290)")
    return [
        row
        for row in in_force(rows)
        if (source is None or row.source == source)
        and (place is None or place == NOWHERE or row.lineage.rests_on(place))
    ]
