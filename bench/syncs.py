"""How often each contender syncs, counted by strace: what its durability is worth."""

from bench.contest import syncs as run

__all__ = ["run"]
