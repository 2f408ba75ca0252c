"""The memories that a thought is told, or a call of `recall` finds: those that are to the point."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, Protocol

from reins.threads import READS

if TYPE_CHECKING:
    from reins.mind import Memory
    from reins.mind.relevance import Cue, Fit

By = Literal["off", "words", "meaning"]
Likeness = Sequence[Sequence[float]]
CUE_CHARS = 2_000
OFF = "the search by meaning is off (REINS_SEARCH)"


class Meanings(Protocol):
    """How like texts are in meaning."""

    async def likeness(self, asked: Sequence[str], texts: Sequence[str]) -> Likeness | str:
        """How like each text is to each that is asked for; or the reason why nobody knows."""
        ...


@dataclass(frozen=True, slots=True)
class Recalled:
    """Memories that were recalled, as the row of the thought tells them, and a replay reads them.

    `by` is how: `all` of them have room, by `meaning` and words together, by `words` alone, or by
    `order`, the newest first; `note` is why not by meaning.
    """

    by: Literal["all", "order", "words", "meaning"] = "all"
    note: str | None = None
    memories: Sequence[Mapping[str, Any]] = ()
    left: int = 0
    budget_bytes: int = 0

    @property
    def lines(self) -> list[str]:
        """A line for each memory, and one that says how many are left out."""
        told = [each["line"] for each in self.memories]
        more = f"{self.left} more are remembered; recall lists them, or finds those about something"
        return [*told, more] if self.left else told

    @property
    def is_of_others(self) -> bool:
        """True where some were made beyond the session, of material that it has not seen."""
        return any(each["scope"] != "session" for each in self.memories)

    def payload(self) -> dict[str, Any]:
        """The part of the row; empty where nothing is remembered."""
        if not self.memories and not self.left:
            return {}
        told = {
            "by": self.by, "note": self.note, "memories": [*self.memories], "left": self.left,
            "budget_bytes": self.budget_bytes,
        }  # fmt: skip
        return {"recalled": {name: each for name, each in told.items() if each is not None}}

    @classmethod
    def of(cls, payload: Mapping[str, Any]) -> "Recalled":
        """Those that a row tells of; nothing where it tells of none."""
        return cls(**payload.get("recalled", {}))


class Recollection:
    """Finds memories for sessions. What it found is on record with the thought, since embeddings
    need not give the same again: a replay reads it there, and asks for nothing.
    """

    def __init__(
        self, by: Callable[[], By] = lambda: "off", meanings: Meanings | None = None
    ) -> None:
        self._by, self._meanings = by, meanings

    def on_record(self) -> Recalled | None:
        """Those recalled at this thought before; None where it is not done again."""
        return None

    async def recall(
        self,
        cues: "Sequence[Cue]",
        memories: "Sequence[Memory]",
        line_of: "Callable[[Memory], str]",
        budget_bytes: int,
    ) -> Recalled:
        """The memories that have room as lines: all, or those that fit the cues, best first."""
        newest = sorted(memories, key=lambda each: each.at, reverse=True)
        first = _with_room(newest, line_of, budget_bytes)
        left = len(newest) - len(first)
        if not left:
            return Recalled("all", None, first, 0, budget_bytes)
        if self._by() == "off":
            return Recalled("order", OFF, first, left, budget_bytes)
        fits, note = await self._ranked(cues, newest)
        told = await READS.call(_best, fits, newest, line_of, budget_bytes)
        by: Literal["meaning", "words"] = "meaning" if note is None else "words"
        return Recalled(by, note, told, len(newest) - len(told), budget_bytes)

    async def find(
        self, about: str, memories: "Sequence[Memory]", limit: int
    ) -> "tuple[list[tuple[Memory, Fit]], str | None]":
        """The memories that fit what is asked for, best first; and why not by meaning."""
        from reins.mind.relevance import Cue  # noqa: PLC0415

        fits, note = await self._ranked([Cue("about", about)], memories)
        return [(memories[fit.place], fit) for fit in fits[:limit] if fit.score > 0], note

    async def _ranked(
        self, cues: "Sequence[Cue]", memories: "Sequence[Memory]"
    ) -> "tuple[list[Fit], str | None]":
        from reins.mind.relevance import ranked, text_of  # noqa: PLC0415

        asked = [each for each in cues if each.text.strip()]
        texts = await READS.call(lambda: [text_of(each) for each in memories])
        found: Likeness | str = OFF
        if self._by() == "meaning" and self._meanings is not None and asked and texts:
            found = await self._meanings.likeness([each.text[:CUE_CHARS] for each in asked], texts)
        note = found if isinstance(found, str) else None
        likeness = None if isinstance(found, str) else found
        return await READS.call(partial(ranked, asked, texts, likeness)), note


def _told(memory: "Memory", line: str, fit: "Fit | None" = None) -> dict[str, Any]:
    named = {"key": memory.key, "scope": memory.scope, "version": memory.version, "line": line}
    if fit is None:
        return named
    return {**named, "score": round(fit.score, 3), "by": list(fit.by), "cue": fit.cue}


def _with_room(
    newest: "Sequence[Memory]", line_of: "Callable[[Memory], str]", budget_bytes: int
) -> list[dict[str, Any]]:
    """Those that have room, from the first on: of a few thousand no more lines are made."""
    told = []
    for memory in newest:
        line = line_of(memory)
        budget_bytes -= len(line.encode())
        if budget_bytes < 0:
            break
        told.append(_told(memory, line))
    return told


def _best(
    fits: "Sequence[Fit]",
    memories: "Sequence[Memory]",
    line_of: "Callable[[Memory], str]",
    budget_bytes: int,
) -> list[dict[str, Any]]:
    """Those that fit best, within the budget and its shares; for a thread."""
    from reins.mind.relevance import within  # noqa: PLC0415

    lines = [line_of(memories[fit.place]) for fit in fits]
    sizes = [len(line.encode()) for line in lines]
    order = [(memories[fit.place].scope, size) for fit, size in zip(fits, sizes, strict=True)]
    return [
        _told(memories[fits[at].place], lines[at], fits[at]) for at in within(order, budget_bytes)
    ]
