"""The mind of a task: as one call of a tool has it, and as its thoughts are shown it."""

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from agent_core.agent.effects import Effect
from agent_core.session.session import Session
from agents_impl.minding import (
    Minded,
    MindRows,
    effects_of,
    held_by,
    knows_something,
    recollection_of,
)
from agents_impl.recalling import recalled, told
from reins.remembering.recollection import Recalled
from reins.tools.context import Found, FoundMemory, Scope
from reins.tools.outcome import ToolError

if TYPE_CHECKING:
    from reins.mind import Held, Memories

_TEXT_BYTES = 4_000


class CallMind:
    """The mind as a call changes it; the session has that once `effects` are committed."""

    def __init__(self, session: Session, state: Minded, key: str) -> None:
        self._session, self._state, self._key = session, state, key
        self._at = session.clock()
        self._held: Held | None = None
        self._before: tuple[Mapping[str, Any], Mapping[str, Any] | None] | None = None

    def remember(self, key: str, text: str, scope: Scope) -> None:
        if len(text.encode()) > _TEXT_BYTES:
            raise ToolError(
                f"the text takes {len(text.encode()):,} bytes of at most {_TEXT_BYTES:,}; keep "
                "what is longer in a file, and remember where"
            )
        self._do("remember", key=key, value=text, scope=scope)

    def recall_all(self, scope: Scope | None = None) -> Mapping[str, str]:
        if self._held is None and not knows_something(self._session, self._state):
            return {}
        every = self._mind().memory.recall_all("", self._at, scope)
        return {key: told(memory) for key, memory in every.items()}

    async def find(self, about: str, scope: Scope | None, limit: int) -> Found:
        if self._held is None and not knows_something(self._session, self._state):
            return Found()
        every = [*self._mind().memory.recall_all("", self._at, scope).values()]
        fits, note = await recollection_of(self._session).find(about, every, limit)
        named = [(memory.key, memory.scope, told(memory), fit.score, fit.by)
                 for memory, fit in fits]  # fmt: skip
        return Found(tuple(FoundMemory(*each) for each in named), note)

    def forget(self, key: str, scope: Scope) -> None:
        self._do("forget", key=key, scope=scope)

    def restore(self, key: str, version: int | None, scope: Scope) -> str:
        self._do("restore", key=key, version=version, scope=scope)
        return self.recall_all(scope)[key]

    def done_before(self, kept: Mapping[str, Any], told: Mapping[str, Any] | None) -> None:
        self._before = kept, told

    def effects(self) -> list[Effect]:
        """The rows of what the call has changed; the state has it from now on."""
        if self._before is not None:
            kept, told = self._before
            self._state.mind = dict(kept)
            name = f"mind:{self._session.session_id}"
            return [] if told is None else [MindRows(name, (), {"mind": told})]
        if self._held is None or not self._held.did:
            return []
        return effects_of(self._session, self._state, self._held, self._at)

    def _mind(self) -> "Held":
        if self._held is None:
            self._held = held_by(self._session, self._state)
        return self._held

    def _do(self, name: str, **args: Any) -> None:
        from reins.mind import Lineage, MindError, act_of  # noqa: PLC0415 - takes 50 ms

        try:
            self._mind().take([act_of(name, args, Lineage(call_id=self._key))], self._at)
        except MindError as error:
            raise ToolError(str(error)) from None


async def remembered(
    session: Session,
    state: Minded,
    cues: Callable[[], Iterable[tuple[str, str]]],
    budget_bytes: int,
) -> Recalled:
    """The memories for a thought, a line each: those that fit its cues, within the bytes."""

    def memories() -> "Memories | None":
        return held_by(session, state).memory if knows_something(session, state) else None

    return await recalled(session, memories, cues, budget_bytes)
