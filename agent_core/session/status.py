"""The status of a session."""

from enum import StrEnum


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
        # Asked several times a tick: `in` would compare texts.
        return self is Status.STOPPED or self is Status.COMPLETED or self is Status.FAILED
