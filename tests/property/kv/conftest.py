"""Stores of all kinds, with real servers."""

from tests.support.servers.places import kind, kv, place, postgres_server, redis_server

__all__ = ["kind", "kv", "place", "postgres_server", "redis_server"]
