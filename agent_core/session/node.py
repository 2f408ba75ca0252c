"""The part of an agent's work that a task does, for whoever is called from there."""

from contextvars import ContextVar

node: ContextVar[str | None] = ContextVar("node", default=None)
"""The name of a piece of work between ticks; None in a tick, and in everything else."""
