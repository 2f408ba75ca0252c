"""The mind of a task: as one call of a tool has it, and as its thoughts are shown it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from agent_core.agent.effects import Effect
from agent_core.session.session import Session
from agents_impl.minding import Minded, MindRows, effects_of, held_by, knows_something
from reins.llm.text import one_line
from reins.llm.tokens import size_of
from reins.tools.context import Scope
from reins.tools.outcome import ToolError

if TYPE_CHECKING:
    from reins.mind import Held, Memory

_SHOWN_BYTES = 2 * 1024
_SHOWN_CHARS = 200
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
        return {key: _told(memory) for key, memory in every.items()}

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


@dataclass(frozen=True, slots=True)
class Remembered:
    """The memories as a thought is shown them: a line each, the newest first, bounded.

    `is_of_others`: some were made beyond the session, out of material that it has not seen.
    """

    lines: Sequence[str] = ()
    is_of_others: bool = False


def remembered(session: Session, state: Minded) -> Remembered:
    """The memories for a thought."""
    if not knows_something(session, state):
        return Remembered()
    every = held_by(session, state).memory.recall_all("", session.clock())
    of_others = any(each.scope != "session" for each in every.values())
    lines: list[str] = []
    room = _SHOWN_BYTES
    for key, memory in sorted(every.items(), key=lambda each: each[1].at, reverse=True):
        whose = "" if memory.scope == "session" else f" ({memory.scope})"
        line = one_line(f"remembered{whose} under {key!r}: {_told(memory)}", _SHOWN_CHARS)
        room -= size_of(line)
        if room < 0:
            more = f"{len(every) - len(lines)} more are remembered; recall lists them"
            return Remembered([*lines, more], of_others)
        lines.append(line)
    return Remembered(lines, of_others)


def _told(memory: "Memory") -> str:
    if memory.elsewhere:
        return f"[too long to be shown here; it is version {memory.version} in the table memories]"
    return _text(memory.value)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()
