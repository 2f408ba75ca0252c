"""Mirrors: the newest states of sessions, memories and boards in a Redis or a PostgreSQL."""
