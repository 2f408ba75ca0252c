"""Sessions with a mind: what they remember and believe, changed with the row that says so."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from agent_core.agent.effects import Prepared
from agent_core.session.decisions import Recorded
from agent_core.session.log import Also
from agent_core.session.session import Session

if TYPE_CHECKING:
    from reins.mind import Act, Held, MindError


class Minded(Protocol):
    """A state with a mind; `mind` is empty where nothing is remembered or believed."""

    mind: dict[str, Any]


def held_by(session: Session, state: Minded) -> "Held":
    """The mind as the state has it; `keep` puts it back. Imported late: it takes 50 ms."""
    from reins.mind import Held, Owner  # noqa: PLC0415

    return Held(state.mind, Owner(session.session_id, session.agent_id, session.created_at))


@dataclass(frozen=True, slots=True)
class MindRows:
    """The rows that a change of a mind leaves, and what the row of the log says of it.

    An effect of a tick, and around the commit of guidance. No lock is needed: a mind is changed by
    its own session alone, one row after the other.
    """

    key: str
    records: Sequence[Also]
    payload: Mapping[str, Any] = field(default_factory=dict)

    def prepare(self) -> "_Preparing":
        return _Preparing(Prepared(self.records, self.payload))

    def recording(self) -> AbstractContextManager[Recorded]:
        return nullcontext(Recorded(self.records, self.payload))


class _Preparing(nullcontext[Prepared]):
    """Nothing is to be given back."""


def keep(session: Session, state: Minded, held: "Held", at: int, **told: Any) -> MindRows:
    """Put a changed mind into the state; gives the rows that must be committed with it.

    **Units**: `at`, the time of what was done, in microseconds.
    """
    state.mind = held.as_json()
    payload = {"mind": {"at": at, "did": list(held.did), **told}}
    return MindRows(f"mind:{session.session_id}", held.records(), payload)


class Acts:
    """The acts on a session's mind that pieces of its work ask for, done piece by piece."""

    def __init__(
        self, session: Session, state: Minded, asked: "Mapping[str, Sequence[Act]]"
    ) -> None:
        """`asked` are the acts of each piece, by its name."""
        self._session, self._state, self._asked = session, state, asked
        self._held: Held | None = None
        self._at = session.clock()

    def do(self, name: str) -> "MindError | None":
        """Do all that the piece asks for, or nothing of it; gives the reason why not."""
        acts = self._asked.get(name)
        if not acts:
            return None
        from reins.mind import MindError  # noqa: PLC0415

        if self._held is None:
            self._held = held_by(self._session, self._state)
        try:
            self._held.take(acts, self._at)
        except MindError as error:
            return error
        return None

    def effects(self) -> list[MindRows]:
        """The rows of what was done; the state has it from now on."""
        if self._held is None or not self._held.did:
            return []
        return [keep(self._session, self._state, self._held, self._at)]
