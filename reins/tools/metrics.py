"""Counters and times of tools, for `/metrics`."""

from prometheus_client import Counter, Histogram

CALLS = Counter("reins_tool_calls", "Calls of tools, by how they ended.", ["tool", "outcome"])
SECONDS = Histogram(
    "reins_tool_seconds",
    "Time of a call with its tries, in seconds.",
    ["tool"],
    buckets=(0.001, 0.01, 0.1, 0.5, 1, 5, 30, 120),
)
