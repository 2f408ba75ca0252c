"""Servers that are down, frozen, started again, or refuse: a bounded wait and a clear word."""

import asyncio
import contextlib
import subprocess
import sys
import time

import psycopg
import pytest
import redis as driver

from reins import redaction
from reins.kv import ConflictError, KVError, UnavailableError, open_kv
from tests.integration.kv.relay import Relay
from tests.support.program import ROOT
from tests.support.servers.running import PASSWORD, RedisServer, free_port

ON_SERVERS = pytest.mark.parametrize("kind", ["redis", "postgres"], indirect=True)
WAIT_S = 0.5
BOUND_S = 8.0  # what is waited for in vain, and a machine that others use
ESCAPED = "s3cret%2Fof%40the%3Aserver"


@pytest.fixture
def server(place, request):
    """The one that has the rows of `place`; it runs again at the end."""
    found = request.getfixturevalue(f"{place.kind}_server")
    yield found
    found.thaw()
    with contextlib.suppress(AssertionError):
        found.stop()
    found.start()


CALLS = [
    ("get", ["k"]),
    ("put", ["k", 1]),
    ("put_newer", ["k", 1, 1]),
    ("delete", ["k"]),
    ("scan", []),
]


async def refused(kv, match):
    for name, given in CALLS:
        began = time.monotonic()
        with pytest.raises(UnavailableError, match=match) as told:
            await getattr(kv, name)(*given)
        assert time.monotonic() - began < BOUND_S
        assert "s3cret" not in str(told.value)


@pytest.mark.parametrize(
    "url", ["redis://:s3cret@127.0.0.1:{}/0", "postgresql://u:s3cret@127.0.0.1:{}/d"]
)
async def test_nobody_listens(url):
    """Told at once, with the address and without the password."""
    port = free_port()
    async with open_kv(url.format(port), timeout_s=WAIT_S) as kv:
        await refused(kv, rf"://127\.0\.0\.1:{port}/.*Check that it runs")


@ON_SERVERS
async def test_a_frozen_server(place, server):
    """Each call gives up in time, also those that wait for a connection; then all is well again."""
    kv = place.open(timeout_s=WAIT_S)
    await kv.put("key", 1)
    server.freeze()
    await refused(kv, f"did not answer within {WAIT_S:g} s")
    began = time.monotonic()
    crowd = await asyncio.gather(*(kv.get("key") for _ in range(30)), return_exceptions=True)
    assert time.monotonic() - began < 2 * BOUND_S
    assert all(isinstance(end, UnavailableError) for end in crowd)
    waiting = asyncio.create_task(kv.get("key"))
    await asyncio.sleep(WAIT_S / 5)
    waiting.cancel()
    began = time.monotonic()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert time.monotonic() - began < BOUND_S
    server.thaw()
    assert await kv.put("other", 2)


@ON_SERVERS
async def test_a_server_that_is_killed_and_comes_back(place, server):
    """What was acknowledged is there, the next call finds it, and no version comes again."""
    kv = place.open()
    versions = await asyncio.gather(*(kv.put(f"{number}", number) for number in range(20)))
    for end in (server.kill, server.stop):
        end()
        with pytest.raises(UnavailableError):
            await place.open(timeout_s=WAIT_S).get("0")
        server.start()
        # Its connections were idle: that they are gone is no error.
        assert [(await kv.get(f"{number}")).value for number in range(20)] == list(range(20))
        versions.append(await kv.put("0", 0))
        assert versions[-1] == max(versions)


@pytest.mark.parametrize("kind", ["redis"], indirect=True)
async def test_a_redis_that_has_lost_its_rows_gives_no_version_again(place, server):
    """Its versions follow the clock: what was read before the loss is refused."""
    kv = place.open()
    old = [await kv.put("key", number) for number in range(50)]
    with contextlib.closing(driver.Redis(port=server.port)) as client:
        client.flushall()
        client.script_flush()
    assert await kv.put("key", 1) > old[-1]
    for _ in range(60):
        await kv.put("key", 1)
    for version in old:
        with pytest.raises(ConflictError):
            await kv.put("key", 2, expect=version)


