"""The status of a session, and which verbs it takes: the only place that says so."""

from enum import StrEnum
from typing import Literal, TypeAlias

Verb: TypeAlias = Literal["pause", "resume", "interrupt", "destroy"]


class Status(StrEnum):
    """`paused` means that no tick is in flight; a stored `running` is a wish."""

    RUNNING = "running"
    PAUSING = "pausing"
    PAUSED = "paused"
    STOPPING = "stopping"
    STOPPED = "stopped"
    COMPLETED = "completed"
    FAILED = "failed"

    @property
    def ended(self) -> bool:
        """Nothing of the session runs any more."""
        # Asked several times a tick: `in` would compare texts.
        return self is Status.STOPPED or self is Status.COMPLETED or self is Status.FAILED

    @property
    def over(self) -> bool:
        """Only a new creation goes on with the log; what failed may resume or be destroyed."""
        return self is Status.STOPPED or self is Status.COMPLETED

    @property
    def verbs(self) -> tuple[Verb, ...]:
        """The verbs that a session of this status takes."""
        if self.over:
            return ()
        if self is Status.FAILED:
            return ("resume", "destroy")
        return ("pause", "resume", "interrupt", "destroy")
