"""The requests that a session takes, and their outcomes."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from agent_core.session.decisions import Asked, Decision
from store.journal.file import Record


@dataclass(frozen=True, slots=True)
class Applied:
    """The action took effect in row `seq` of the log; None where no log is concerned."""

    seq: int | None = None


@dataclass(frozen=True, slots=True)
class Rejected:
    """The action had no effect; `error` says what was given, expected, and to be done."""

    error: str


Outcome: TypeAlias = Applied | Rejected


def unanswered() -> "asyncio.Future[Outcome]":
    """The outcome of a new request, to come on this loop."""
    return asyncio.get_running_loop().create_future()


@dataclass(frozen=True, slots=True, eq=False)
class Control:
    """One request to a session. `done` is resolved once it is on record."""

    action_id: str
    actor: str
    done: "asyncio.Future[Outcome]"

    @property
    def applied(self) -> tuple[str, ...]:
        """Its action, if a person's: what a parent asks of its child is none."""
        return (self.action_id,) if self.action_id else ()

    def settle(self, outcome: Outcome) -> None:
        """Resolve it; a second outcome is ignored."""
        if not self.done.done():
            self.done.set_result(outcome)


def _no_letter(_why: str) -> Sequence[Record]:
    return ()


@dataclass(frozen=True, slots=True, eq=False)
class Pause(Control):
    reason: str | None


@dataclass(frozen=True, slots=True, eq=False)
class Resume(Control):
    """Go on; `now` gives up the tick in flight, which is done again."""

    mode: Literal["steer", "now"] = "steer"


@dataclass(frozen=True, slots=True, eq=False)
class Interrupt(Control):
    raw: dict[str, Any] | str
    mode: Literal["steer", "now"]
    undoes: tuple[str, int] | None = None
    """The action that it takes back, and how often the session was guided by then."""


@dataclass(frozen=True, slots=True, eq=False)
class Hear(Interrupt):
    """A message of a topic, as guidance by whoever has published it.

    `source` is its topic and number there, to which the session's cursor moves in the commit that
    takes it in. One that is refused is a dead letter, whose rows `letter` makes of the reason; with
    `vain` it is one without a further try.
    """

    source: tuple[str, int] = ("", 0)
    letter: Callable[[str], Sequence[Record]] = _no_letter
    vain: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Decide(Control):
    """A decision about what the session has asked; without an `action_id`, its expiry."""

    decision: Decision
    asked: Asked


@dataclass(frozen=True, slots=True, eq=False)
class Stop(Control):
    reason: str | None


@dataclass(frozen=True, slots=True, eq=False)
class Release(Control):
    """Go on, if the budget that held the session has room again."""


@dataclass(frozen=True, slots=True, eq=False)
class Hold(Control):
    """Make no further tick before a person resumes the session, or says something."""

    reason: str


@dataclass(frozen=True, slots=True, eq=False)
class Renew(Control):
    """Go on with the newest code of the agent's type."""

    agent_class: type[Any]
