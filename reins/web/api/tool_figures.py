"""The figures of tools, one set for each of them."""

from reins.recent import quantile
from reins.tools.figures import ToolFigures
from reins.web.api.figure import Figure, by, one


def _durations(tool: ToolFigures) -> dict[str, float | None]:
    newest = tool.recent_s.sorted()
    return {str(share): quantile(newest, share) for share in (0.5, 0.95, 0.99)}


OF_TOOLS = (
    Figure(
        "reins_tool_calls_total",
        "calls of the tool since the worker's start, by `outcome`: `ok`, or the kind of failure",
        by("outcome", lambda tool: dict(tool.outcomes)),
    ),
    Figure(
        "reins_tool_attempts_total",
        "tries of these calls; if they are many more, what the tool needs fails",
        one(lambda tool: tool.attempts),
    ),
    Figure(
        "reins_tool_seconds_total",
        "seconds that these calls took, with their waits",
        one(lambda tool: tool.seconds),
    ),
    Figure(
        "reins_tool_latency_seconds",
        "duration of the newest calls that succeeded, by `quantile`",
        by("quantile", _durations),
    ),
)
