"""Sessions with a mind: what they remember and believe, changed with the row that says so."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from agent_core.agent.effects import Effect, Prepared
from agent_core.session.decisions import Recorded
from agent_core.session.log import Also
from agent_core.session.session import Session
from agents_impl.claiming import Claims
from reins.remembering.recollection import Recollection
from reins.remembering.shared import SharedMemories

if TYPE_CHECKING:
    from reins.mind import Act, Held, MemoryRow, MindError


class Minded(Protocol):
    """A state with a mind; `mind` is empty where nothing is remembered or believed."""

    mind: dict[str, Any]


def held_by(session: Session, state: Minded) -> "Held":
    """The mind as the state has it; `keep` puts it back. Imported late: it takes 50 ms."""
    from reins.mind import Held, Owner  # noqa: PLC0415

    shared = shared_with(session)
    claims: Claims = getattr(session.agent.config, "claims", [])
    return Held(
        state.mind,
        Owner(session.session_id, session.agent_id, session.created_at),
        None if shared is None else shared.view(session.agent_id),
        {each.claim(): each.reliability for each in claims},
    )


def shared_with(session: Session) -> SharedMemories | None:
    """The memories beyond the session; None where there are none to be had, as in a replay."""
    try:
        found: SharedMemories = session.agent.services.get(SharedMemories)
    except LookupError:
        return None
    return found


def recollection_of(session: Session) -> Recollection:
    """The finder of memories; one that searches by words alone where none was handed down."""
    try:
        found: Recollection = session.agent.services.get(Recollection)
    except LookupError:
        return Recollection()
    return found


def knows_something(session: Session, state: Minded) -> bool:
    """True where a mind has something in it, of its own or of its agent or of all."""
    shared = shared_with(session)
    return bool(state.mind) or (shared is not None and shared.has_some(session.agent_id))


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


@dataclass(frozen=True, slots=True)
class SharedRows:
    """As MindRows, with rows of memories beyond the session: one session at a time writes them.

    Where another has written one of the keys meanwhile, the tick is done again: its version is the
    next one then, or what it expects is not there.
    """

    rows: MindRows
    shared: SharedMemories
    agent_id: str
    beyond: "Sequence[MemoryRow]"

    @property
    def key(self) -> str:
        return "memories"

    @asynccontextmanager
    async def prepare(self) -> AsyncIterator[Prepared | None]:
        async with self.shared.writing(self.agent_id, self.beyond) as follow:
            yield Prepared(self.rows.records, self.rows.payload) if follow else None


def keep(session: Session, state: Minded, held: "Held", at: int, **told: Any) -> MindRows:
    """Put a changed mind into the state; gives the rows that must be committed with it.

    **Units**: `at`, the time of what was done, in microseconds.
    """
    if found := held.contradictions(at):
        told = {**told, "contradictions": found}
    state.mind = held.as_json()
    payload = {"mind": {"at": at, "did": list(held.did), **told}}
    return MindRows(f"mind:{session.session_id}", held.records(), payload)


def effects_of(session: Session, state: Minded, held: "Held", at: int) -> list[Effect]:
    """The changed mind as effects of the tick; the state has it from now on."""
    rows, shared = keep(session, state, held, at), shared_with(session)
    if not held.beyond or shared is None:
        return [rows]
    return [SharedRows(rows, shared, session.agent_id, held.beyond)]


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

    def effects(self) -> list[Effect]:
        """The rows of what was done; the state has it from now on."""
        if self._held is None or not self._held.did:
            return []
        return effects_of(self._session, self._state, self._held, self._at)
