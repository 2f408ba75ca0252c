"""The place of a session in a tree of sessions: who made it, and for which of its tasks."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeAlias

Settle: TypeAlias = Literal["stop", "orphan"]
"""What the end, a pause or a resume of a parent means to its children: the same, or nothing."""
MAX_DEPTH = 8
"""Generations below the root. Types of agents set less."""


@dataclass(frozen=True, slots=True)
class Lineage:
    """The parent, the root above all, the generation below it, and the parent's task.

    The root itself has no parent, and depth 0. `standing` says what a pause of the parent has done:
    it `paused` the session, or a person has set that `apart` since by a resume.
    """

    parent: str | None
    root: str
    depth: int = 0
    task: str = ""
    settle: Settle = "stop"
    standing: Literal["", "paused", "apart"] = ""

    def child(self, session_id: str, task: str, settle: Settle) -> "Lineage":
        """The place of a new child of the session with this id and lineage."""
        return Lineage(session_id, self.root, self.depth + 1, task, settle)

    def stored(self) -> dict[str, Any]:
        """Its form in a snapshot, without what is as in most."""
        kept = {"parent": self.parent, "root": self.root, "depth": self.depth, "task": self.task}
        kept |= {} if self.settle == "stop" else {"settle": self.settle}
        return kept | ({"standing": self.standing} if self.standing else {})


def restored_lineage(stored: Mapping[str, Any] | None) -> Lineage | None:
    """As a snapshot has it."""
    return None if stored is None else Lineage(**stored)


class Kin(Protocol):
    """Whoever sees to the parent and the children of a session; told of what becomes of it."""

    def changed(self, session: Any) -> None:
        """It is paused, or runs again, by a person's word or its parent's."""


class NoKin:
    """Of a session that stands alone."""

    def changed(self, session: Any) -> None:
        """Nobody is concerned."""
