"""Reports as the API sends them."""

from typing import Literal

from reins.web.views.rows import Wire


class ReportLine(Wire):
    """The figures of the session, a node of its plan, a tool, its ticks, a route, or a wait.

    `success_rate` is `succeeded` / (`succeeded` + `failed`). Percentiles are by nearest rank.
    Tokens are those of prompts and answers together.
    """

    kind: Literal["session", "node", "tool", "tick", "model", "wait"]
    path: str | None
    name: str
    runs: int
    succeeded: int
    failed: int
    cancelled: int
    abandoned: int
    retries: int
    success_rate: float | None
    wall_s: float
    p50_s: float | None
    p95_s: float | None
    tokens: int
    cost_usd: float


class SessionReport(Wire):
    """A session's figures from its first row until its last, or until now while it goes on.

    The first line is the session as a whole.
    """

    session_id: str
    agent_id: str
    agent_type: str
    status: str
    since: str
    until: str
    rows: int
    lines: list[ReportLine]
