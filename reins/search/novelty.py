"""How new what a session says is: each row compared with its own past, by the vectors there are."""

from collections import OrderedDict, deque
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

WINDOW = 8
"""Rows whose mean is the figure: one that says the same twice says nothing yet."""
PAST = 32
"""Rows of its past that a row is compared with."""
BACK = 4_000
"""Passages that a start reads again, so that it knows the past of those that said something."""
SPOKEN = ["session_id", "source", "kind", "at", "vec"]
"""The columns of a passage that tell what a session has said."""
_SESSIONS = 4_000
"""Sessions whose past is kept, at 32 KiB each with 256 numbers a vector: the newest ones."""

Told = Callable[[Mapping[str, float | None]], None]


class Past:
    """The newest vectors of what one session has said, and how like the newest rows were to it.

    Shapes: `vectors` has a row for each, in no order.
    """

    def __init__(self) -> None:
        self.vectors: Any = None
        self.likeness: deque[float] = deque(maxlen=WINDOW)
        self._speaks = False
        self._taken = 0

    def take(self, source: str, vector: Any) -> None:
        """One more row. Who speaks in conversations is measured by that alone: its rows between
        say again and again why it is silent.
        """
        if source == "message" and not self._speaks:
            self._speaks = True
            self._taken = 0
            self.likeness.clear()
        if (source == "message") != self._speaks:
            return
        if self._taken:
            self.likeness.append(max(0.0, float((self.vectors[: self._taken] @ vector).max())))
        else:
            self.vectors = vector[None].repeat(PAST, axis=0)
        self.vectors[self._taken % PAST] = vector
        self._taken += 1

    @property
    def sameness(self) -> float | None:
        """The mean likeness of the newest rows to what came before each; None of too few."""
        if len(self.likeness) < WINDOW:
            return None
        return min(1.0, sum(self.likeness) / WINDOW)


class Novelty:
    """How like each session's newest rows are to what it said before: 1 is the same again and
    again.

    A person's word, a pause or a resume begins the measure anew: what it says then is an answer.
    """

    def __init__(self, told: Told, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        """`told` gets figures of rows since it has begun: others are the past alone."""
        self.told = told
        self._now = now
        self._since = now()
        self._pasts: OrderedDict[str, Past] = OrderedDict()

    def begin(self, passages: pa.Table | None) -> None:
        """Begin anew, with these passages as all that was said so far: what is given again after
        them, since the index is made anew, was told of when it was new.
        """
        self._pasts.clear()
        self._since = self._now()
        if passages is not None:
            self.take(passages)

    def take(self, passages: pa.Table) -> dict[str, float | None]:
        """The figures that have changed by these passages, which have their vectors."""
        changed: dict[str, float | None] = {}
        for row in _rows_of(passages):
            session_id = row["session_id"]
            past = self._pasts.setdefault(session_id, Past())
            self._pasts.move_to_end(session_id)
            if _begins_anew(row):
                past.likeness.clear()
            elif _counts(row):
                past.take(row["source"], _unit(row["vec"]))
            else:
                continue
            if row["at"] >= self._since:
                changed[session_id] = past.sameness
        while len(self._pasts) > _SESSIONS:
            self._pasts.popitem(last=False)
        return changed


def _rows_of(passages: pa.Table) -> list[dict[str, Any]]:
    """Those of sessions as dicts, each with its vector as an array."""
    found = passages.select(SPOKEN).filter(pc.is_valid(passages["session_id"]))
    if not len(found):
        return []
    every = found["vec"].combine_chunks().flatten().to_numpy().reshape(len(found), -1)
    rows = found.drop_columns(["vec"]).to_pylist()
    return [{**row, "vec": vector} for row, vector in zip(rows, every, strict=True)]


def _counts(row: Mapping[str, Any]) -> bool:
    return (row["source"], row["kind"]) in (("message", "message"), ("step", "tick"))


def _begins_anew(row: Mapping[str, Any]) -> bool:
    return (row["source"], row["kind"]) in (("step", "guidance"), ("step", "status"))


def _unit(vector: Any) -> Any:
    """The vector with a length of 1, as a copy: the rest of its batch may go."""
    length = float((vector @ vector) ** 0.5)
    return vector / length if length else vector.copy()
