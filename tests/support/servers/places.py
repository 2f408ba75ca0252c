"""Fixtures: a place for rows of each kind of store, which several stores open at once."""

import contextlib
from collections.abc import AsyncIterator, Iterator

import psycopg
import pytest
import redis

from reins.kv import KV, open_kv
from tests.support.servers.running import PostgresServer, RedisServer

KINDS = ("memory", "json", "sqlite", "redis", "postgres")


class Place:
    """Rows of one kind of store; `opened` are closed at the end of the test."""

    def __init__(self, kind: str, url: str) -> None:
        self.kind, self.url = kind, url
        self._opened: list[KV] = []

    def open(self, timeout_s: float = 30.0) -> KV:
        """Another store with these rows: in memory it is always the same."""
        if self.kind == "memory" and self._opened:
            return self._opened[0]
        self._opened.append(open_kv(self.url, timeout_s=timeout_s))
        return self._opened[-1]

    async def close(self) -> None:
        for kv in self._opened:
            await kv.close()


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    with RedisServer() as server:
        yield server


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    with PostgresServer() as server:
        yield server


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def place(
    kind: str, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> AsyncIterator[Place]:
    """Empty at first."""
    made = Place(kind, url_of(kind, tmp_path_factory, request))
    yield made
    await made.close()


@pytest.fixture
def kv(place: Place) -> KV:
    return place.open()


def url_of(kind: str, folders: pytest.TempPathFactory, request: pytest.FixtureRequest) -> str:
    """The address of an empty place."""
    if kind == "redis":
        server = request.getfixturevalue("redis_server")
        with contextlib.closing(redis.Redis(port=server.port)) as client:
            client.flushall()
        return str(server.url())
    if kind == "postgres":
        server = request.getfixturevalue("postgres_server")
        with psycopg.connect(server.url(), autocommit=True) as connection:
            connection.execute(
                "DROP TABLE IF EXISTS reins_kv; DROP SEQUENCE IF EXISTS reins_kv_version"
            )
        return str(server.url())
    return "memory:" if kind == "memory" else f"{kind}:{folders.mktemp('kv') / 'rows'}"
