"""Decisions about what a session has asked: a person's word, or the end of the time for one."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, TypeAlias

from agent_core.session.log import Also
from store.journal.file import Record

Choice: TypeAlias = Literal["approve", "edit", "reject", "answer", "expire"]
Risk: TypeAlias = Literal["low", "medium", "high"]

STATE_AFTER: dict[str, str] = {
    "approve": "approved",
    "edit": "edited",
    "reject": "rejected",
    "answer": "answered",
    "expire": "expired",
}
"""Decision to the state that it gives an item."""


class DecisionRejectedError(ValueError):
    """The decision cannot be; the message says why, and what would."""


@dataclass(frozen=True, slots=True)
class Decision:
    """A decision about one item, as its agent is told of it.

    `args` are the arguments of an edit, checked and as they are to be used; `call_hash` is that of
    the call which is decided on, after an edit that of the edited one. `text` answers a question.
    """

    item_id: str
    kind: Literal["approval", "question"]
    tool: str
    decision: Choice
    actor: str
    call_hash: str
    args: Mapping[str, Any] | None = None
    text: str | None = None
    reason: str | None = None

    @property
    def state(self) -> str:
        """The state of the item after it."""
        return STATE_AFTER[self.decision]

    @property
    def allows(self) -> bool:
        """True if the call may be made."""
        return self.decision in ("approve", "edit")


@dataclass(frozen=True, slots=True)
class Aspects:
    """The parts of a call that a rule can fix.

    `argv` are the tokens of a command, None for a call that runs none. `paths` are below the
    workspace, `hosts` without a port. `shell`: a line that a shell takes apart, or a
    command that runs another. `code`: code, or a command that is no list of tokens. `call`
    is a name for the call, the same for all its arguments with defaults filled in. `spec` is a
    digest of the tool's spec: a rule holds for the tool as it was.
    """

    argv: tuple[str, ...] | None = None
    paths: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    shell: bool = False
    code: bool = False
    call: str = ""
    spec: str = ""


@dataclass(frozen=True, slots=True)
class Reviewed:
    """A call with edited arguments, checked by the tool's schema and classified again."""

    args: Mapping[str, Any]
    call_hash: str
    risk: Risk
    reasons: Sequence[str] = ()
    preview: Mapping[str, Any] = field(default_factory=dict)
    aspects: Aspects = field(default_factory=Aspects)


@dataclass(frozen=True, slots=True)
class Recorded:
    """The rows of a decision, and what its row of the log says of them."""

    records: Sequence[Also]
    payload: Mapping[str, Any]


class Asked(Protocol):
    """The item of a decision that is on its way."""

    def check(self, decision: Decision) -> None:
        """Raises: DecisionRejectedError where it was decided, has expired or is gone."""

    def recording(
        self, decision: Decision, reviewed: Reviewed | None
    ) -> AbstractContextManager[Recorded]:
        """Around the commit of a decision; left by an exception, the item is as it was.

        Raises: DecisionRejectedError.
        """


class SessionItems(Protocol):
    """The inbox, as a session knows it."""

    def waits(self, session_id: str) -> Mapping[str, Any] | None:
        """For what the session waits, as a snapshot has it; None if for no person."""

    def standing(self, session_id: str) -> Mapping[str, Any] | None:
        """The items and rules that its end would settle, as a payload; None if there are none."""

    def closing_records(self, session_id: str) -> Sequence[Record]:
        """The rows of its items when it does not come back."""


class NoItems:
    """The inbox of sessions that ask nobody."""

    def waits(self, session_id: str) -> Mapping[str, Any] | None:  # noqa: ARG002 - as the protocol
        return None

    def standing(self, session_id: str) -> Mapping[str, Any] | None:  # noqa: ARG002 - as the protocol
        return None

    def closing_records(self, session_id: str) -> Sequence[Record]:  # noqa: ARG002 - the same
        return ()
