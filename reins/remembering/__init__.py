"""Memories beyond one session: those of an agent, and those that all share; changes by people."""
