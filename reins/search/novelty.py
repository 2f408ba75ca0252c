"""How new what a session says is: each row compared with its own past, by the vectors there are."""

import time
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from reins.loops import TaskLoop
from reins.search.index import VECTORS
from reins.search.resting import LOOK_S, rest_s
from reins.search.segments import Part
from reins.threads import SEARCH
from store.reading import Reader

WINDOW = 8
"""Rows whose mean is the figure: one that says the same twice says nothing yet."""
PAST = 32
"""Rows of its past that a row is compared with."""
_BACK = 4_000
"""Passages that a start reads again, so that it knows the past of those that said something."""
_BATCH = 512
_SESSIONS = 4_000
"""Sessions whose past is kept, at 32 KiB each with 256 numbers a vector: the newest ones."""
_FIRST_S = 5.0

Told = Callable[[Mapping[str, float | None]], None]


@dataclass(slots=True)
class Past:
    """The newest vectors of what one session has said, and how like the newest rows were to it."""

    vectors: deque[Any] = field(default_factory=lambda: deque(maxlen=PAST))
    likeness: deque[float] = field(default_factory=lambda: deque(maxlen=WINDOW))
    speaks: bool = False

    def take(self, source: str, vector: Any) -> None:
        """One more row. Who speaks in conversations is measured by that alone: its rows between
        say again and again why it is silent.
        """
        if source == "message" and not self.speaks:
            self.speaks = True
            self.vectors.clear()
            self.likeness.clear()
        if (source == "message") != self.speaks:
            return
        if self.vectors:
            self.likeness.append(max(0.0, *(float(each @ vector) for each in self.vectors)))
        self.vectors.append(vector)

    @property
    def sameness(self) -> float | None:
        """The mean likeness of the newest rows to what came before each; None of too few."""
        if len(self.likeness) < WINDOW:
            return None
        return min(1.0, sum(self.likeness) / WINDOW)


class Novelty(TaskLoop):
    """Follows the vectors of the index with a cursor of its own, and tells how like each session's
    newest rows are to what it said before: 1 is the same again and again.

    A person's word, a pause or a resume begins the measure anew: what it says then is an answer.
    What blocks is done in a thread, and it rests while the loop of the sessions lags.
    """

    def __init__(
        self,
        store: Reader,
        told: Told,
        busy: Callable[[], bool],
        since: datetime | None = None,
    ) -> None:
        """Figures are told of rows since then, or since now: those before are the past alone."""
        super().__init__("novelty", first_delay_s=_FIRST_S)
        self._since = since or datetime.now(UTC)
        self._vectors = Part(store.folder.path / "search", VECTORS)
        self._told, self._busy = told, busy
        self._pasts: OrderedDict[str, Past] = OrderedDict()
        self._upto: int | None = None
        self._route = ""

    async def run_once(self) -> float | None:
        began = time.perf_counter()
        note = self._vectors.note()
        newest, route = int(note.get("upto", 0)), str(note.get("route", ""))
        if self._upto is None or route != self._route or newest < self._upto:
            self._pasts.clear()
            self._route = route
            self._upto = max(0, newest - _BACK)
        upto = min(newest, self._upto + _BATCH)
        if upto <= self._upto:
            return LOOK_S
        figures = await SEARCH.call(self._followed, self._upto, upto)
        self._upto = upto
        if figures:
            self._told(figures)
        return rest_s(time.perf_counter() - began, more=upto < newest, busy=self._busy())

    def failed(self, error: Exception) -> float:
        """The index may have been made anew: from its end again."""
        self._upto = None
        self._vectors.forget()
        return super().failed(error)

    def _followed(self, after: int, upto: int) -> dict[str, float | None]:
        """The figures that have changed by the passages numbered above `after` up to `upto`."""
        changed: dict[str, float | None] = {}
        for row in self._rows(after, upto):
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

    def _rows(self, after: int, upto: int) -> Sequence[dict[str, Any]]:
        where = f"serial > {after} AND serial <= {upto} AND session_id IS NOT NULL"
        columns = ["serial", "session_id", "source", "kind", "at", "vec"]

        def ask(table: Any) -> list[dict[str, Any]]:
            return _rows_of(table.search().where(where).select(columns).limit(None).to_arrow())

        return sorted(self._vectors.each(ask), key=lambda row: int(row["serial"]))


def _rows_of(found: Any) -> list[dict[str, Any]]:
    """As dicts, each with its vector as an array."""
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
