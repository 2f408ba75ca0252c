"""The figures of a worker, for `/health` and the System page."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Health:
    """The worker's own figures."""

    start_id: str
    pid: int
    sessions: dict[str, int]
    model: str
    demonstration: bool
    loop_lag_p99_ms: float
    pending_rows: int
    journal_commits: int
    journal_rows: int
    actions_handled: int
    confinement: dict[str, object] | None
    """The confinement of tools' commands: kind, confined, detail. None while nobody knows yet."""
    mirror: dict[str, object] | None = None
    """How far the mirror is behind: lag_rows, lag_s, puts, failures, error. None without one."""
