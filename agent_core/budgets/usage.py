"""Sums of what was taken, and what is held back for calls in flight."""

import time
from collections.abc import Mapping
from typing import Any, TypeAlias

Sums: TypeAlias = Mapping[str, float]
NOTHING: Sums = {"ticks": 0, "tokens": 0, "cost_usd": 0.0, "wall_s": 0.0}


class Reserved:
    """Amounts held back for calls in flight; exactly nothing when none is.

    `since` is when the first of them began, in seconds of `time.perf_counter`.
    """

    __slots__ = ("calls", "cost_usd", "since", "tokens")

    def __init__(self) -> None:
        self.calls = 0
        self.since = 0.0
        self.tokens = 0
        self.cost_usd = 0.0

    def add(self, tokens: int, cost_usd: float) -> None:
        if not self.calls:
            self.since = time.perf_counter()
        self.calls += 1
        self.tokens += tokens
        self.cost_usd += cost_usd

    def remove(self, tokens: int, cost_usd: float) -> None:
        self.calls -= 1
        self.tokens -= tokens
        self.cost_usd = self.cost_usd - cost_usd if self.calls else 0.0


class Usage:
    """Sums of what was taken, and what calls in flight hold back."""

    __slots__ = ("_reserved", "cost_usd", "ticks", "tokens", "wall_s")

    def __init__(self) -> None:
        self._reserved: Reserved | None = None
        self.clear()

    @property
    def reserved(self) -> Reserved:
        if self._reserved is None:  # made at first use: an idle agent has no calls
            self._reserved = Reserved()
        return self._reserved

    def clear(self) -> None:
        """Start from nothing; what is in flight stays."""
        self.ticks = 0
        self.tokens = 0
        self.cost_usd = 0.0
        self.wall_s = 0.0

    def add(self, ticks: int, tokens: int, cost_usd: float, wall_s: float) -> None:
        self.ticks += ticks
        self.tokens += tokens
        self.cost_usd += cost_usd
        self.wall_s += wall_s

    def add_usage(self, usage: Mapping[str, Any]) -> None:
        """Add the usage of a snapshot, with or without the parts that newer versions write."""
        tokens = usage.get("tokens", usage.get("tokens_in", 0) + usage.get("tokens_out", 0))
        ticks, wall_s = usage.get("ticks", 0), usage.get("wall_s", 0.0)
        self.add(ticks, tokens, usage.get("cost_usd", 0.0), wall_s)

    def add_lives(self, usage: Mapping[str, Any]) -> None:
        """Add the usage of a snapshot, and that of the session's former lives."""
        self.add_usage(usage)
        self.add_usage(usage.get("before") or {})

    def sums(self) -> dict[str, float]:
        # One by one: each call of a model asks twice.
        return {
            "ticks": self.ticks,
            "tokens": self.tokens,
            "cost_usd": self.cost_usd,
            "wall_s": self.wall_s,
        }
