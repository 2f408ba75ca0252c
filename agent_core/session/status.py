"""The status of a session, and which verbs it takes: the only place that says so."""

from enum import StrEnum
from typing import Literal, TypeAlias

Verb: TypeAlias = Literal["pause", "resume", "interrupt", "destroy", "restore"]


class Status(StrEnum):
    """`paused` means that no tick is in flight; a stored `running` is a wish."""

    RUNNING = "running"
    PAUSING = "pausing"
    PAUSED = "paused"
    STOPPING = "stopping"
    STOPPED = "stopped"
    COMPLETED = "completed"
    FAILED = "failed"

    def __init__(self, name: str) -> None:
        # Asked several times a tick: a property that compares takes ten times as long.
        self.over = name in ("stopped", "completed")
        """Only a new creation goes on with the log, or, of what was destroyed, a restore; what
        failed may resume or be destroyed.
        """
        self.ended = self.over or name == "failed"
        """Nothing of the session runs any more."""

    def may_become(self, after: "Status") -> bool:
        """True if a row with the status `after` may follow one with this status.

        What has come in before a pause or a stop is applied before it, so that a session that is
        pausing or stopping may run, or pause, once more. `over` ends all but for a new creation and
        a restore.
        """
        return after in _MOVES[self]

    @property
    def verbs(self) -> tuple[Verb, ...]:
        """The verbs that a session of this status takes."""
        if self.over:
            return ("restore",) if self is Status.STOPPED else ()
        if self is Status.FAILED:
            return ("resume", "destroy")
        verbs: tuple[Verb, ...] = ("pause", "resume", "interrupt", "destroy")
        return (*verbs, "restore") if self is Status.STOPPING else verbs


_ALL = frozenset(Status)
_MOVES: dict[Status, frozenset[Status]] = {
    Status.RUNNING: _ALL,
    Status.PAUSING: _ALL,
    Status.PAUSED: _ALL - {Status.PAUSING, Status.COMPLETED},
    Status.STOPPING: _ALL - {Status.PAUSING},
    Status.FAILED: frozenset({Status.FAILED, Status.RUNNING, Status.STOPPED}),
    Status.STOPPED: frozenset({Status.STOPPED}),
    Status.COMPLETED: frozenset({Status.COMPLETED}),
}
