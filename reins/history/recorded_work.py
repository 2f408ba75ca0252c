"""Pieces of work that end as they did before: each when the row that tells of its end is due."""

from collections.abc import Collection, Coroutine, Iterable, Sequence
from typing import Any

from agent_core.session.session import Session
from agent_core.session.work import Ended, Told, Work


class RecordedWork(Work):
    """Begins no piece by itself: `end_again` does those that a row tells of, one after the other.

    What was cancelled then is not begun at all.
    """

    def __init__(self, session: Session) -> None:
        super().__init__(session, session.scope, _nothing, _nothing)
        self._waiting: dict[str, Coroutine[Any, Any, Any]] = {}
        self._told: dict[str, str] = {}

    def knows(self, name: str) -> bool:
        return name in self._waiting or super().knows(name)

    def start(self, name: str, piece: Coroutine[Any, Any, Any]) -> None:
        self._waiting[name] = piece

    async def end_again(self, told: Sequence[Told]) -> None:
        """Do the pieces that ended, in the order of a row, and keep how others were cancelled."""
        self._told = {each.name: each.outcome for each in told if each.outcome is not None}
        for each in told:
            piece = self._waiting.pop(each.name, None) if each.outcome is None else None
            if piece is None:
                continue  # one that ended and is not there makes the row another one
            if each.is_wait:
                piece.close()
                self.ends.append(Ended(each.name, None, None, 0, 0.0))
                continue
            super().start(each.name, piece)
            while each.name in self.running:
                await self.change()

    def let_go(self, names: Collection[str] | None = None) -> None:
        for name in [each for each in self._waiting if names is None or each in names]:
            self._waiting.pop(name).close()

    async def cancel(self, names: Iterable[str], within_s: float) -> dict[str, str]:
        del within_s
        given = [*names]
        self.let_go(given)
        for name in given:
            self.drop(name)
        return {name: self._told[name] for name in given if name in self._told}

    async def close(self, within_s: float) -> None:
        del within_s
        self.let_go()


def _nothing(*_: object) -> None:
    """Nobody is told."""
