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
        from reins.mind.relevance import within  # noqa: PLC0415 - takes 50 ms

        newest = sorted(memories, key=lambda each: each.at, reverse=True)
        lines = [line_of(each) for each in newest]
        sizes = [len(line.encode()) for line in lines]
        if sum(sizes) <= budget_bytes:
            told = [_told(*each) for each in zip(newest, lines, strict=True)]
            return Recalled("all", None, told, 0, budget_bytes)
        if self._by() == "off":
            kept = _fitting(sizes, budget_bytes)
            told = [_told(newest[at], lines[at]) for at in range(kept)]
            return Recalled("order", OFF, told, len(newest) - kept, budget_bytes)
        fits, note = await self._ranked(cues, newest)
        order = [(newest[fit.place].scope, sizes[fit.place]) for fit in fits]
        chosen = [fits[at] for at in within(order, budget_bytes)]
        told = [_told(newest[fit.place], lines[fit.place], fit) for fit in chosen]
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
        texts = [text_of(each) for each in memories]
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


def _fitting(sizes: Sequence[int], budget_bytes: int) -> int:
    """How many of them, from the first on, have room."""
    for at, size in enumerate(sizes):
        budget_bytes -= size
        if budget_bytes < 0:
            return at
    return len(sizes)
