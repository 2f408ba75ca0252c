"""Mirrors with real servers."""

from tests.support.servers.places import kind, place, postgres_server, redis_server

__all__ = ["kind", "place", "postgres_server", "redis_server"]