@ON_SERVERS
async def test_each_write_is_one_round_trip(place, server):
    """The store sends once and is answered, whatever guards the write."""
    async with Relay(server.port) as relay:
        url = place.url.replace(f":{server.port}/", f":{relay.port}/")
        async with open_kv(url) as kv:
            for _ in range(8):  # the driver prepares what it sends often
                version = await kv.put("key", 1)
                await kv.put_newer("newer", 1, 1)
                await kv.put("key", 1, expect=version)
                await kv.scan()
                await kv.delete("key")
            for name, given in CALLS:
                before = relay.asked
                await getattr(kv, name)(*given)
                assert relay.asked == before + 1


async def test_a_redis_with_a_password():
    """The right one opens it; a wrong one is told of, and shown nowhere."""
    with RedisServer(password=PASSWORD) as server:
        async with open_kv(server.url(ESCAPED)) as kv:
            await kv.put("key", 1)
            assert "s3cret" not in repr(kv)
        for url in (server.url("wr0ngwrong"), server.url()):
            async with open_kv(url) as kv:
                with pytest.raises(KVError, match="user and password") as told:
                    await kv.get("key")
                assert "wr0ng" not in str(told.value) + repr(told.value) + repr(kv)


async def test_a_wrong_password_of_postgres(postgres_server):
    """Told of, and shown nowhere; from then on it is a secret everywhere."""
    async with open_kv(postgres_server.url("wr0ngwrong")) as kv:
        with pytest.raises(KVError, match="password authentication failed") as told:
            await kv.get("key")
        assert "wr0ng" not in str(told.value) + repr(told.value) + repr(kv)
        assert told.value.__cause__ is None
    assert "wr0ng" not in redaction.text("it is wr0ngwrong")


async def test_a_user_without_the_right_to_make_tables(postgres_server):
    """It is told; once the table is there and granted, the store needs no other right."""
    drop = "DROP TABLE IF EXISTS reins_kv; DROP SEQUENCE IF EXISTS reins_kv_version"
    with psycopg.connect(postgres_server.url(), autocommit=True) as owner:
        owner.execute(drop)
        owner.execute("CREATE ROLE guest LOGIN PASSWORD 'guestguest1'")
        try:
            url = postgres_server.url("guestguest1").replace("//reins:", "//guest:")
            async with open_kv(url) as kv:
                with pytest.raises(KVError, match=r"permission denied.*Check the rights"):
                    await kv.put("key", 1)
            async with open_kv(postgres_server.url()) as kv:
                await kv.put("key", 1)
            owner.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON reins_kv TO guest")
            owner.execute("GRANT USAGE ON SEQUENCE reins_kv_version TO guest")
            async with open_kv(url) as kv:
                assert await kv.put("key", 2) > 0
        finally:
            owner.execute(f"{drop}; DROP OWNED BY guest; DROP ROLE guest")


async def test_stores_that_open_an_empty_database_at_once(postgres_server):
    """One of them makes the table; the others find it."""
    for _ in range(3):
        with psycopg.connect(postgres_server.url(), autocommit=True) as owner:
            owner.execute("DROP TABLE IF EXISTS reins_kv; DROP SEQUENCE IF EXISTS reins_kv_version")
        async with contextlib.AsyncExitStack() as stack:
            stores = [
                await stack.enter_async_context(open_kv(postgres_server.url())) for _ in range(8)
            ]
            versions = await asyncio.gather(*(kv.put("key", 1) for kv in stores))
            assert len(set(versions)) == 8


def test_who_needs_no_driver_imports_none():
    """Drivers come with the first call of a store on a server."""
    code = "import sys, reins.kv; assert not {'redis', 'psycopg'} & sys.modules.keys()"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


@pytest.mark.parametrize(
    ("url", "package", "extra"),
    [("redis://127.0.0.1", "redis", "redis"), ("postgresql://h/d", "psycopg", "postgres")],
)
async def test_a_driver_that_is_not_installed(url, package, extra, monkeypatch):
    """The error says what to install."""
    for name in [name for name in sys.modules if name.split(".")[0] == package]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, package, None)
    async with open_kv(url) as kv:
        with pytest.raises(KVError, match=rf"pip install 'reins\[{extra}\]'"):
            await kv.get("key")
